"""The custom rules that a package holds, and which of them no test has called.

Its modules are imported, for rules at module and class level, whatever made them; and their source is read, for those
inside of functions. Which were called is in the record that ``pytest --ad-rules`` leaves in pytest's cache.
"""

import ast
import contextlib
import importlib
import inspect
import io
import json
import os
import pkgutil
import sys
from pathlib import Path

from ..engines import tensors
from .watch import RECORD, TORCH, Rule, rule_at

KINDS = {"custom_vjp": "jax.custom_vjp", "custom_jvp": "jax.custom_jvp", "custom_gradient": "jax.custom_gradient"}


def modules(package):
    """The modules of a package that can be imported, and in words which cannot. Raises ValueError for no package."""
    sys.path[:] = dict.fromkeys(("", *sys.path))  # as python -m does
    try:
        root = _imported(package)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise ValueError(f"no package {package}: {type(error).__name__}: {error}") from error
    found, failed = [root], []
    names = pkgutil.walk_packages(getattr(root, "__path__", []), f"{root.__name__}.", onerror=lambda name: None)
    for info in names:
        if info.name.endswith(".__main__"):
            continue
        try:
            found.append(_imported(info.name))
        except BaseException as error:  # whatever a module does when it is imported
            if isinstance(error, KeyboardInterrupt):
                raise
            failed.append(f"{info.name}: {type(error).__name__}: {error}".partition("\n")[0])
    return found, failed


def _imported(name):
    with contextlib.redirect_stdout(io.StringIO()):
        return importlib.import_module(name)


def rules(modules):
    """The rules of these modules, each once, by where they stand."""
    names = {module.__name__ for module in modules}
    found = {}
    for module in modules:
        for rule in (*_by_objects(module, names), *_by_source(module)):
            found.setdefault((rule.file, rule.line), rule)
    return sorted(found.values(), key=lambda rule: (rule.file, rule.line))


# By the objects of a module


def _by_objects(module, names):
    for value in [*vars(module).values()]:
        yield from _of_object(value, names)
        if isinstance(value, type) and value.__module__ == module.__name__:
            for inner in [*vars(value).values()]:
                yield from _of_object(getattr(inner, "__func__", inner), names)


def _of_object(value, names):
    kind = _kind(value)
    if not kind:
        return
    rule = rule_at(kind, value if isinstance(value, type) else value.fun)
    if rule.module in names:
        yield rule


def _kind(value):
    for _ in range(20):  # of what wraps one, such as jax.jit
        cls = value if isinstance(value, type) else type(value)
        library = (cls.__module__ or "").partition(".")[0]
        if cls is value:
            return TORCH if tensors.class_of(cls) and library != "torch" else ""
        if cls.__name__ in ("custom_vjp", "custom_jvp") and library in ("jax", "scratch_ad"):
            return f"{library}.{cls.__name__}"
        if inspect.isfunction(value) or not hasattr(value, "__wrapped__"):
            return ""
        value = value.__wrapped__
    return ""


# By the source


def _by_source(module):
    file = os.path.realpath(getattr(module, "__file__", None) or "?")
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    known = _aliases(tree)
    yield from _walk(tree, [], {}, known, lambda kind, name, line: Rule(kind, module.__name__, name, file, line))


def _aliases(tree):
    """What dotted names of a module mean: those of the kinds of rule, under whatever names they were imported."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            known |= {alias.asname: alias.name for alias in node.names if alias.asname}
            known |= {alias.name.partition(".")[0]: alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute):
            known |= {t.id: ast.unparse(node.value) for t in node.targets if isinstance(t, ast.Name)}
    return known


def _kind_named(node, known):
    """The kind of rule that an expression makes: ``custom_vjp``, a call of that, or ``partial`` of it."""
    if isinstance(node, ast.Call):
        name = _full(node.func, known)
        if name.rpartition(".")[2] == "partial" and node.args:
            return _kind_named(node.args[0], known)
        return _kind_named(node.func, known)
    name = _full(node, known)
    library, _, last = name.partition(".")
    kind = KINDS.get(last.rpartition(".")[2])
    return kind.replace("jax", library) if kind and library in ("jax", "scratch_ad") else ""


def _full(node, known):
    """A dotted name with its first part as it was imported."""
    text = ast.unparse(node) if isinstance(node, (ast.Name, ast.Attribute)) else ""
    for _ in range(5):
        first, dot, rest = text.partition(".")
        if known.get(first, first) == first:
            break
        text = known[first] + dot + rest
    return text


def _walk(node, path, functions, known, rule):
    """Rules below a node; ``path``: the qualified name so far, ``functions``: those in scope, by name."""
    body = [*ast.iter_child_nodes(node)]
    inside = dict(functions)
    for child in body:
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inside[child.name] = (child, [*path, child.name])
    for child in body:
        below = path
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = ".".join([*path, child.name])
            kinds = [kind for decorator in child.decorator_list if (kind := _kind_named(decorator, known))]
            if isinstance(child, ast.ClassDef) and any(_is_function_class(base, known) for base in child.bases):
                yield rule(TORCH, name, _line(child))
            elif kinds and not isinstance(child, ast.ClassDef):
                yield rule(kinds[0], name, _line(child))
            below = [*path, child.name, *(["<locals>"] if not isinstance(child, ast.ClassDef) else [])]
        elif isinstance(child, ast.Call) and child.args and (kind := _kind_named(child.func, known)):
            yield from _called(child, kind, path, inside, rule)
        yield from _walk(child, below, inside, known, rule)


def _called(call, kind, path, functions, rule):
    """The rule that ``custom_vjp(f)`` makes, which stands where ``f`` does."""
    first = call.args[0]
    if isinstance(first, ast.Lambda):
        yield rule(kind, ".".join([*path, "<lambda>"]), first.lineno)
    elif isinstance(first, ast.Name) and first.id in functions:
        node, name = functions[first.id]
        yield rule(kind, ".".join(name), _line(node))
    elif not any(isinstance(first, of) for of in (ast.Name, ast.Attribute)) or path:
        yield rule(kind, ".".join([*path, ast.unparse(first)]), call.lineno)


def _is_function_class(base, known):
    return _full(base, known) in (TORCH, "torch.autograd.function.Function")


def _line(node):
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


# The record


def record(folder):
    """What ``pytest --ad-rules`` left in the cache in this folder: when, how many tests, the tests by file and line.

    Raises ValueError if there is none, or none that can be read.
    """
    path = Path(folder) / "v" / RECORD
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        tests = {(row[3], int(row[4])): row[5:] for row in found["rules"]}
        return str(found["when"]), int(found["tests"]), tests
    except FileNotFoundError:
        raise ValueError(
            f"{folder}: no record there; run `pytest --ad-rules` first, or name pytest's cache by --record."
        ) from None
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise ValueError(f"{path}: no record of `pytest --ad-rules`: {error}.") from None
