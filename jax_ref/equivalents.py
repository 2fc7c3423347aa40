"""What JAX has in place of NumPy's and SciPy's functions: each with NumPy's arguments, dtypes and meaning.

Most go by their names; the others stand in tables: of what is written otherwise in JAX, is promoted otherwise, or has
to be hidden, so that the body of our own rule is run.
"""

import functools
import inspect
import types

import jax
import jax.numpy as jnp
import jax.scipy
import jax.scipy.integrate
import jax.scipy.stats
import numpy as np
import scipy.special

from scratch_ad import primitives
from scratch_ad.layout import laid_out
from scratch_ad.rules.elementwise import cosh_squared
from scratch_ad.rules.linalg import matrices
from scratch_ad.rules.reductions import reversed_cumsum
from scratch_ad.scipy import fft, linalg, special
from scratch_ad.tracer import name_of
from scratch_ad.writing import cartesian, put


@functools.cache
def equivalent(function):
    """The function of JAX arrays that does what ``function`` does with NumPy's, or None."""
    if function in _equivalents:
        return _equivalents[function]
    if isinstance(function, np.ufunc):
        homes = (jnp,) if getattr(np, function.__name__, None) is function else (jax.scipy.special, jnp)
        target = next((getattr(home, function.__name__) for home in homes if hasattr(home, function.__name__)), None)
        return target and _ufunc(function, target)
    if isinstance(ufunc := getattr(function, "__self__", None), np.ufunc):
        target = getattr(jnp, ufunc.__name__, None)
        return target and _ufunc_method(ufunc, target, function.__name__)
    module = function.__module__.removeprefix("scratch_ad.")  # where the functions are that our rules of SciPy's call
    target = getattr(_modules.get(module), function.__name__, None)
    return target and _function(function, target)


def _ufunc(ufunc, target):
    """``target`` with its arguments cast as NumPy's ``ufunc`` casts them."""

    def call(*args, dtype=None, casting="same_kind", order="K", subok=True, **kwargs):
        arrays = list(map(_array, args))
        kinds = (*map(_kind, arrays), *(None,) * ufunc.nout)
        signature = (None,) * ufunc.nin + (dtype and np.dtype(dtype),) * ufunc.nout
        dtypes = ufunc.resolve_dtypes(kinds, signature=signature, casting=casting)
        if dtype is None:  # Python numbers stay as they are
            dtypes = [None if isinstance(kind, type) else t for kind, t in zip(kinds, dtypes)]
        return target(*(x if t is None else jnp.asarray(x, t) for x, t in zip(arrays, dtypes)), **kwargs)

    return call


def _kind(x):
    """The dtype of ``x``, or the Python type where it is as weakly typed as a Python number."""
    if type(x) in (int, float, complex):
        return type(x)
    if isinstance(x, jax.Array) and x.weak_type and x.dtype != bool:
        return {"i": int, "f": float, "c": complex}[x.dtype.kind]
    return x.dtype if hasattr(x, "dtype") else np.result_type(x)


def _ufunc_method(ufunc, target, method):
    if not isinstance(target, jnp.ufunc):
        target = jnp.frompyfunc(target, ufunc.nin, ufunc.nout, identity=ufunc.identity)
    widened = ufunc in (np.add, np.multiply) and method in ("accumulate", "reduceat")

    def call(a, *args, **kwargs):
        a = _array(a)
        return getattr(target, method)(_wide(a) if widened else a, *map(_array, args), **kwargs)

    return call


def _function(function, target):
    """``target`` called with the arguments of NumPy's ``function``: lists as arrays, keywords of layout left out."""
    signature, accepted = inspect.signature(function), inspect.signature(target).parameters
    annotations = [str(p.annotation) for p in accepted.values()]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    renamed = _renamed.get(function, {})
    layout = _layout - {"order"} if function in _ordered else _layout
    cast = _casts.get(function, _double if _divides(function) else lambda x: x)

    def call(*args, **kwargs):
        positional, keywords = [], {}
        arguments = signature.bind(*args, **kwargs).arguments
        if function in _promoting:
            arguments |= _promoted(arguments, _promoting[function])
        for name, value in arguments.items():
            p = signature.parameters[name]
            name = renamed.get(name, name)
            value = _together(value) if function in _joining and isinstance(value, (list, tuple)) else value
            value = value if name == "where" else cast(value)
            if p.kind is p.VAR_POSITIONAL:
                positional += [_annotated(v, annotations[len(positional)]) for v in value]
            elif p.kind is p.VAR_KEYWORD:
                keywords |= value
            elif p.default is p.empty or p.kind is p.POSITIONAL_ONLY:
                positional.append(_annotated(value, annotations[len(positional)]))
            elif value is p.default or name in layout or name.startswith("overwrite_") or _no_mask(name, value):
                continue
            elif name in accepted or takes_any:
                keywords[name] = _annotated(value, str(accepted[name].annotation))
            else:
                raise NotImplementedError(f"{name_of(function)}: jax.numpy has no keyword {name}; leave it out.")
        return target(*positional, **keywords)

    return call


