"""Functions that read a part of a matrix: the derivative is that of what they read, and zero for all else.

At arguments that are their own adjoint it is JAX's, along the Hermitian part.
"""

import numpy as np
import pytest

import jax_ref
from jax_ref.referee import estimates
from scratch_ad import grad, jvp, linearize, record, vjp
from scratch_ad.numerical import numerical_gradient
from scratch_ad.rules.linalg import matrices
from scratch_ad.scipy import linalg

RNG = np.random.default_rng(0)
N = 3
APART, B = np.diag([4.0, 6.0, 9.0]), RNG.normal(size=(N, 2))
ANY = RNG.normal(size=(2, 2, N, N)) / 4 + [APART, np.zeros((N, N))]  # two real and imaginary parts, of no symmetry
POINTS = {"real": ANY[0, :1], "complex": ANY[0]}
DEFINITE = (ANY[1, 0] + ANY[1, 0].T) / 2
LOWER = (True, False)
ALONG_THE_PART = [  # whose derivative at a Hermitian argument is that along the Hermitian part, as in JAX
    "np.linalg.cholesky(a)",
    "np.linalg.cholesky(a, upper=True)",
    *(f"np.linalg.eigvalsh(a{uplo})" for uplo in ("", ", 'U'", ", UPLO='l'")),
    *(f"np.abs(np.linalg.eigh(a, '{uplo}')[1]) ** 2 * [1, 2, 3]" for uplo in "LU"),
    "np.linalg.eigh(a).eigenvalues",
    "np.linalg.svd(a, compute_uv=False, hermitian=True)",
    "np.abs(np.linalg.svd(a, hermitian=True)[2]) ** 2 * [[1], [2], [3]]",
    *(f"linalg.{name}(a, lower={low})" for low in LOWER for name in ("cholesky", "eigvalsh", "pinvh")),
    *(f"linalg.ldl(a, {low})[{k}]" for low in LOWER for k in (0, 1)),
    *(f"linalg.eigh(a, lower={low}, driver='{d}')[0]" for low in LOWER for d in ("ev", "evd", "evr", "evx")),
    *(f"np.abs(linalg.eigh(a, lower={low}, subset_by_index=[1, 2])[1]) ** 2" for low in LOWER),
    "linalg.eigvalsh(a, lower=False, subset_by_value=[0, 5])",
    *(f"linalg.eigh(a, DEFINITE, lower={low}, type={kind})[0]" for low in LOWER for kind in (1, 2, 3)),
    *(f"linalg.eigh(DEFINITE, a, lower={low}, type={kind})[0]" for low in LOWER for kind in (1, 2, 3)),
    *(f"np.abs(linalg.eigh(a, DEFINITE, lower={low})[1]) ** 2 * [1, 2, 3]" for low in LOWER),
    "np.tril(linalg.cho_factor(a, lower=True)[0])",
]
WHOLE = [  # … along any other matrix too
    "np.linalg.pinv(a, hermitian=True)",
    "np.linalg.pinv(a, 1e-9, True)",
    "linalg.cho_solve(linalg.cho_factor(a, True), B)",
    *(f"linalg.ldl(a, {low}, hermitian=False)[0]" for low in LOWER),
    *(f"linalg.inv(a, assume_a='{s}', lower={low})" for low in LOWER for s in ("pos", "sym", "her")),
    *(
        f"linalg.solve(a, B, lower={low}, assume_a='{s}')"
        for low in LOWER
        for s in ("pos", "sym", "her", "positive definite", "symmetric", "hermitian")
    ),
]
ONE_TRIANGLE = ALONG_THE_PART + WHOLE
OF_ALL_VALUES = [e for e in ONE_TRIANGLE if "subset_by_value" not in e]  # whose shape no number decides
TRANSPOSED = [
    f"linalg.solve(a, B, lower={low}, assume_a='{s}', transposed=True)" for low in LOWER for s in ("pos", "sym")
]
BANDS = (("a[:2] + [[9], [0]]", True), ("a[:2] + [[0], [9]]", False))
PARTS = [
    *(f"linalg.solve_triangular(a, B, {t}, {low}, {one})" for t in (0, 1, 2) for low in LOWER for one in LOWER),
    *(f"linalg.cho_solve((a, {low}), B)" for low in LOWER),
    *(f"linalg.solve(a, B, assume_a='{s}')" for s in ("diagonal", "tridiagonal", "upper triangular")),
    "linalg.solve(a, B, assume_a='lower triangular')",
    *(f"linalg.inv(a, assume_a='{s}')" for s in ("diagonal", "upper triangular", "lower triangular")),
    "linalg.cho_factor(a)[0]",
    "linalg.rsf2csf(a, DEFINITE)[0]",
    "linalg.rsf2csf(a, DEFINITE)[1]",
    *(f"linalg.{f}({ab}, lower={low})" for f in ("cholesky_banded", "eigvals_banded") for ab, low in BANDS),
    *(f"linalg.solveh_banded({ab}, B, lower={low})" for ab, low in BANDS),
    *(f"linalg.cho_solve_banded(({ab}, {low}), B)" for ab, low in BANDS),
]


