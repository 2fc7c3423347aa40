"""What a rule does along an edge: as its source has it, or by the ``…`` that its docstring begins with."""

import ast
import functools
import linecache
import operator
import re

from ..chain import same
from ..tracer import name_of

_KNOWN = {operator.neg: "-1", same: "1"}


def formula(function, reciprocal=False):
    """The source text of a rule's map; 1/(…) around it where that is the divisor."""
    text = _text(function)
    return (f"1/{text}" if text.isidentifier() else f"1/({text})") if reciprocal else text


def filled(text, labels):
    """A formula with what a call gave for its names: ``labels`` by name."""
    return re.sub(r"(?<![\w.'])[a-z_]\w*(?![\w'])", lambda found: labels.get(found[0], found[0]), text).replace(
        "np.", ""
    )


def parameters(function):
    """The names of a map's positional parameters that are left to be given."""
    given = 0
    while isinstance(function, functools.partial):
        given, function = given + len(function.args), function.func
    code = getattr(function, "__code__", None)
    return code.co_varnames[given : code.co_argcount] if code else ()


@functools.lru_cache(1024)
def _text(function):
    left = parameters(function)
    while isinstance(function, functools.partial):
        function = function.func
    if function in _KNOWN:
        return _KNOWN[function]
    code = getattr(function, "__code__", None)
    if code is None:
        return name_of(function)
    if said := re.match("``(.+?)``", function.__doc__ or ""):
        return said[1]
    try:
        tree, text = _parsed(code.co_filename)
    except SyntaxError:
        return f"{code.co_name}(…)"
    names = [*parameters(function)]
    if code.co_name == "<lambda>":
        column = min((start for *_, start, _ in filter(_on_one_line, code.co_positions())), default=0)
        alike = (n for n in ast.walk(tree) if isinstance(n, ast.Lambda) and n.lineno == code.co_firstlineno)
        alike = [n for n in alike if [a.arg for a in n.args.args] == names]
        if not alike:
            return "…"
        body = min(alike, key=lambda n: abs(n.body.col_offset - column)).body
        if isinstance(body, ast.Name) and body.id == names[0] and names[0] in "ug":
            return "1"  # the cotangent goes on as it is
        return " ".join((ast.get_source_segment(text, body) or "…").split())
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))
    starts = lambda n: min(part.lineno for part in (n, *n.decorator_list))
    found = next((n for n in functions if starts(n) == code.co_firstlineno), None)
    if found and len(found.body) == 1 and isinstance(found.body[0], ast.Return) and found.body[0].value:
        return " ".join((ast.get_source_segment(text, found.body[0].value) or "…").split())
    return f"{code.co_name}({', '.join([*left[:1], '…'])})"


def _on_one_line(place):
    line, last, start, end = place
    return line is not None and line == last and start is not None and end is not None and end > start > 0


@functools.lru_cache(64)
def _parsed(file):
    text = "".join(linecache.getlines(file))
    return ast.parse(text), text