def _promoted(arguments, *dtypes):
    """The arrays among the arguments in the dtype that NumPy finds for all of them, Python numbers made arrays too."""
    given = {
        name: _array(x) for name, x in arguments.items() if name in _ARRAYS and x is not None and x is not np._NoValue
    }
    dtype = np.result_type(*map(np.result_type, given.values()), *dtypes)
    return {name: jnp.asarray(x, dtype) for name, x in given.items()}


def _divides(function):
    """Whether ``function`` takes integers as NumPy's float64; JAX takes those of up to 32 bits as float32."""
    module = function.__module__.removeprefix("scratch_ad.")
    return function in _dividing or (module in _decomposing and function.__name__ not in _rearranging)


def _double(x):
    return x.astype(np.float64) if isinstance(x, (jax.Array, np.ndarray)) and x.dtype.kind in "biu" else x


def _doubled(x):
    return x.astype(np.result_type(x, np.float64)) if isinstance(x, (jax.Array, np.ndarray)) else x


def _wide(x):
    """Integers in the dtype in which NumPy adds them up, JAX in their own."""
    integers = isinstance(x, jax.Array) and x.dtype.kind in "biu"
    return x.astype(np.add.reduce(np.empty(0, x.dtype)).dtype) if integers else x


def _no_mask(name, value):
    """Whether a keyword is where=True, which JAX takes for a mask that needs an identity."""
    return name == "where" and value is True


def _annotated(x, annotation):
    """A list as the array, or list of arrays, that JAX's annotation of the parameter asks for."""
    if not isinstance(x, (list, tuple)):
        return x
    if "Sequence[ArrayLike]" in annotation:
        return [_array(e) for e in x]
    return _array(x) if annotation in _array_annotations else x


def _array(x):
    """A list or tuple as an array, one of NumPy's where all of it is plain: JAX then knows it while it compiles."""
    if not isinstance(x, (list, tuple)):
        return x
    return jnp.asarray(x) if any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(x)) else np.asarray(x)


def _add(a, b, **options):
    """x + x, the derivative of x², as 2 x: the same number, whose factor XLA multiplies with others."""
    if a is b and isinstance(a, jax.Array) and a.dtype.kind in "fc":
        return _ufunc(np.multiply, jnp.multiply)(a, 2, **options)
    return _ufunc(np.add, jnp.add)(a, b, **options)


@jax.jit  # traced once
def _cosh_squared(x):
    e = jnp.exp(x)
    return jnp.square(0.5 * (e + 1 / e))


def _getitem(a, index):
    index = tuple(map(_array, index)) if isinstance(index, tuple) else _array(index)
    return jnp.asarray(a)[index]


