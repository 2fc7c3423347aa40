"""Linear algebra at matrices that are singular, repeat an eigenvalue or have zeros where others do not.

What runs plainly has its value, and a derivative that is true, none that is a number, or a refusal in words.
"""

import warnings

import numpy as np
import optree
import pytest

import jax_ref
import scratch_ad
from jax_ref.cases import catalogue
from scratch_ad.scipy import linalg

CASES = [
    case
    for case in catalogue
    if "linalg" in (getattr(case.function, "__module__", "") or "")
    and all(a.values is None and np.prod(a.shape, dtype=int) < 50 for a in case.arguments.values())
]
MATRICES = {
    "zeros": np.zeros,
    "ones": np.ones,
    "identity": lambda shape: np.eye(*shape),
    "minus four times it, of which regular makes zeros": lambda shape: -4 * np.eye(*shape),
    "Jordan's": lambda shape: np.eye(*shape) + np.eye(*shape, 1),
    "triangle": lambda shape: np.triu(np.ones(shape)),
    "rank 1": lambda shape: np.outer(np.arange(1.0, shape[0] + 1), np.arange(1.0, shape[1] + 1)) / 3,
}


def drawn(case, matrix):
    dtype = "float64" if "float64" in case.dtypes else "complex128"
    made = lambda shape: np.broadcast_to(matrix(shape[-2:]), shape) if len(shape) > 1 else np.ones(shape)
    return [made(a.shape).astype(dtype) for a in case.arguments.values()]


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
@pytest.mark.filterwarnings("ignore")
def test_what_runs_plainly_runs_under_differentiation_or_is_refused_in_words(matrix):
    for case in CASES:
        f, args = case.function_in(), drawn(case, matrix)
        with np.errstate(all="ignore"):
            try:
                plain = f(*args)
            except Exception:  # SciPy's or NumPy's own, of a matrix that it cannot take
                continue
            try:
                found = scratch_ad.jvp(f, args, args)[0]
                out, pullback = scratch_ad.vjp(f, *args)
                pullback(optree.tree_map(np.ones_like, out))
            except (NotImplementedError, ValueError) as error:
                assert not isinstance(error, np.linalg.LinAlgError) and ";" in str(error), (case, error)
                continue
        for same in (found, out):
            optree.tree_map(np.testing.assert_array_equal, same, plain)


SINGULAR = {  # the last pivot, singular value or subdiagonal alone is 0, and the derivative exists
    "np qr": (np.linalg.qr, [[1, 2, 3], [2, -1, 1], [3, 1, 4]]),
    "qr": (linalg.qr, [[1, 1], [1, 1]]),
    "qr of more columns": (linalg.qr, [[1, 1, 2], [1, 1, 3]]),
    "rq": (linalg.rq, [[2, 1], [2, 1]]),
    "lu": (lambda a: linalg.lu(a)[1:], [[4, 2, 6], [1, 2, 3], [5, 4, 9]]),
    "lu_factor of more columns": (lambda a: linalg.lu_factor(a)[0], [[2, 2, 1], [1, 1, 1]]),
    "hessenberg": (lambda a: linalg.hessenberg(np.triu(a, -1), True), [[1, 2, 3], [4, 5, 6], [0, 7, 8]]),
    "hessenberg of a triangle": (lambda a: linalg.hessenberg(np.triu(a, -1), True), [[1, 2, 3], [0, 5, 6], [0, 0, 8]]),
    "polar where the rank stays": (
        lambda a: linalg.polar(np.stack([a[0], a[1], a[0] - a[1]])),
        np.arange(6).reshape(2, 3),
    ),
    "the same, p u": (lambda a: linalg.polar(np.stack([a[0], 2 * a[0]]), "left")[1], [[1, 3]]),
    "procrustes": (lambda a: linalg.orthogonal_procrustes(a[:2], a[1:]), np.sqrt(np.arange(9.0)).reshape(3, 3)),
    "orth": (lambda a: linalg.orth(a[:, :1] * a[0]), [[1, 2, 3], [2, 1, 0], [4, 1, 1]]),
}


