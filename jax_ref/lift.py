"""JAX arrays as one more kind of number: a plain NumPy function run on a ``JaxArray`` is a JAX function.

A ``JaxArray`` answers each NumPy call with the jax.numpy function of the same name. Its trace has level 0, so it
lies below every tracer of ``scratch_ad``: JAX differentiates the user's function (the reference), and runs or
compiles our derivative of it (``jit(scratch_ad.grad(f))``). Results have NumPy's dtypes, not JAX's: a ufunc's
arguments are cast as NumPy resolves them, and only Python numbers are weakly typed.
"""

import functools
import inspect

import jax
import jax.numpy as jnp
import jax.scipy
import jax.scipy.integrate
import jax.scipy.stats
import numpy as np

from scratch_ad import primitives
from scratch_ad.cells import Cell
from scratch_ad.foreign import PLAIN, PYTHONS
from scratch_ad.registry import rule_of
from scratch_ad.rule import Composite, Refused
from scratch_ad.scalars import ARRAY, scalar, ufunc_of
from scratch_ad.tracer import Trace, Tracer, each, innermost, lowered, name_of, rebuild
from scratch_ad.views import link_up
from scratch_ad.writing import put

from . import meshes
from .equivalents import equivalent

JaxTracer = jax.core.Tracer  # a look into jax.core takes longer than a call

jax.config.update("jax_enable_x64", True)


class JaxArray(Cell):
    """A JAX array, or a tracer of JAX's own, that answers NumPy's calls."""

    __slots__ = ()

    def __init__(self, value):
        self.owner, self.value, self.tag = _trace, value, None  # tag: a ghost, once somebody asks


class _JaxTrace(Trace):
    """The trace of every JaxArray: level 0, below all others, without a derivative of its own."""

    __slots__ = ()
    mode = "JAX"

    def __init__(self):
        self.level = 0

    def plain_type(self, x):
        """Of a number that is weakly typed, as Python's are and what they do among themselves, the type of Python's."""
        return type(x) if x.ndim or not x.weak_type else _PYTHON_OF[x.dtype.kind]

    def process(self, function, args, kwargs):
        if function in ufunc_of:
            if any(map(_is_strong, args)):
                return self.process(ufunc_of[function], args, kwargs)
            values = map(_value, args)
            result = function.__wrapped__(*(values if function in _LOGICAL else map(_counted, values)))
            return tuple(map(JaxArray, result)) if type(result) is tuple else JaxArray(result)
        theirs = equivalent(function)
        if theirs is None:
            return _body(function)(*args, **kwargs)
        try:
            result = _result(theirs(*map(_value, args), **{k: _value(v) for k, v in kwargs.items()}))
            if function is put and not result.shape:
                result.tag = ARRAY
            return _viewed(result, function, args, kwargs) if function in _viewing else result
        except _unknown as error:
            raise TypeError(
                f"{name_of(function)}: the type of the result depends on numbers that JAX does not know while it "
                "compiles. Use np.where in place of a boolean index, or call the function without jax_ref.jit."
            ) from error


_trace = _JaxTrace()
_PYTHON_OF = {"b": bool, "i": int, "f": float, "c": complex}


_LOGICAL = {scalar[ufunc] for ufunc in (np.bitwise_and, np.bitwise_or, np.bitwise_xor)}


def _counted(x):
    """A boolean as Python calculates with it, as a whole number."""
    return x + 0 if isinstance(x, jax.Array) and x.dtype == bool else x


def _is_strong(x):
    """Whether NumPy has a number or an array of its own here."""
    x = _value(x)
    return not x.weak_type if isinstance(x, jax.Array) else type(x) not in PYTHONS


def _ghost(x):
    """A plain array of the shape and memory layout that ``x`` would have in NumPy; its numbers mean nothing.

    An array without axes has the tag ARRAY in its place, of which a number has none.
    """
    kind = np.complex64 if x.dtype.kind == "c" else np.int8  # its halves are views
    if not x.shape:
        return np.zeros((), kind) if x.tag == ARRAY else kind(0)
    if x.tag is None:
        x.tag = np.zeros(x.shape, kind)
    return x.tag