def _put(a, index, v):
    """Of several writes to one element the last counts, as in NumPy; JAX leaves that open."""
    a, v = jnp.asarray(a), jnp.asarray(v)
    index = tuple(map(_array, index)) if isinstance(index, tuple) else _array(index)
    if isinstance(index, jax.core.Tracer) and index.dtype == bool and v.ndim == 0:
        return jnp.where(index.reshape(index.shape + (1,) * (a.ndim - index.ndim)), v.astype(a.dtype), a)
    unknown = any(isinstance(i, jax.core.Tracer) for i in (index if isinstance(index, tuple) else (index,)))
    places = (jnp if unknown else np).arange(a.size).reshape(a.shape)[index]
    v = v.reshape(v.shape[max(v.ndim - np.ndim(places), 0) :])
    v = jnp.broadcast_to(v, np.shape(places)).astype(a.dtype)
    if primitives.is_basic(index):
        return a.at[index].set(v, unique_indices=True)
    v = jnp.ravel(v)
    if unknown:
        flat = jnp.ravel(places)
        number = jnp.arange(flat.size)
        last = jnp.zeros(a.size, number.dtype).at[flat].max(number)
        flat = jnp.where(last[flat] == number, flat, a.size)  # beyond the end, where nothing is written
        return a.ravel().at[flat].set(v, mode="drop").reshape(a.shape)
    flat, last = np.ravel(places), np.empty(a.size, int)
    last[flat] = np.arange(flat.size)
    alive = np.flatnonzero(last[flat] == np.arange(flat.size))
    return a.ravel().at[flat[alive]].set(v[alive], unique_indices=True).reshape(a.shape)


def _scatter(g, index, shape):
    """As JAX transposes what it indexes: with slices by padding, which XLA fuses with what is added."""
    (a,) = jax.linear_transpose(lambda a: _getitem(a, index), jax.ShapeDtypeStruct(shape, g.dtype))(g)
    return a


def _astype(a, dtype):
    real = np.issubdtype(a.dtype, np.complexfloating) and not np.issubdtype(dtype, np.complexfloating)
    return (a.real if real else a).astype(dtype)


def _real_if_close(a, tol=100):
    return a if jnp.isrealobj(a) or np.iscomplexobj(np.real_if_close(np.asarray(a), tol)) else a.real


def _bincount(x, weights=None, minlength=0):
    length = max(minlength, 1 + np.max(np.asarray(x), initial=-1))
    return jnp.bincount(_array(x), None if weights is None else jnp.asarray(weights, np.float64), length=length)


def _reversed_cumsum(x, axis):
    return jax.lax.cumsum(x, range(x.ndim)[axis], reverse=True)


def _choose(a, choices, out=None, mode="raise"):
    return jnp.choose(np.asarray(a), _together(choices), mode="clip" if mode == "raise" else mode)


def _einsum(*operands, optimize=False, **kwargs):
    """In the order of least cost, which NumPy takes if it is asked to."""
    kwargs["optimize"] = optimize or "auto"
    if isinstance(operands[0], str):
        operands = operands[0], *_together(operands[1:])
    return jnp.einsum(*operands, **kwargs)


def _of_integers(convolve):
    """JAX's convolution in NumPy's dtype, which it is for integers, too."""

    @functools.wraps(convolve)
    def call(a, v, *mode, **named):
        a, v = _array(a), _array(v)
        dtype = np.result_type(*map(np.result_type, (a, v)))
        within = dtype if dtype.kind in "fc" else np.float64
        y = convolve(jnp.asarray(a, within), jnp.asarray(v, within), *mode, **named)
        return y if y.dtype == dtype else y.astype(np.int64).astype(dtype)

    return call


def _where(condition, *choices):
    return jnp.where(*map(_array, (condition, *_together(choices))))


def _together(arrays):
    """Arrays in the dtype that NumPy finds for all of them: JAX leaves float32 beside integers what it is."""
    arrays = list(map(_array, arrays))
    kinds = {_kind(x) for x in arrays}
    if len(kinds) < 2:
        return arrays
    dtype = np.result_type(*(kind(0) if isinstance(kind, type) else kind for kind in kinds))
    return [jnp.asarray(x, dtype) for x in arrays]


def _transposed_solve(a, b):
    """By the factors of ``a`` itself, which XLA finds to be those of other calls."""
    dtype = jnp.result_type(a, b)
    lu, pivots, _ = jax.lax.linalg.lu(a.astype(dtype))
    b = jnp.broadcast_to(b, np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + b.shape[-2:])
    return jax.scipy.linalg.lu_solve((lu, pivots), b.astype(dtype), trans=1)


def _transposed_inverse(a, singular):
    """Where the matrix is singular, ∞ and nan come out by themselves, without an error."""
    return _transposed_solve(a, jnp.eye(a.shape[-1], dtype=a.dtype))


def _triangular_solve(a, b, lower, adjoint=False):
    options = {"lower": lower, "transpose_a": adjoint, "conjugate_a": adjoint}
    return jax.lax.linalg.triangular_solve(a, b, left_side=True, **options)