@pytest.mark.parametrize("name", SINGULAR)
@pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning")
def test_the_derivative_where_there_is_one(name):
    f, a = SINGULAR[name]
    jax_ref.check(f, np.array(a, float), reference_by="differences", vary=False, edges=False)


ONES = np.ones((3, 3))
WITHOUT = {  # of which NumPy's rounding alone makes the pivots or eigenvalues differ
    "qr of more rows": (lambda a: np.linalg.qr(a)[0], np.ones((3, 2))),
    "complex qr": (lambda a: np.linalg.qr(a)[0], ONES + 0j),
    "eigh": (lambda a: np.linalg.eigh(a)[1], ONES),
    "eig of one eigenvector": (lambda a: np.linalg.eig(a)[1], np.array([[1.0, 1.0], [0.0, 1.0]])),
    "svd": (lambda a: np.linalg.svd(a)[0], ONES),
    "schur": (lambda a: linalg.schur(a, output="complex")[1], ONES),
    "polar of more rows": (lambda a: linalg.polar(a)[0], np.ones((3, 2))),
    "lu of more rows": (lambda a: linalg.lu(a)[1], np.ones((3, 2))),
    "cond": (lambda a: np.linalg.cond(a, 1), ONES),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_no_number_where_there_is_none(name):
    f, a = WITHOUT[name]
    t = np.arange(a.size, dtype=a.dtype).reshape(a.shape) ** 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tangent = scratch_ad.jvp(f, (a,), (t,))[1]
        (cotangent,) = scratch_ad.vjp(f, a)[1](
            (t[: len(tangent)] if np.ndim(tangent) else t[0, 1]).astype(tangent.dtype)
        )
    assert not np.all(np.isfinite(tangent)) and not np.all(np.isfinite(cotangent))


def test_what_depends_on_the_leading_vectors_alone_has_a_first_derivative():
    """However many of the others there are to choose from."""
    a = np.outer([1.0, 2, 3], [2.0, 1, 1])
    leading = lambda a: np.linalg.svd(a)[0][:, 0] ** 2 * np.array([1, 2, 4])
    jax_ref.check(leading, a, order=1, reference_by="differences", vary=False, edges=False)
    second = scratch_ad.hessian(lambda a: np.sum(leading(a)))(a)
    assert np.all(np.isnan(second) | (second == 0))  # it was some number


def test_a_value_without_a_rule_names_the_function():
    packed, piv = np.zeros((2, 2)), np.array([0, 1])
    with (
        np.errstate(all="ignore"),
        pytest.raises(NotImplementedError, match="multiple of the identity to what is singular"),
    ):
        scratch_ad.jvp(lambda b: linalg.lu_solve((packed, piv), b), (np.ones(2),), (np.ones(2),))


def test_a_value_at_other_shapes_is_refused_for_its_shapes():
    a = np.arange(18.0).reshape(2, 3, 3) ** 1.5
    with pytest.raises(NotImplementedError, match="give them the shapes of its documentation"):
        scratch_ad.jvp(lambda a: linalg.lstsq(a, np.ones((3, 1)))[0], (a,), (a,))


@pytest.mark.parametrize("gap", [1e-3, 1e-8, 1e-14, 0.0])
@pytest.mark.parametrize("outer", ["jvp", "vjp"])
@pytest.mark.parametrize("inner", ["jvp", "vjp"])
@pytest.mark.parametrize(
    "eigenvalues",
    [
        np.linalg.eigvals,
        linalg.eigvals,
        lambda a: linalg.eig(a, left=True, right=False)[0],
        lambda a: linalg.eigvals(2 * np.eye(3) @ a, 2 * np.eye(3)),
        lambda a: scratch_ad.vmap(np.linalg.eigvals)(np.stack([a, a]))[1],
    ],
)
def test_an_eigenvalue_beside_others_that_nearly_coincide(eigenvalues, inner, outer, gap):
    """Its second derivative is in its own gaps alone: 2 % were lost to the others, or all of it."""
    rng = np.random.default_rng(1)
    vectors, t = rng.normal(size=(2, 3, 3))
    w, inverse = np.array([2.0, -1.0, -1.0 - gap]), np.linalg.inv(vectors)
    a, p = (vectors * w) @ inverse, inverse @ t @ vectors
    largest = lambda a: np.max(np.real(eigenvalues(a)))
    along = {
        "jvp": lambda f: lambda a: scratch_ad.jvp(f, (a,), (t,))[1],
        "vjp": lambda f: lambda a: np.sum(scratch_ad.grad(f)(a) * t),
    }
    expected = 2 * np.sum(p[0, 1:] * p[1:, 0] / (w[0] - w[1:]))
    np.testing.assert_allclose(along[outer](along[inner](largest))(a), expected, 1e-10)


ONTO = lambda q: q @ np.conjugate(q.mT)
SQUARE = lambda a: a @ np.conjugate(a.mT) + np.diag(1e-3 * np.arange(len(a)))
RIGHT_SIDES = np.random.default_rng(5).normal(size=(5, 2))
WITH_A_TOLERANCE = {
    "pinv": lambda a: np.linalg.pinv(a, 0.1),
    "pinv, rtol": lambda a: np.linalg.pinv(a[None], rtol=0.1),
    "pinv of a Hermitian matrix": lambda a: np.linalg.pinv(SQUARE(a), 0.02, True),
    "lstsq": lambda a: np.linalg.lstsq(a, RIGHT_SIDES[: len(a)], 0.1)[0],
    "lstsq, one side": lambda a: np.linalg.lstsq(a, RIGHT_SIDES[: len(a), 0], 0.1)[0],
    "linalg.pinv": lambda a: linalg.pinv(a, rtol=0.1),
    "linalg.pinv, atol": lambda a: linalg.pinv(a, atol=0.3),
    "linalg.pinvh": lambda a: linalg.pinvh(SQUARE(a), rtol=0.02),
    "linalg.lstsq": lambda a: linalg.lstsq(a, RIGHT_SIDES[: len(a)], 0.1)[0],
    "linalg.null_space": lambda a: ONTO(linalg.null_space(a, 0.1)),
    "linalg.orth": lambda a: ONTO(linalg.orth(a, 0.1)),
    "linalg.orth, one vector": lambda a: ONTO(linalg.orth(a, 0.1)[:, :1]),
}


@pytest.mark.parametrize("name", WITH_A_TOLERANCE)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
@pytest.mark.parametrize("turned", [0, 1j])
def test_what_a_tolerance_cuts_has_a_part_in_the_derivative(name, shape, turned):
    f, rng = WITH_A_TOLERANCE[name], np.random.default_rng(1)
    normal = lambda *shape: rng.normal(size=shape) + (turned * rng.normal(size=shape) if turned else 0)
    u, _, vh = np.linalg.svd(normal(*shape), full_matrices=False)
    a, t, other = (u * [3, 1, 0.02, 0.01][: min(shape)]) @ vh, normal(*shape), normal(*shape)
    along = lambda a: scratch_ad.jvp(f, (a,), (t,))[1]
    for g, direction in ((f, t), (along, other)):
        y, change = scratch_ad.jvp(g, (a,), (direction,))
        h = 1e-6
        difference = (g(a + h * direction) - g(a - h * direction)) / (2 * h)
        np.testing.assert_allclose(change, difference, 1e-5, 1e-5 * np.max(np.abs(difference)))
        cotangent = normal(*y.shape) if y.dtype.kind == "c" else normal(*y.shape).real
        (c,) = scratch_ad.vjp(g, a)[1](cotangent)
        assert np.isclose(np.sum(c * direction).real, np.sum(cotangent * change).real, 1e-9, 1e-9)
    total = lambda a: np.sum(np.sin(f(a).real))
    compiled, gradient = scratch_ad.compile(scratch_ad.grad(total)), scratch_ad.grad(total)(a)
    assert all(np.array_equal(compiled(a), gradient) for _ in range(3))
    if not name.startswith("linalg"):
        np.testing.assert_allclose(jax_ref.jit(scratch_ad.grad(total))(a), gradient, 1e-9, 1e-9)
