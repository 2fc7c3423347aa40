"""Imports point one way, never in a circle, and take no private names; what importing costs."""

import ast
import functools
import graphlib
import importlib.util
import pathlib
import subprocess
import sys

import pytest

import jax_ref
import scratch_ad

ROOT = pathlib.Path(scratch_ad.__file__).parents[1]
PATHS = {}  # module → file
for package in (scratch_ad, jax_ref):
    for path in sorted(pathlib.Path(package.__file__).parent.rglob("*.py")):
        PATHS[".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")] = path

ORDER = [  # a module or package may import those that stand before it
    *(
        "frames",
        "refusals",
        "foreign",
        "memory",
        "silence",
        "tracer",
        "primitives",
        "views",
        "layout",
        "scalars",
        "keywords",
        "array",
        "writing",
        "flat",
        "cells",
        "constants",
        "writers",
        "creation",
        "tree",
        "chain",
        "careful",
        "registry",
        "forward",
        "reverse",
        "fast",
        "poles",
        "modes",
        "rule",
        "rules",
        "nodes",
        "duals",
    ),
    *(
        "compressed",
        "batch",
        "basis",
        "batching",
        "mapping",
        "program",
        "cost",
        "picture",
        "compiling",
        "symbolic",
        "numerical",
        "linearization",
    ),
    "jacobians",
    *("transforms", "custom", "implicit", "snapshots", "fingerprints", "checkpoint"),
    *("dependencies", "paths", "sparse", "observing", "nans", "tracing"),
]
MODES = {"forward", "reverse", "batch", "program", "numerical"}  # none imports another
ROOMS = [  # of jax_ref: a room may import those that stand before it
    *(
        "meshes",
        "equivalents",
        "lift",
        "cases",
        "engines",
        "measure",
        "referee",
        "tracing",
        "report",
        "sweep",
        "checks",
        "fuzz",
    ),
    *("rules", "lesson", "commands"),
    *("pytest_plugin", "cli", "__main__"),
]


def imports(tree, module):
    """Each import in a module, inside of functions too: the dotted name, and the name by which the module knows it."""
    package = module if PATHS[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, alias.asname or alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield from ((f"{source}.{alias.name}", alias.asname or alias.name) for alias in node.names)


def home(name):
    """The module of ours that holds what a dotted name means; None for others' modules."""
    while name and name not in PATHS:
        name = name.rpartition(".")[0]
    return name or None


def below(module, tree):
    """The modules of ours that one imports; not the package that it is part of, which Python has then loaded."""
    return {
        other for name, _ in imports(tree, module) if (other := home(name)) and not f"{module}.".startswith(other + ".")
    }


@functools.cache
def trees():
    return {module: ast.parse(path.read_text()) for module, path in PATHS.items()}


@functools.cache
def graph():
    return {module: below(module, tree) for module, tree in trees().items()}


def test_no_imports_in_a_circle():
    try:
        graphlib.TopologicalSorter(graph()).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(error.args[1][::-1]))


def test_imports_point_one_way():
    for module, imported in graph().items():
        package, _, mine = module.partition(".")
        mine = mine.partition(".")[0]
        if package == "scratch_ad" and mine in ORDER:
            names = {other.split(".")[1] for other in imported} - {mine}
            assert names <= {*ORDER[: ORDER.index(mine)]}, module
            assert mine not in MODES or not names & MODES, module


def test_rooms_of_jax_ref_stand_in_order():
    between = {room: set() for room in ROOMS}
    for module, imported in graph().items():
        if module.startswith("jax_ref."):
            room = module.split(".")[1]
            between[room] |= {other.split(".")[1] for other in imported if other.startswith("jax_ref.")} - {room}
    for k, room in enumerate(ROOMS):
        assert between[room] <= {*ROOMS[:k]}, room


def test_each_room_of_jax_ref_says_what_it_is_for():
    rooms = {f"jax_ref.{room}" for room in ROOMS if PATHS[f"jax_ref.{room}"].name == "__init__.py"}
    for room in rooms - {"jax_ref.cases"}:  # one file per family there
        said = ast.get_docstring(trees()[room])
        parts = {path.stem for path in PATHS[room].parent.iterdir() if path.suffix == ".py" or path.is_dir()}
        assert all(f"``{part}``" in said for part in parts - {"__init__", "__pycache__"}), room


def test_scratch_ad_knows_nothing_of_jax():
    for module, tree in trees().items():
        if module.startswith("scratch_ad"):
            assert not {name.split(".")[0] for name, _ in imports(tree, module)} & {"jax", "jax_ref"}, module


def is_private(name):
    return any(part.startswith("_") and not part.startswith("__") for part in name.split("."))


def test_no_module_takes_private_names_of_another():
    taken = []
    for module, tree in trees().items():
        known = {alias: name for name, alias in imports(tree, module) if home(name)}
        taken += [f"{module}: {name}" for name in known.values() if is_private(name)]
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and is_private(node.attr):
                first, dot, rest = ast.unparse(node.value).partition(".")
                if known.get(first, first) + dot + rest in PATHS:
                    taken.append(f"{module}: {ast.unparse(node)}")
    assert taken == []


def fresh(code):
    """What a new interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_scratch_ad_imports_no_other_big_package():
    code = (
        "import sys, scratch_ad; print({'jax', 'sympy', 'matplotlib', 'scipy', 'torch', 'jax_ref'} & set(sys.modules))"
    )
    assert fresh(code) == "set()"


def test_cost_of_the_import(record_property):
    """Not a limit, as machines differ: what the import adds to ``import numpy``, for the record."""
    code = "import numpy, time; t = time.process_time(); import scratch_ad; print(time.process_time() - t)"
    seconds = min(float(fresh(code)) for _ in range(5))
    record_property("import_ms", round(1000 * seconds, 1))
    print(f"import scratch_ad adds {1000 * seconds:.0f} ms to import numpy")


def test_the_first_use_of_jax_ref_enables_64_bits_and_imports_jax():
    assert fresh("import jax_ref, jax; jax_ref.grad; print(jax.numpy.ones(2).dtype)") == "float64"
    without = "jax_ref, jax_ref.cli, jax_ref.commands.cli, jax_ref.pytest_plugin, jax_ref.lesson.answer"
    assert fresh(f"import {without}, sys; print('jax' in sys.modules)") == "False"
