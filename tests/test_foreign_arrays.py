"""Ours over arrays that are not NumPy's, by a stand-in for CuPy's: no GPU is needed, and nothing is forgiven."""

import warnings

import numpy as np
import optree
import pytest

import scratch_ad
from jax_ref.cases import catalogue
from jax_ref.engines import peers
from jax_ref.measure.derivatives import Problem, findings, references
from jax_ref.measure.vectors import vectors
from scratch_ad.tracer import name_of


class Device(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that answers NumPy's calls, but is never converted to or mixed with one of NumPy's, as CuPy's are.

    As in CuPy 14 (``cupy/_core/core.pyx``): a ufunc takes arrays of its own and numbers, no lists; ``at`` takes one
    array of indices, no tuple; NumPy's arrays are taken as an index, and by ``asarray``; what creates arrays knows no
    ``device``, which NumPy's eye, ones and full pass on, so that these do not go by ``like=``.
    """

    def __init__(self, host):
        self.host = host

    def __array__(self, *_args, **_kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        for k, x in enumerate(args):
            if isinstance(x, np.ndarray) and (method, k) != ("at", 1):
                raise TypeError(f"{name_of(ufunc)}: Unsupported type {type(x)}")
            if not isinstance(x, (Device, np.ndarray, np.generic, bool, int, float, complex)):
                return NotImplemented
        _, kwargs = taken(ufunc, (), kwargs)
        return on_device(getattr(ufunc, method)(*on_host(args), **kwargs))

    def __array_function__(self, function, types, args, kwargs):
        if not {*types} <= {Device, np.ndarray}:
            return NotImplemented
        if "device" in kwargs:
            raise TypeError(f"{name_of(function)}() got an unexpected keyword argument 'device'")
        if function is np.asarray:
            return on_device(function(*on_host(args), **kwargs))
        args, kwargs = taken(function, args, kwargs)
        return on_device(function(*args, **kwargs))

    def __getattr__(self, name):
        if name.startswith("__"):  # such as __array_interface__, by which NumPy would take the host's memory
            raise AttributeError(name)
        found = getattr(self.host, name)
        if not callable(found):
            return on_device(found)

        def method(*args, **kwargs):
            args, kwargs = taken(found, args, kwargs)
            return on_device(found(*args, **kwargs))

        return method

    def __getitem__(self, index):
        return on_device(self.host[on_host(index)])

    def __setitem__(self, index, value):
        (value,), _ = taken(Device.__setitem__, (value,), {})
        self.host[on_host(index)] = value

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __len__(self):
        return len(self.host)

    def __bool__(self):
        return bool(self.host)

    def __int__(self):
        return int(self.host)

    def __float__(self):
        return float(self.host)

    def __index__(self):
        return self.host.__index__()


def taken(function, args, kwargs):
    """The arguments on the host; TypeError for an array of NumPy's among them, or a list of numbers in place of one."""

    def check(x):
        if isinstance(x, np.ndarray) or (isinstance(x, list) and float in map(type, x)):
            raise TypeError(f"{name_of(function)}: Unsupported type {type(x)}")
        for part in x if isinstance(x, (tuple, list)) else ():
            check(part)

    for x in (*args, *kwargs.values()):
        check(x)
    return on_host(args), {k: on_host(x) for k, x in kwargs.items()}


def on_device(x):
    if isinstance(x, (np.ndarray, np.generic)):
        return Device(np.asarray(x))
    if isinstance(x, (tuple, list)):
        return type(x)(*map(on_device, x)) if hasattr(x, "_fields") else type(x)(map(on_device, x))
    return x


def on_host(x):
    if isinstance(x, Device):
        return x.host
    return type(x)(map(on_host, x)) if type(x) in (tuple, list) else x


def fetched(x):
    """A result on the host; an array, unlike a number, that is there already was not made of the arguments' kind."""
    assert not (isinstance(x, np.ndarray) and x.ndim)
    return on_host(x)


DEVICE = peers.over("over Device", on_device, fetched)


# The stand-in


@pytest.mark.parametrize(
    "call",
    [
        lambda x, host: x + host,
        lambda x, host: host * x,
        lambda x, host: np.add(x, [1.0, 2.0, 3.0]),
        lambda x, host: np.concatenate([x, host]),
        lambda x, host: np.where(host > 0, x, 0),
        lambda x, host: np.sum(x, where=host > 0),
        lambda x, host: x.dot(host),
        lambda x, host: x.__setitem__(0, host),
        lambda x, host: np.add.at(x, (np.array([0]),), 1.0),
        lambda x, host: np.asarray(x),
        lambda x, host: np.eye(3, like=x),
        lambda x, host: np.put(host, 0, x),
    ],
)
def test_the_stand_in_refuses_what_cupy_refuses(call):
    with pytest.raises(TypeError, match=r"Unsupported type|NotImplemented|not allowed|unexpected keyword"):
        call(on_device(np.ones(3)), np.ones(3))


@pytest.mark.parametrize(
    "call",
    [
        lambda x, host: x + np.float64(2) + 1,
        lambda x, host: x[np.array([0, 2])],
        lambda x, host: x[host > 0],
        lambda x, host: np.asarray(host, like=x),
        lambda x, host: np.identity(3, like=x),
        lambda x, host: np.zeros((2, 3), int, like=x),
        lambda x, host: np.max(x),
    ],
)
def test_the_stand_in_takes_what_cupy_takes(call):
    assert isinstance(call(on_device(np.ones(3)), np.ones(3)), Device)


# The catalogue

# SciPy's functions that compute in memory of NumPy's and refuse any other: LAPACK's, and those of Python code that
# converts its arguments. None of their cases runs, undifferentiated neither; every other function has one that does.
NEEDS_NUMPY = {
    f"{module}.{name}"
    for module, names in {
        "scipy.fft": "dct dctn idct idctn",
        "scipy.integrate": "cumulative_simpson romb",
        "scipy.linalg": """
            block_diag cho_factor cho_solve cho_solve_banded cholesky cholesky_banded companion coshm cosm det
            eig eig_banded eigh eigh_tridiagonal eigvals eigvals_banded eigvalsh eigvalsh_tridiagonal expm
            expm_frechet fiedler_companion fractional_matrix_power inv ldl logm lu lu_factor lu_solve null_space
            orth orthogonal_procrustes pinv pinvh polar qr qr_multiply rq schur signm sinhm sinm solve
            solve_banded solve_continuous_are solve_continuous_lyapunov solve_discrete_are
            solve_discrete_lyapunov solve_sylvester solve_toeplitz solve_triangular solveh_banded sqrtm svd
            svdvals tanhm tanm
            """,
        "scipy.optimize": """
            bisect brenth brentq curve_fit fixed_point fsolve least_squares minimize minimize_scalar newton ridder root
            root_scalar toms748
            """,
        "scipy.interpolate": """
            BSpline CubicSpline PPoly RegularGridInterpolator interp1d interpn make_interp_spline
            """,
        "scipy.ndimage": """
            affine_transform convolve convolve1d correlate correlate1d gaussian_filter gaussian_filter1d
            gaussian_gradient_magnitude gaussian_laplace laplace map_coordinates prewitt rotate shift sobel
            spline_filter spline_filter1d uniform_filter uniform_filter1d zoom
            """,
        "scipy.sparse": "coo_matrix csc_matrix csr_array diags linalg.factorized linalg.splu linalg.spsolve",
        "scipy.spatial": "distance.squareform",
        "scipy.signal": "convolve2d correlate2d detrend welch",
        "scipy.stats": """
            beta.cdf gamma.logpdf gamma.ppf gennorm.logpdf multinomial.pmf norm.logcdf norm.logpdf norm.ppf
            poisson.logpmf weibull_min.sf
            """,
        "scipy.special": """
            diric factorial lambertw log_softmax logsumexp multigammaln polygamma softmax sph_harm_y
            spherical_in spherical_jn spherical_kn spherical_yn
            """,
    }.items()
    for name in names.split()
}


# Solvers in C, which take a number of whatever kind for Python's
MAKE_FLOATS = {f"scipy.optimize.{name}" for name in ("bisect", "brenth", "brentq", "ridder")}


def first_dtype(case):
    return next((dtype for dtype in ("float64", "complex128") if dtype in case.dtypes), case.dtypes[0])


def derivatives(engine, f, given):
    """Value, tangent, cotangent, and the second derivative forward over reverse."""
    out, tangent = engine.jvp(f, given.primals, given.tangents)
    cotangents = lambda *x: engine.vjp(f, *x)[1](given.cotangent)
    return out, tangent, cotangents(*given.primals), engine.jvp(cotangents, given.primals, given.others)[1]


def assert_same(found, expected):
    """To the last digits: by an array's place in memory NumPy chooses the instructions."""
    for x, y in zip(optree.tree_leaves(found), optree.tree_leaves(expected), strict=True):
        x, y = np.asarray(x), np.asarray(y)
        assert (x.dtype, x.shape) == (y.dtype, y.shape)
        largest = np.max(np.abs(y[np.isfinite(y)]), initial=0.0)
        np.testing.assert_allclose(x, y, rtol=0, atol=16 * np.finfo(y.dtype).eps * largest)


FUNCTIONS = {}
for _case in catalogue:
    FUNCTIONS.setdefault(name_of(_case.function), []).append(_case)


def test_every_exception_is_in_the_catalogue():
    assert not NEEDS_NUMPY.difference(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_gives_the_same_over_foreign_arrays(name):
    """The first two cases that can be had there."""
    right = 0
    for case in FUNCTIONS[name]:
        f, written = case.function_in(), case.function_in(DEVICE.namespace)
        given = vectors(f, case.draw(first_dtype(case)), str(case))
        given = optree.tree_map(lambda x: np.array(x, order="C"), given)  # as they are on the device
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            expected = derivatives(scratch_ad, f, given)
            try:
                found = derivatives(DEVICE, written, given)
            except TypeError:
                if name not in MAKE_FLOATS:
                    with pytest.raises(TypeError):  # so does the function itself
                        written(*on_device(given.primals))
                continue
        assert_same(found, expected)
        right += 1
        if right == 2:
            break
    assert bool(right) == (name not in NEEDS_NUMPY)


@pytest.mark.parametrize(
    "write",
    [
        lambda np: lambda x: np.logspace(0.0, 1.0, 3, base=x[0]),
        lambda np: lambda x: np.cov(np.stack([x, x * x]), fweights=np.array([1, 2, 1]), aweights=x * x),
        lambda np: lambda x: np.cov(np.stack([x, x * x])[:0]),
        lambda np: lambda x: np.resize(x, (0, 2)),
        lambda np: lambda x: np.polyval(x[:0], x[0]),
    ],
)
@pytest.mark.filterwarnings("ignore:Degrees of freedom:RuntimeWarning")
def test_what_the_catalogue_leaves_out(write):
    given = vectors(write(np), (np.array([0.5, 1.0, 2.0]),), "")
    given = optree.tree_map(np.asarray, given)
    assert_same(derivatives(DEVICE, write(DEVICE.namespace), given), derivatives(scratch_ad, write(np), given))


# Ours


def wrong(write, *primals):
    """What is wrong with the derivatives, to second order, of the function that ``write`` writes for a namespace."""
    f = write(np)
    problem = Problem(f, vectors(f, primals, "0"), 2, write(DEVICE.namespace))
    return findings(DEVICE, problem, references([problem])[0], DEVICE.modes())


@pytest.mark.parametrize(
    "write",
    [
        lambda np: lambda x, y: np.sum(np.tanh(x @ y) ** 2 / (1 + np.exp(-x)), axis=0),
        lambda np: lambda x, y: x[1:] * y[0] + x[:, ::-1][:2],
        lambda np: lambda x, y: np.where(x > 0, np.sqrt(abs(x)), np.maximum(x, y)),
        lambda np: lambda x, y: np.concatenate([np.cumsum(x, 1), np.prod(y, 0, keepdims=True)]).T,
        lambda np: lambda x, y: [np.sort(x, 1), np.einsum("ij,kj->ik", x, y) + np.array([1.0, 2.0, 3.0])],
        lambda np: lambda x, y: np.std(x) * np.linalg.solve(y, x),
    ],
)
def test_ours_runs_over_any_array_that_answers_numpys_calls(write):
    x, y = np.random.default_rng(1).normal(size=(2, 3, 3))
    assert not wrong(write, x, y)
    f = write(DEVICE.namespace)
    assert isinstance(scratch_ad.jvp(lambda x: f(x, on_device(y)), (on_device(x),), (on_device(x),))[1], (Device, list))


@pytest.mark.parametrize(
    "transform",
    [
        scratch_ad.grad,
        scratch_ad.value_and_grad,
        scratch_ad.hessian,
        lambda f: scratch_ad.jacfwd(scratch_ad.jacrev(scratch_ad.grad(f))),
        lambda f: lambda x: scratch_ad.hvp(f, (x,), (x,)),
        lambda f: lambda x: scratch_ad.linearize(f, x)[1](x),
    ],
)
def test_the_transformations_of_users(transform):
    f = lambda x: np.sum(np.prod(x) * np.sin(x[1:] * x[0]))
    x = np.array([0.5, -1.0, 2.0])
    found, expected = transform(f)(on_device(x)), transform(f)(x)
    assert all(isinstance(leaf, Device) for leaf in optree.tree_leaves(found))
    assert_same(on_host(found), expected)


def test_what_is_created_like_a_tracer_is_of_the_kind_below():
    created = []

    def f(x):
        created.append([np.zeros((2, 3), int, like=x), np.arange(3, like=x), np.asarray([1.0, 2.0], like=x)])
        return np.sum(x * x)

    x = on_device(np.array([1.0, 2.0]))
    scratch_ad.grad(f)(x)
    scratch_ad.hessian(f)(x)
    scratch_ad.program.record(f, x)
    assert len(created) > 2
    assert all(isinstance(y, Device) for arrays in created for y in arrays)


def test_a_number_as_tangent_or_cotangent_of_a_foreign_array():
    x = on_device(np.array(2.0))
    f = lambda x: np.sum(np.stack([x, x * x]))
    assert scratch_ad.vjp(f, x)[1](1.0)[0].tolist() == scratch_ad.vjp(f, x)[1](np.float64(1))[0].tolist() == 5
    f = lambda x: np.broadcast_to(x, 2) * x
    assert scratch_ad.jvp(f, (x,), (1.0,))[1].tolist() == scratch_ad.linearize(f, x)[1](1.0).tolist() == [4, 4]


def test_a_branch_not_taken_leaks_nothing_from_a_foreign_array():
    f = lambda x: np.where(x > 0, np.sqrt(x) + np.linalg.norm(x[:, None] / x[:, None], axis=1), 0)
    x = np.array([0.0, 4.0])
    for transform in (scratch_ad.jacfwd, scratch_ad.jacrev):
        with np.errstate(invalid="ignore"):
            found, expected = transform(f)(on_device(x)), transform(f)(x)
        assert found.tolist() == expected.tolist() == [[0, 0], [0, 0.25]]


def test_values_are_checked_on_foreign_arrays_too():
    x, w = on_device(np.array([1.0, 2.0])), on_device(np.array([1.0, -1.0]))
    with pytest.raises(ZeroDivisionError, match="Weights sum to zero"):
        scratch_ad.vjp(lambda x: np.average(x, weights=w), x)
