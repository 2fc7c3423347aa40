"""Symbolic differentiation: a plain NumPy function run on SymPy expressions.

A ``Symbol`` holds an array of SymPy expressions, one per element. Elementwise functions have SymPy counterparts, listed
below; sums, products and rearrangements are carried out by NumPy on the array. SymPy is imported when first used.

Limits: an expression is written out for every element, so tracing costs about a millisecond per element and layer:
thousands of elements take seconds, millions do not work. Symbols are real. No Python branch can depend on one (in
``symbolic_gradient`` branches are taken as at the given parameters). The derivative of a maximum is ½ at every tie.
"""

import functools
import inspect

import numpy as np

from .cells import Cell
from .primitives import astype, getitem
from .program import Name, record
from .refusals import check_callable, uncover
from .registry import rule_of
from .rule import Composite
from .rules.reductions import share_of_sum
from .scalars import ufunc_of
from .tracer import Trace, Tracer, escaped, name_of
from .tree import tree_map
from .views import viewed
from .writing import put


class Symbol(Cell):
    """An array of SymPy expressions, standing for real numbers."""

    __slots__ = ()
    dtype = np.dtype(np.float64)

    def __init__(self, trace, value):
        self.owner, self.value, self.tag = trace, np.asarray(value, dtype=object), None

    def __bool__(self):
        raise TypeError(
            f"a symbolic expression is neither true nor false: {self.value}. "
            "Write np.where, np.maximum or np.minimum instead of a branch."
        )


class Symbolic(Trace):
    """One run on symbols. Its level is below every transformation's, which can so be run on symbols."""

    __slots__ = ("ended",)
    mode = "symbolic mode"

    def __init__(self):
        self.level, self.ended = 0, False

    def process(self, function, args, kwargs):
        function = ufunc_of.get(function, function)  # expressions have one power
        on_arrays = (
            _written if function is put else function if function in _by_numpy else _counterparts().get(function)
        )
        rule = rule_of.get(function)
        lower, lower_keywords = _lower(args), {k: _lower(v) for k, v in kwargs.items()}
        try:
            if on_arrays is None and isinstance(rule, Composite):
                return rule.rewrite(self.mode, function, args, kwargs)
            if on_arrays is None:
                raise NotImplementedError(name_of(function))
            y = on_arrays(*lower, **lower_keywords)
        except (NotImplementedError, TypeError, IndexError) as error:
            raise NotImplementedError(
                f"{name_of(function)} has no SymPy counterpart in {self.mode}, or none for these arguments; write it "
                "in functions that have one, or use forward or reverse mode."
            ) from error
        if function in _about_arrays:
            return y
        symbol = functools.partial(Symbol, self)
        result = type(y)(map(symbol, y)) if isinstance(y, (tuple, list)) else symbol(y)
        return viewed(result, y, function, args, kwargs)


def _lower(x):
    """Arrays of expressions in place of symbols; TypeError for those of a run that is over."""
    if isinstance(x, Tracer):
        if x.owner.ended:
            raise escaped(x.owner.mode)
        return x.value
    return type(x)(map(_lower, x)) if type(x) in (tuple, list) else x


def _written(a, index, v):
    return put(np.asarray(a, object), index, v)


_about_arrays = {np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj}
_by_numpy = _about_arrays | {
    # arithmetic, which NumPy hands to the operators of the elements
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.square,
    np.matmul, np.vecdot, np.matvec, np.vecmat, np.dot, np.vdot, np.inner, np.outer, np.kron, np.tensordot, np.einsum,
    np.trace, np.cumsum, np.cumprod, np.diff, np.zeros_like, np.ones_like, np.full_like,
    # rearrangements
    getitem, np.take, np.diagonal, np.diag, np.tril, np.triu, np.copy,
    np.reshape, np.ravel, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis,
    np.expand_dims, np.squeeze, np.broadcast_to, np.atleast_1d, np.atleast_2d,
    np.concatenate, np.stack, np.vstack, np.hstack, np.column_stack, np.split, np.array_split,
    np.flip, np.roll, np.rot90, np.tile, np.repeat, np.append,
}  # fmt: skip


