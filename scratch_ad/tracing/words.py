"""Numbers and calls in few words."""

import inspect
import re

import numpy as np
import optree

from ..primitives import astype, getitem
from ..scalars import ufunc_of
from ..tracer import name_of
from ..writing import put

_SIGNS = ("+", "−", "·", "/", "@", "**", ">", "<", ">=", "<=", "==", "!=")
_UFUNCS = np.add, np.subtract, np.multiply, np.true_divide, np.matmul, np.power
_COMPARISONS = np.greater, np.less, np.greater_equal, np.less_equal, np.equal, np.not_equal
INFIX = dict(zip((*_UFUNCS, *_COMPARISONS), _SIGNS, strict=True))
NONE = "—"  # what is not known, or not there
WHOLE = 1000  # numbers of an array that are written out on demand


def number(x, digits=5):
    """A short text of a number or an array; several results one after another."""
    if x is None:
        return NONE
    if isinstance(x, (tuple, list)):
        return "(" + ", ".join(number(part, digits) for part in x) + ")"
    x = np.asarray(x)
    if x.ndim == 0:
        return _one(x[()], digits)
    shown = [_one(v, min(digits, 3)) for v in x.flat[: 3 if x.size <= 3 else 2]]
    sizes = "" if x.ndim == 1 and x.size <= 3 else f" {shape(x)}"
    return f"[{' '.join(shown if x.size <= 3 else [*shown, '…'])}]{sizes}"


def _one(v, digits):
    if getattr(v, "dtype", np.dtype(object)).kind not in "fc":
        return str(v)
    text = re.sub(r"e([+-])0*(\d)", r"e\1\2", f"{v:.{digits}g}")
    return text.replace("-", "−").replace("e+", "e")


def brief(x):
    """A number for a box of the graph: of an array its size."""
    if x is None or np.size(x) <= 2 or isinstance(x, (tuple, list)):
        return number(x, 4)
    x = np.asarray(x)
    return f"‖{_one(np.linalg.norm(x.ravel()), 3)}‖" if x.dtype.kind in "fc" else shape(x)


def whole(x):
    """All of an array, for who asks for it, as far as that can be read; None where the short text is all."""
    if x is None or isinstance(x, (tuple, list)) or np.size(x) <= 3:
        return None
    x = np.asarray(x)
    text = np.array2string(x, precision=6, threshold=WHOLE, max_line_width=76)
    return f"{x.dtype} {shape(x)}\n{text}"


def shape(x):
    return "×".join(map(str, np.shape(x)))


def call_text(function, args, kwargs):
    """The call as one would write it: infix, an index, a write, or a function with its arguments."""
    s, function = [shown(a) for a in args], ufunc_of.get(function, function)
    if function is getitem:
        return f"{s[0]}[{_index(args[1])}]"
    if function is put:
        return f"{s[0]} with [{_index(args[1])}] = {s[2]}"
    if function is astype:
        return f"{s[0]}.astype({np.dtype(args[1])})"
    if function in INFIX and len(s) == 2 and not kwargs:
        return f"{s[0]} {INFIX[function]} {s[1]}"
    if function is np.negative and not kwargs:
        return f"−{s[0]}"
    if function is np.square and not kwargs:
        return f"{s[0]}²"
    given = [*s, *(f"{name}={shown(value)}" for name, value in kwargs.items())]
    return f"{name_of(function)}({', '.join(given)})"


def shown(x):
    """An argument of a call."""
    if label := getattr(x, "label", None):
        return label
    if isinstance(x, (list, tuple)):
        inside = ", ".join(map(shown, x)) if len(x) <= 6 else f"{shown(x[0])}, … {len(x)}"
        return f"[{inside}]" if isinstance(x, list) else f"({inside}{',' * (len(x) == 1)})"
    if isinstance(x, slice):
        return _index(x)
    if isinstance(x, (np.ndarray, np.generic)) and np.ndim(x):
        return f"const[{shape(x)}]"
    if isinstance(x, (float, complex, np.inexact)):
        return _one(np.asarray(x)[()], 4)
    if isinstance(x, np.generic):
        return str(x.item())
    return name_of(x) if callable(x) and not isinstance(x, type) else repr(x)


def _index(i):
    if isinstance(i, tuple):
        return ", ".join(map(_index, i))
    if isinstance(i, slice):
        ends = ["" if end is None else shown(end) for end in (i.start, i.stop, i.step)]
        return ":".join(ends[:2] if i.step is None else ends)
    return "…" if i is Ellipsis else shown(i)


def leaf_names(f, args):
    """Names for the leaves of the arguments, as x, p[0] or p['w']."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        parameters = ()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][: len(args)]
    names += [f"x{k}" for k in range(len(names), len(args))]
    paths = (zip([name] * len(found), found) for name, found in zip(names, map(optree.tree_paths, args)))
    return [name + "".join(f"[{p!r}]" for p in path) for of_argument in paths for name, path in of_argument]