def _viewed(result, function, args, kwargs):
    """The results as views of the arguments where NumPy's are views of their ghosts."""
    others = args[2:] if function in (np.einsum, np.apply_over_axes) else () if function in _viewing_all else args[1:]
    if innermost((*others, *kwargs.values())) is not None or innermost(args) is None:
        return result
    ghosts = [_ghost(a) if isinstance(a, JaxArray) else a for a in args]
    arrays = [(a, ghost) for a, ghost in zip(args, ghosts) if ghost is not a]
    if function is np.real_if_close:  # which has looked at the numbers
        ((a, ghost),) = arrays
        seen = ghost if result.dtype == a.dtype else ghost.real
    else:
        seen = function(*ghosts, **kwargs)
    if not isinstance(seen, (tuple, list)):
        return _linked(result, seen, arrays, function, args, kwargs, None)
    several = zip(result, seen, strict=True)
    return rebuild(result, [_linked(r, part, arrays, function, args, kwargs, k) for k, (r, part) in enumerate(several)])


def _linked(result, seen, arrays, function, args, kwargs, part):
    for a, ghost in arrays:
        if seen is ghost:
            return a
        if isinstance(seen, np.ndarray) and np.may_share_memory(seen, ghost):
            link_up(result, a, function, args, kwargs, part)
    if isinstance(seen, np.ndarray):
        result.tag = seen if seen.ndim else ARRAY
    return result


_viewing_all = {np.atleast_1d, np.atleast_2d, np.atleast_3d, np.broadcast_arrays, np.meshgrid}  # of each argument
_viewing = {  # functions whose result may be a view of an argument, or an array without axes
    primitives.getitem,
    *(np.reshape, np.ravel, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.rollaxis),
    *(np.flip, np.flipud, np.fliplr, np.rot90, np.real, np.imag, np.real_if_close, np.expand_dims, np.squeeze),
    *(np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.unstack, np.broadcast_to, np.linalg.diagonal),
    *(np.diag, np.diagonal, np.einsum, np.lib.stride_tricks.sliding_window_view, np.linalg.matrix_transpose),
    *(np.polyder, np.polyint, np.diff, np.roll, np.copy, np.apply_over_axes, *_viewing_all),
    *(np.fft.fft2, np.fft.ifft2, np.fft.fftn, np.fft.ifftn),
}


def _value(x):
    """``x`` as JAX takes it: values in place of tracers, and functions that take and return them."""
    if isinstance(x, Tracer) and x.owner is _trace:
        return x.value
    if isinstance(x, (tuple, list, range)):
        return each(_value, list(x) if isinstance(x, range) else x)
    if callable(x) and not isinstance(x, type):
        return lambda *args: _value(x(*map(_result, args)))
    return x


def _result(y):
    """The arrays in a result of JAX as tracers, none of them weakly typed: in NumPy only Python numbers are."""
    if isinstance(y, jax.Array):
        return JaxArray(jax.lax.convert_element_type(y, y.dtype) if y.weak_type else y)
    return each(_result, y) if isinstance(y, (tuple, list)) else y


def _body(function):
    """The body of a function that JAX lacks: of a composite rule, or of a user's own function."""
    rule = rule_of.get(function)
    if isinstance(rule, Composite):
        return rule.body
    home = getattr(inspect.unwrap(function), "__module__", None) or ""
    if not home.startswith(("numpy", "scipy")) and hasattr(function, "__wrapped__"):
        return function.__wrapped__
    remedy = rule.reason if isinstance(rule, Refused) else "write it in other NumPy functions"
    raise NotImplementedError(f"{name_of(function)} has no equivalent in JAX: {remedy}.")


_unknown = (
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
)


def lift(fun):
    """``fun``, written in NumPy calls, as a function of JAX arrays and of containers of them."""
    if not callable(fun):
        raise TypeError(f"Expected a callable value, got {fun}")

    @functools.wraps(fun)
    def lifted(*args, **kwargs):
        args, kwargs = jax.tree.map(lambda x: JaxArray(x) if isinstance(x, jax.Array) else x, (args, kwargs))
        return jax.tree.map(_inner, fun(*args, **kwargs))

    return lifted


def _inner(x):
    return x.value if isinstance(x, Tracer) and (x.owner is _trace or x.owner.level < 0) else x


def _given(tree):
    """What a caller gives, as JAX takes it."""
    return jax.tree.map(_check, tree)