@functools.cache
def _counterparts():
    """NumPy function → the same on arrays of expressions."""
    import sympy
    from sympy.codegen import cfunctions, numpy_nodes

    def where(condition, a, b):
        return sympy.Piecewise((a, condition), (b, True))

    def power(a, b):
        return a ** (int(b) if isinstance(b, float) and b.is_integer() else b)

    def cbrt(x):
        return sympy.sign(x) * sympy.Abs(x) ** sympy.Rational(1, 3)

    def clip(a, low, high):
        a = a if low is None else sympy.Max(a, low)
        return a if high is None else sympy.Min(a, high)

    total = _along_axis(sympy.Add)
    elementwise = {
        np.sin: sympy.sin,          np.arcsin: sympy.asin,      np.sinh: sympy.sinh,        np.arcsinh: sympy.asinh,
        np.cos: sympy.cos,          np.arccos: sympy.acos,      np.cosh: sympy.cosh,        np.arccosh: sympy.acosh,
        np.tan: sympy.tan,          np.arctan: sympy.atan,      np.tanh: sympy.tanh,        np.arctanh: sympy.atanh,
        np.exp: sympy.exp,          np.exp2: cfunctions.exp2,   np.expm1: cfunctions.expm1, np.sqrt: sympy.sqrt,
        np.log: sympy.log,          np.log2: cfunctions.log2,   np.log1p: cfunctions.log1p, np.log10: cfunctions.log10,
        np.absolute: sympy.Abs,     np.fabs: sympy.Abs,         np.sign: sympy.sign,        np.radians: sympy.rad,
        np.maximum: sympy.Max,      np.minimum: sympy.Min,      np.fmax: sympy.Max,         np.fmin: sympy.Min,
        np.greater: sympy.Gt,       np.greater_equal: sympy.Ge, np.equal: sympy.Eq,         np.logical_and: sympy.And,
        np.less: sympy.Lt,          np.less_equal: sympy.Le,    np.not_equal: sympy.Ne,     np.logical_or: sympy.Or,
        np.real: sympy.re,          np.imag: sympy.im,          np.conj: sympy.conjugate,   np.logical_not: sympy.Not,
        np.arctan2: sympy.atan2,    np.hypot: cfunctions.hypot, np.logaddexp: numpy_nodes.logaddexp,
        np.power: power,            np.float_power: power,
        np.reciprocal: lambda x: 1 / x,                         np.sinc: lambda x: sympy.sinc(sympy.pi * x),
        np.degrees: sympy.deg,      np.rad2deg: sympy.deg,      np.deg2rad: sympy.rad,      np.cbrt: cbrt,
        np.where: where,            np.clip: clip,
    }  # fmt: skip
    arity = {np.real: 1, np.imag: 1, np.sinc: 1, np.where: 3, np.clip: 3}
    return {f: np.frompyfunc(g, getattr(f, "nin", arity.get(f)), 1) for f, g in elementwise.items()} | {
        np.sum: total,
        np.add.reduce: lambda a, axis=0, *args, **kwargs: total(a, axis, *args, **kwargs),
        np.mean: lambda a, *args, **kwargs: (y := total(a, *args, **kwargs)) * sympy.Rational(np.size(y), np.size(a)),
        share_of_sum: lambda a, n, axis, dtype, keepdims, where: (
            total(a, axis, None, None, keepdims, where) * sympy.Rational(1, int(n))
        ),
        np.prod: _along_axis(sympy.Mul),
        np.max: _along_axis(sympy.Max),
        np.min: _along_axis(sympy.Min),
        astype: lambda a, dtype: a if np.dtype(dtype).kind == "f" else a.astype(dtype),
    }


def _along_axis(constructor):
    """The reduction by a SymPy constructor that takes all its terms at once (one by one, n terms take n² steps)."""

    def reduced(a, axis=None, dtype=None, out=None, keepdims=False, where=True):
        if where is not True:
            raise TypeError("where= chooses elements by number, not by symbol")
        axes = range(a.ndim) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, a.ndim)
        kept = [k for k in range(a.ndim) if k not in axes]
        rows = np.transpose(a, [*kept, *axes]).reshape(*(a.shape[k] for k in kept), -1)
        y = np.empty(rows.shape[:-1], dtype=object)
        for i in np.ndindex(y.shape):
            y[i] = constructor(*rows[i])
        return np.expand_dims(y, tuple(axes)) if keepdims is True else y

    return reduced


def symbols(name, shape=()):
    """An array of real SymPy symbols: ``name`` itself for shape (), else ``name_0_0``, ``name_0_1``, …"""
    import sympy

    array = np.empty(shape, dtype=object)
    for i in np.ndindex(array.shape):
        array[i] = sympy.Symbol("_".join([name, *map(str, i)]), real=True)
    return array


def expression(function, *arguments):
    """The SymPy expression of what ``function``, written in plain NumPy, does.

    ``arguments``, one per positional argument: a name, for a scalar symbol of this name; a shape (a tuple), for an
    array of symbols named after the function's parameter; or SymPy expressions, one or an array of them. Returns an
    expression, or an object array of them for an array, in the containers of the output.
    Raises NotImplementedError for a NumPy function without a SymPy counterpart, TypeError for a branch on a symbol.
    """
    check_callable("expression", function, "function")
    names = list(inspect.signature(function).parameters) if arguments else []
    trace, traced = Symbolic(), []
    for k, argument in enumerate(arguments):
        if isinstance(argument, str):
            argument = symbols(argument)
        elif isinstance(argument, tuple) and all(isinstance(n, int) for n in argument):
            argument = symbols(names[k] if k < len(names) else f"x{k}", argument)
        traced.append(Symbol(trace, argument))
    try:
        return tree_map(functools.partial(_expressed, trace), function(*traced))
    except (ValueError, SystemError) as error:
        uncover(error)
        raise
    finally:
        trace.ended = True


def _expressed(trace, leaf):
    """A leaf of the output as users see it; TypeError for a tracer of another run."""
    leaf = trace.constant(leaf) if isinstance(leaf, Tracer) else leaf
    return leaf.value[()] if isinstance(leaf, Symbol) else leaf