def of_matrix(expression):
    return eval("lambda a: " + expression, {"np": np, "linalg": linalg, "B": B, "DEFINITE": DEFINITE})


def paired(expression):
    """A real function of the parts of a matrix; it takes the result by a number for each element."""
    f = of_matrix(expression)

    def function(parts):
        y = f(parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1])
        weights = np.cos(np.arange(np.size(y)).reshape(y.shape))
        return np.sum((y * (weights * (1 + 2j))).real)

    return function


def adjoint(a):
    return np.conjugate(a.mT)


def elements_read(f, parts):
    """Which elements the plain run reads."""
    read = np.zeros(parts.shape, bool)
    for i in np.ndindex(parts.shape):
        other = parts.copy()
        other[i] += 0.01
        read[i] = f(other) != f(parts)
    return read


SECOND = {"real": (ONE_TRIANGLE + PARTS + TRANSPOSED)[::2], "complex": (ONE_TRIANGLE + PARTS)[1::2]}  # to that order


@pytest.mark.parametrize(
    ("expression", "kind"),
    [(e, kind) for e in ONE_TRIANGLE + PARTS for kind in POINTS] + [(e, "real") for e in TRANSPOSED],
)
@pytest.mark.filterwarnings("ignore:scipy.linalg.ldl")
def test_the_derivative_is_that_of_what_is_read(expression, kind):
    f, parts, t = paired(expression), POINTS[kind], np.sin(1 + np.arange(POINTS[kind].size)).reshape(POINTS[kind].shape)
    read, slopes = elements_read(f, parts), numerical_gradient(parts, f, scheme="central")
    assert expression in PARTS or not read.all()
    assert abs(slopes[read]).min() > 1e-6
    value, pull = vjp(f, parts)
    assert value == f(parts)
    (c,) = pull(1.0)
    np.testing.assert_allclose(c, slopes, rtol=1e-6, atol=1e-8)
    assert not c[~read].any()
    np.testing.assert_allclose(jvp(f, (parts,), (t,))[1], np.sum(slopes * t), rtol=1e-6, atol=1e-8)
    assert jvp(f, (parts,), (np.where(read, 0, t),))[1] == 0
    if expression in SECOND[kind]:
        assert_second_derivatives(f, parts, t)


def assert_second_derivatives(f, parts, t):
    along = lambda parts: jvp(f, (parts,), (t,))[1]
    seconds = numerical_gradient(parts, along, scheme="central")
    size = abs(seconds).max()
    for second in (grad(along), lambda parts: jvp(grad(f), (parts,), (t,))[1]):
        np.testing.assert_allclose(second(parts) / size, seconds / size, atol=1e-6)