def _right_triangular_solve(x, r, adjoint=False):
    return jax.lax.linalg.triangular_solve(r, x, left_side=False, transpose_a=adjoint, conjugate_a=adjoint)


def _eig(a):
    values, vectors = jax.lax.linalg.eig(a, compute_left_eigenvectors=False, enable_eigvec_derivs=True)
    return type(np.linalg.eig(np.eye(1)))(values, vectors)


def _sph_harm_y(n, m, theta, phi):
    theta, phi = jnp.broadcast_arrays(theta, phi)
    degree, order = (jnp.full(theta.size, k) for k in (n, m))
    return jax.scipy.special.sph_harm_y(degree, order, theta.ravel(), phi.ravel(), n_max=n).reshape(theta.shape)


def _roots(p):
    """By the eigenvalues of the companion matrix, as NumPy, but without a look at which coefficients are 0."""
    below = jnp.eye(len(p) - 2, len(p) - 1, dtype=p.dtype)
    return _eig(jnp.concatenate([-p[None, 1:] / p[0], below])).eigenvalues


def _poly(z):
    """As NumPy, in a loop that XLA need not unroll; the dtype does not depend on whether roots are conjugate pairs."""
    z = _eig(z).eigenvalues if z.ndim == 2 else z
    one = jnp.zeros(len(z) + 1, z.dtype).at[0].set(1)
    return jax.lax.scan(lambda y, zero: (y - zero * jnp.roll(y, 1), None), one, z)[0]


def _windows(x, window_shape, axis=None, **_):
    index = np.lib.stride_tricks.sliding_window_view(np.arange(x.size).reshape(x.shape), window_shape, axis)
    return jnp.ravel(x)[index]


def _partition(a, kth, axis=-1, kind="introselect", order=None):
    return jnp.sort(a, axis) if np.ndim(kth) else jnp.partition(a, kth, axis)


