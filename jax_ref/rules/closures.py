"""What a custom rule closes over: numbers that were being traced, found and replaced."""

import functools
import types

ATTRIBUTES = ("fun", "fwd", "bwd", "jvp")  # of a custom rule, where its functions are


def found(owner, wanted, leaves):
    """The objects that are ``wanted(x)`` among what the functions of a rule close over; ``leaves`` of containers."""
    seen, out = {}, []

    def visit(x):
        if id(x) in seen:
            return
        seen[id(x)] = x
        if wanted(x):
            out.append(x)
        elif parts := _parts(x):
            for part in parts:
                visit(part)
        elif isinstance(x, (tuple, list, dict)):
            for leaf in leaves(x):
                visit(leaf)

    visit(owner)
    return out


def _parts(x):
    if isinstance(x, types.FunctionType):
        return [*contents(x), *(x.__defaults__ or ())]
    if isinstance(x, types.MethodType):
        return [x.__func__]
    if isinstance(x, functools.partial):
        return [x.func, *x.args, *x.keywords.values()]
    if is_rule(x):
        return [vars(x)[name] for name in ATTRIBUTES if name in vars(x)]
    return []


def is_rule(x):
    """Whether it looks like a function with a custom rule: of JAX or of ours."""
    return type(x).__name__.startswith("custom_") and hasattr(x, "__dict__") and "fun" in vars(x)


def contents(function):
    """What the cells of a function hold."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not assigned yet
            continue


def replaced(owner, new, mapped):
    """The same rule, whose functions close over ``new(x)`` in place of x; ``mapped(f, container)`` maps the leaves."""
    memo = {}

    def of(x):
        if id(x) in memo:
            return memo[id(x)][1]
        made = new(x)
        if made is not x:
            memo[id(x)] = x, made
        elif isinstance(x, types.FunctionType) and (x.__closure__ or x.__defaults__):
            cells = tuple(types.CellType() for _ in x.__closure__ or ())
            made = types.FunctionType(x.__code__, x.__globals__, x.__name__, None, cells)
            memo[id(x)] = x, made
            made.__kwdefaults__, made.__qualname__, made.__module__ = x.__kwdefaults__, x.__qualname__, x.__module__
            made.__defaults__ = x.__defaults__ and tuple(map(of, x.__defaults__))
            for cell, old in zip(cells, x.__closure__ or (), strict=True):
                try:
                    cell.cell_contents = of(old.cell_contents)
                except ValueError:  # not assigned yet
                    continue
        elif isinstance(x, types.MethodType):
            made = types.MethodType(of(x.__func__), x.__self__)
        elif isinstance(x, functools.partial):
            made = functools.partial(of(x.func), *map(of, x.args), **{k: of(v) for k, v in x.keywords.items()})
        elif is_rule(x):
            made = object.__new__(type(x))  # not by copy.copy, which JAX's do not take
            memo[id(x)] = x, made
            vars(made).update(vars(x))
            vars(made).update({name: of(vars(x)[name]) for name in ATTRIBUTES if name in vars(x)})
        elif isinstance(x, (tuple, list, dict)):
            made = mapped(of, x)
        memo[id(x)] = x, made
        return made

    return of(owner)