def symbolic_gradient(parameters, function):
    """The gradient of the scalar ``function`` at ``parameters``, an array of any shape, from SymPy's derivative.

    The calls that ``function`` makes are recorded and run on symbols, one for each parameter and for each element of
    the floating-point arrays that it uses. Terms of the sum that comes out are alike but for these arrays, so each form
    is differentiated once and evaluated for all its terms together. This is kept, and used again whenever a function
    makes the same calls on arrays of the same shapes. The result has the shape and dtype of ``parameters``.
    Raises TypeError for parameters that are not real floating-point numbers and for an output that is not a scalar,
    NotImplementedError for a NumPy function without a SymPy counterpart.
    """
    check_callable("symbolic_gradient", function, "function")
    x = np.asarray(parameters)
    if x.dtype.kind != "f":
        raise TypeError(
            f"symbolic_gradient requires real-valued inputs (input dtype that is a sub-dtype of np.floating), "
            f"but got {x.dtype}. Convert integers with .astype(float)."
        )
    program = record(function, x[()])
    if len(program.outputs) != 1:
        raise TypeError(f"Gradient only defined for scalar-output functions. Got {len(program.outputs)} outputs.")
    output = program.outputs[0]
    shape = program.avals[output.number].shape if isinstance(output, Name) else np.shape(output)
    if shape != ():
        raise TypeError(f"Gradient only defined for scalar-output functions. Output had shape: {shape}.")

    constants = {name: c for name, c in program.namespace.items() if name not in ("np", "program", "__builtins__")}
    data = {name: c for name, c in constants.items() if _is_data(c)}
    key = (program.source, x.shape, tuple(c.shape if _is_data(c) else _content(c) for c in constants.values()))
    if key not in _formulas:
        _formulas[key] = _differentiate(program, x.shape, data)
    values = np.concatenate([np.empty(0, x.dtype), *(v.ravel() for v in data.values())])
    gradient = np.zeros(x.size, x.dtype)
    with np.errstate(all="ignore"):
        for derivatives, places in _formulas[key]:
            for k, terms in enumerate(derivatives(*x.ravel(), *values[places].T)):
                gradient[k] += np.sum(np.broadcast_to(terms, len(places)))
    return gradient.reshape(x.shape)[()]


_formulas = {}  # calls and shapes → what _differentiate made of them


def _is_data(x):
    return type(x) is np.ndarray and x.dtype.kind == "f"


def _content(x):
    return (x.shape, x.dtype.str, x.tobytes()) if isinstance(x, np.ndarray) else x


def _differentiate(program, shape, data):
    """Per form of term: a NumPy function of the parameters and of the data of such terms, and the places of these data.

    The function gives the derivatives by each parameter. ``places[i]`` says where, in all data one after another, the
    data of the i-th term stand.
    """
    import sympy

    parameters = symbols("p", shape)
    arrays = {name: symbols(name, array.shape) for name, array in data.items()}
    trace = Symbolic()
    namespace = program.namespace | {name: Symbol(trace, array) for name, array in arrays.items()}
    exec(program.source, namespace)
    (output,) = namespace["program"](Symbol(trace, parameters))
    output = output.value[()] if isinstance(output, Symbol) else sympy.sympify(output)

    sign = lambda u: sympy.Piecewise((-1, u < 0), (1, u > 0), (0, True))
    absolute = lambda u: sympy.Piecewise((-u, u < 0), (u, True))  # derivative 1 at 0, as in the engines
    output = output.replace(sympy.Abs, absolute).replace(sympy.sign, sign)

    place = {symbol: k for k, symbol in enumerate(s for array in arrays.values() for s in array.flat)}
    slot = functools.cache(lambda k: sympy.Symbol(f"s{k}", real=True))
    forms = {}
    for term in sympy.Add.make_args(output):
        used = list(dict.fromkeys(node for node in sympy.preorder_traversal(term) if node in place))
        form = term.xreplace({symbol: slot(k) for k, symbol in enumerate(used)})
        forms.setdefault(form, []).append([place[symbol] for symbol in used])
    formulas = []
    for form, places in forms.items():
        arguments = [*parameters.flat, *map(slot, range(len(places[0])))]
        formulas.append((_compiled(arguments, [form.diff(p) for p in parameters.flat]), np.array(places, int)))
    return formulas


def _compiled(arguments, derivatives):
    """The NumPy function of ``arguments`` that gives the values of ``derivatives``."""
    import sympy
    from sympy.printing.numpy import NumPyPrinter

    printer = NumPyPrinter({"fully_qualified_modules": False, "inline": True})
    # The derivative of a maximum: printed by SymPy as nested cases, whose number grows with that of the arguments.
    printer._print_Heaviside = lambda step: f"heaviside({printer._print(step.args[0])}, 0.5)"
    printer._print_Float = lambda number: repr(float(number))  # SymPy's own keeps 15 of the 17 digits
    return sympy.lambdify(arguments, derivatives, modules="numpy", printer=printer, cse=True)