@pytest.mark.parametrize("kind", POINTS)
@pytest.mark.parametrize("expression", ALONG_THE_PART)
def test_of_a_hermitian_argument_it_is_that_along_the_hermitian_part(expression, kind):
    f, t, a = of_matrix(expression), ANY[1, 0], ANY[0, 0]
    if kind == "complex":
        t, a = t + 1j * ANY[1, 1], a + 1j * ANY[0, 1]
    a = (a + adjoint(a)) / 2
    y, pull = vjp(f, a)
    (c,) = pull(np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype))
    np.testing.assert_allclose(c, adjoint(c), rtol=1e-13, atol=1e-13)
    along, along_part = (jvp(f, (a,), (t,))[1] for t in (t, (t + adjoint(t)) / 2))
    np.testing.assert_allclose(along, along_part, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("expression", [e for e in OF_ALL_VALUES if "DEFINITE" not in e and "cho_factor" not in e])
@pytest.mark.filterwarnings("ignore:scipy.linalg.ldl")
def test_each_matrix_of_a_stack_is_looked_at_by_itself(expression):
    f, (first, last) = of_matrix(expression), ANY[:, 0] + 1j * ANY[:, 1]
    stack = np.stack([first, (last + adjoint(last)) / 2, last])
    y, pull = vjp(f, stack)
    g = np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype)
    t = np.sin(np.arange(stack.size)).reshape(stack.shape) * (1 + 2j)
    alone = [vjp(f, a)[1](c)[0] for a, c in zip(stack, g, strict=True)]
    np.testing.assert_allclose(pull(g)[0], alone, rtol=1e-12, atol=1e-13)
    alone = [jvp(f, (a,), (t,))[1] for a, t in zip(stack, t, strict=True)]
    np.testing.assert_allclose(jvp(f, (stack,), (t,))[1], alone, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("expression", OF_ALL_VALUES)
def test_a_recorded_derivative_looks_at_the_matrix_of_each_replay(expression):
    gradient, (a,) = grad(paired(expression)), POINTS["real"]
    symmetric = (a + a.T) / 2
    for recorded in (a, symmetric):
        program = record(gradient, recorded[None])
        for x in (a, symmetric):
            np.testing.assert_allclose(program(x[None])[0], gradient(x[None]), rtol=1e-12, atol=1e-14)
    _, pushforward = linearize(paired(expression), a[None])
    np.testing.assert_allclose(pushforward(ANY[1, :1]), np.sum(gradient(a[None]) * ANY[1, :1]), rtol=1e-9)


@pytest.mark.parametrize("expression", ["np.linalg.cholesky(a)", "np.linalg.eigvalsh(a)", "np.linalg.eigh(a)[0]"])
def test_compiled_it_is_jaxs_whose_functions_take_the_hermitian_part(expression):
    f, parts = paired(expression), POINTS["real"]
    np.testing.assert_allclose(jax_ref.jit(grad(f))(parts), jax_ref.grad(f)(parts), rtol=1e-12)


def test_dtypes_layouts_and_errors_are_those_of_the_plain_run():
    a = ANY[0, 0].astype(np.float32)
    for x in (a, np.asfortranarray(a), np.asfortranarray(np.stack([a, a]))[:, ::-1, ::-1]):
        for f in (np.linalg.cholesky, lambda x: np.linalg.pinv(x, hermitian=True), linalg.cholesky, linalg.inv):
            y, t = jvp(f, (x,), (x,))
            (c,) = vjp(f, x)[1](y)
            assert y.dtype == t.dtype == c.dtype == np.float32
            assert (y.strides, y.tobytes()) == (f(x).strides, f(x).tobytes())
    for f, x, error in (
        (np.linalg.cholesky, -a, "not positive definite"),
        (np.linalg.eigvalsh, a[:2], "must be square"),
        (np.linalg.eigh, a[0], "at least two-dimensional"),
        (linalg.cholesky, a[:2], "square"),
    ):
        with pytest.raises((np.linalg.LinAlgError, ValueError), match=error):
            vjp(f, x)


@pytest.mark.parametrize("unread", [np.inf, np.nan])
def test_what_is_not_read_may_be_anything(unread):
    a = np.tril(ANY[0, 0]) + np.triu(np.full((N, N), unread), 1)
    expected = grad(paired("np.linalg.cholesky(a)"))(np.tril(a)[None])
    np.testing.assert_array_equal(grad(paired("np.linalg.cholesky(a)"))(a[None]), expected)


@pytest.mark.parametrize("kind", POINTS)
@pytest.mark.parametrize("expression", [*ONE_TRIANGLE[:2], *ONE_TRIANGLE[3:6], "np.linalg.pinv(a, hermitian=True)"])
def test_the_referee_reads_the_same(expression, kind):
    f, parts = paired(expression), POINTS[kind]
    for point in (parts, parts + np.swapaxes(parts, -1, -2) * np.array([1, -1]).reshape(2, 1, 1)[: len(parts)]):
        (estimate,) = estimates.vjp(f, (point,), 1.0)
        np.testing.assert_allclose(grad(f)(point), estimate.value.astype(float), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("scipy_is_there", [True, False])
@pytest.mark.parametrize("dtype", ["f4", "f8", "c16"])
@pytest.mark.parametrize("n", [1, 9])
def test_systems_are_solved_with_and_without_scipy(scipy_is_there, dtype, n, monkeypatch):
    if not scipy_is_there:
        monkeypatch.setattr(matrices, "_lapack", lambda letter: None)
    rng = np.random.default_rng(0)
    turned = 1j if dtype == "c16" else 0
    random = lambda *shape: (rng.normal(size=shape) + turned * rng.normal(size=shape)).astype(dtype)
    a, b = np.tril(random(n, n)) + n * np.eye(n, dtype=dtype), random(n, 3)
    eps = 100 * np.finfo(dtype).eps
    for lower, matrix in ((True, a), (False, a.T), (False, np.ascontiguousarray(a.T))):
        for adjoint in (False, True):
            x = matrices.triangular_solve(matrix, b, lower, adjoint)
            assert x.flags.c_contiguous and x.dtype == b.dtype
            np.testing.assert_allclose((np.conjugate(matrix.T) if adjoint else matrix) @ x, b, eps, eps)
    for adjoint in (False, True):
        x = matrices.right_triangular_solve(b.T, a.T, adjoint)
        np.testing.assert_allclose(x @ (np.conjugate(a) if adjoint else a.T), b.T, eps, eps)
    m = random(n, n) + n * np.eye(n, dtype=dtype)
    for matrix in (m, m.T, m[::-1][::-1]):
        x, inverse = matrices.transposed_solve(matrix, b), matrices.transposed_inverse(matrix, np.False_)
        assert x.flags.c_contiguous and x.dtype == inverse.dtype == b.dtype
        np.testing.assert_allclose(matrix.T @ x, b, eps, eps)
        np.testing.assert_allclose(matrix.T @ inverse, np.eye(n), eps, eps)
    assert np.isnan(matrices.transposed_inverse(m, np.True_)).all()
    a[0, 0] = 0
    for of_singular in (
        lambda: matrices.triangular_solve(a, b, True),
        lambda: matrices.transposed_solve(a, b),
        lambda: matrices.transposed_inverse(a, np.False_),
    ):
        with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
            of_singular()