def _check(x):
    x = lowered(x)
    if isinstance(x, Tracer) and not isinstance(x, JaxArray):
        raise TypeError(
            f"JAX cannot see through a tracer of {x.owner.mode}: apply jax_ref last, jax_ref.jit(scratch_ad.grad(f))."
        )
    return _inner(x)


def _returned(tree):
    """JAX's results as NumPy's arrays and numbers; as tracers inside another of these transformations."""
    if type(tree) is tuple:
        return tuple(map(_returned, tree))
    return _plain(tree) if hasattr(tree, "dtype") else jax.tree.map(_plain, tree)


def _plain(x):
    if isinstance(x, JaxTracer):
        return JaxArray(x)
    if not hasattr(x, "dtype"):
        return x
    x = np.array(x)
    return x if x.ndim else x[()]


def _to(given):
    """How results go back to who gave ``given``: as they are to JAX's own transformations, which know no others."""
    return (lambda tree: tree) if any(isinstance(x, JaxTracer) for x in jax.tree.leaves(given)) else _returned


def _lower(function):
    """A function of JAX arrays as one of NumPy's."""
    return lambda *args, **kwargs: _to((args, kwargs))(function(*_given(args), **_given(kwargs)))


def _transformation(transform):
    """JAX's ``transform`` for functions written in NumPy calls, on NumPy arrays; signature and results are JAX's."""

    @functools.wraps(transform)
    def of_numpy(fun, *args, **kwargs):
        return functools.wraps(fun)(_lower(transform(lift(fun), *args, **kwargs)))

    return of_numpy


grad, value_and_grad = _transformation(jax.grad), _transformation(jax.value_and_grad)
jacfwd, jacrev, hessian = _transformation(jax.jacfwd), _transformation(jax.jacrev), _transformation(jax.hessian)


def jit(fun, **options):
    """``fun`` compiled by XLA: ``jax.jit`` with its options, ``.lower(*args)`` included.

    ``jit(scratch_ad.value_and_grad(f))`` compiles our derivative program. Where an argument is an array of JAX's that
    is spread over several devices, so are the results, which stay there as JAX's arrays; of explicit axes, too, XLA
    decides how (``out_shardings`` says it), as it does of automatic ones.
    """
    compiled = jax.jit(lift(fun), **{name: meshes.placed(option) for name, option in options.items()})

    @functools.wraps(fun)
    def call(*args, **kwargs):
        if not kwargs and PLAIN.issuperset(map(type, args)):
            return _returned(compiled(*args))
        leaves = jax.tree.leaves((args, kwargs))
        if PLAIN.issuperset(map(type, leaves)):
            return _returned(compiled(*args, **kwargs))
        mesh = meshes.mesh_of(leaves)
        result = meshes.run(compiled, mesh, _given(args), _given(kwargs))
        return _to(leaves)(result) if mesh is None else result

    def lower(*args, **kwargs):
        mesh = meshes.mesh_of(jax.tree.leaves((args, kwargs)))
        return meshes.run(compiled.lower, mesh, _given(args), _given(kwargs))

    call.lower = lower
    return call


def eager(fun):
    """``fun`` on arrays of JAX's device, call by call and not compiled as a whole; takes and gives NumPy's."""
    lifted = lift(fun)
    return functools.wraps(fun)(_lower(lambda *args: lifted(*jax.tree.map(jnp.asarray, args))))


def jvp(fun, primals, tangents, has_aux=False):
    """``jax.jvp`` of a function written in NumPy calls."""
    return _to((primals, tangents))(jax.jvp(lift(fun), _given(primals), _given(tangents), has_aux))


def vjp(fun, *primals, has_aux=False):
    """``jax.vjp`` of a function written in NumPy calls."""
    out, pullback, *aux = jax.vjp(lift(fun), *_given(primals), has_aux=has_aux)
    to = _to(primals)
    return (to(out), _lower(pullback) if to is _returned else pullback, *to(aux))


def linearize(fun, *primals, has_aux=False):
    """``jax.linearize`` of a function written in NumPy calls."""
    out, pushforward, *aux = jax.linearize(lift(fun), *_given(primals), has_aux=has_aux)
    to = _to(primals)
    return (to(out), _lower(pushforward) if to is _returned else pushforward, *to(aux))