def _of_any_shapes(convolve):
    """JAX's convolution where neither array is the larger one in all dimensions, which it refuses."""

    @functools.wraps(convolve)
    def call(in1, in2, mode="full", **options):
        shapes = list(zip(in1.shape, in2.shape))
        if mode == "valid" or all(n >= m for n, m in shapes) or all(n <= m for n, m in shapes):
            return convolve(in1, in2, mode, **options)
        padded = jnp.pad(in2, [(0, max(n - m, 0)) for n, m in shapes])
        starts = [(m - 1) // 2 if mode == "same" else 0 for _, m in shapes]
        sizes = in1.shape if mode == "same" else [n + m - 1 for n, m in shapes]
        full = convolve(in1, padded, "full", **options)
        return full[tuple(slice(start, start + size) for start, size in zip(starts, sizes))]

    return call


_modules = {"numpy": jnp, "numpy.linalg": jnp.linalg, "numpy.fft": jnp.fft, "scipy.special": jax.scipy.special}
_modules |= {"scipy.linalg": jax.scipy.linalg, "scipy.fft": jax.scipy.fft}
_modules["scipy.integrate"] = jax.scipy.integrate
_convolutions = {name: _of_any_shapes(getattr(jax.scipy.signal, name)) for name in ("convolve", "convolve2d")}
_modules["scipy.signal"] = types.SimpleNamespace(**vars(jax.scipy.signal) | _convolutions)
_modules |= {f"scipy.stats.{name}": part for name, part in vars(jax.scipy.stats).items() if inspect.ismodule(part)}
_layout = {"order", "subok", "copy", "casting", "kind", "like", "device", "out"}
_ordered = {np.reshape, np.ravel, np.unravel_index, np.ravel_multi_index}  # in elements, not only in memory
_ARRAYS = {"a", "b", "v", "arr", "values", "p", "x", "y", "m", "x1", "x2", "a1", "a2", "prepend", "append"}
_promoting = {  # functions that JAX computes in another dtype than NumPy; the narrowest that NumPy takes there
    **dict.fromkeys((np.dot, np.inner, np.outer, np.vdot, np.append, np.polyval), np.bool_),
    **dict.fromkeys((np.tensordot, np.kron, np.cross, np.trapezoid, np.diff, np.polyadd, np.polysub), np.bool_),
    **dict.fromkeys((np.linalg.outer, np.linalg.cross, np.linalg.vecdot, np.linalg.tensordot), np.bool_),
    **dict.fromkeys((np.cov, np.corrcoef), np.float64),
    np.vander: np.int64,
}
_cumulative = np.cumsum, np.cumprod, np.nancumsum, np.nancumprod, np.cumulative_sum, np.cumulative_prod
_casts = dict.fromkeys(_cumulative, _wide) | {np.interp: _doubled}
_joining = {np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, np.linalg.multi_dot}
_dividing = {
    *(np.mean, np.std, np.var, np.median, np.average, np.nanmean, np.nanstd, np.nanvar, np.nanmedian, np.trapezoid),
    *(np.sinc, np.i0, np.linspace, np.logspace, np.polyint, np.polyfit, special.logsumexp),
}
_decomposing = {"numpy.linalg", "numpy.fft", "scipy.linalg", "scipy.fft"}
_rearranging = {"matmul", "outer", "cross", "diagonal", "trace", "vecdot", "tensordot", "matrix_transpose", "multi_dot"}
_rearranging |= {"fftshift", "ifftshift", "block_diag", "toeplitz"}
_renamed = {np.clip: {"a_min": "min", "a_max": "max"}}
_array_annotations = {
    "ArrayLike",
    "ArrayLike | None",
    "ArrayLike | slice",
    str(inspect.signature(jnp.dot).parameters["a"].annotation),
}
_equivalents = {
    np.add: _add,
    cosh_squared: _cosh_squared,
    primitives.getitem: _getitem,
    primitives.scatter: _scatter,
    put: _put,
    cartesian: jax.lax.complex,
    primitives.astype: _astype,
    laid_out: lambda a, axes: a,
    primitives.detached: jax.lax.stop_gradient,
    reversed_cumsum: _reversed_cumsum,
    np.bincount: _bincount,
    np.choose: _choose,
    np.einsum: _einsum,
    np.real_if_close: _real_if_close,
    matrices.transposed_solve: _transposed_solve,
    matrices.transposed_inverse: _transposed_inverse,
    matrices.triangular_solve: _triangular_solve,
    matrices.right_triangular_solve: _right_triangular_solve,
    np.linalg.eig: _eig,
    np.lib.stride_tricks.sliding_window_view: _windows,
    np.partition: _partition,
    np.linalg.eigvals: lambda a: _eig(a).eigenvalues,  # jax.numpy's has a first derivative only
    np.roots: _roots,
    np.poly: _poly,
    np.where: _where,
    np.select: None,
    np.reciprocal: _ufunc(np.reciprocal, lambda x: jnp.reciprocal(x) if x.dtype.kind in "fc" else 1 // x),
    np.convolve: _of_integers(jnp.convolve),
    np.correlate: _of_integers(jnp.correlate),
    scipy.special.exp1: _ufunc(scipy.special.exp1, lambda x: -jax.scipy.special.expi(-x)),  # jit(hessian(exp1)) fails
    scipy.special.psi: _ufunc(scipy.special.psi, jax.scipy.special.digamma),
    scipy.special._ufuncs._zeta: _ufunc(scipy.special._ufuncs._zeta, jax.scipy.special.zeta),
    scipy.special._ufuncs._riemann_zeta: lambda x: jax.scipy.special.zeta(x, jnp.ones_like(x)),
    special.sph_harm_y: _sph_harm_y,
    fft.dctn: None,  # one axis at a time, and along none the argument itself
    fft.idctn: None,
    linalg.polar: functools.partial(jax.scipy.linalg.polar, method="svd"),  # JAX differentiates this method only
    linalg.functions.frechet: functools.partial(jax.scipy.linalg.expm_frechet, compute_expm=False),
    linalg.factors.permutation: lambda piv, rows: jax.lax.linalg.lu_pivots_to_permutation(jnp.int32(piv), rows),
    linalg.factors.pivots: lambda a: jax.scipy.linalg.qr(a, mode="r", pivoting=True)[1],
    linalg.factors.core_svdvals: jnp.linalg.svdvals,
    **dict.fromkeys((np.compress, np.extract)),  # JAX's trace what could be known while it compiles
    **dict.fromkeys((np.ix_, np.linalg.matrix_power)),  # which may give views, and the latter inverts
    np.astype: None,  # which may give what it is given
}
