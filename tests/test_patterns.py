"""``scratch_ad.scipy.sparse``: matrices with tracers on a fixed pattern, systems with them, and what is refused."""

import warnings

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
import scipy.sparse.linalg

from scratch_ad import compile, grad, hessian, jacfwd, jacrev, jvp, vjp
from scratch_ad.scipy import sparse

RNG = np.random.default_rng(0)
ROWS, COLUMNS = np.array([0, 1, 2, 3, 0, 1, 2, 3, 2, 0]), np.array([0, 1, 2, 3, 1, 2, 3, 0, 0, 0])  # the last is twice
DATA = RNG.normal(size=10) + 4 * (ROWS == COLUMNS)
X, MANY = RNG.normal(size=4), RNG.normal(size=(4, 3))
KINDS = ("csr_matrix", "csr_array", "csc_matrix", "csc_array", "coo_matrix", "coo_array")
CALLS = {
    "A @ x": lambda m, a, x: a @ x,
    "x @ A": lambda m, a, x: x.T @ a,
    "scaled": lambda m, a, x: (2.0 * a.T * x.ravel()[1] / x.ravel()[0]) @ x,
    "dense": lambda m, a, x: (-a).toarray() * x.ravel()[0],
    "spsolve": lambda m, a, x: m.linalg.spsolve(a, x),
    "spsolve of the transpose": lambda m, a, x: m.linalg.spsolve(a.T, x),
    "splu": lambda m, a, x: m.linalg.splu(a).solve(x),
    "splu, transposed": lambda m, a, x: m.linalg.splu(a).solve(x, "T"),
    "factorized": lambda m, a, x: m.linalg.factorized(a)(x),
}


def made(m, kind, data):
    return getattr(m, kind)((data, (ROWS, COLUMNS)), shape=(4, 4))


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_products_and_systems(kind, name):
    """SciPy's values to the bit; the derivatives are those of the same with dense matrices."""
    call = CALLS[name]
    for x in (X, MANY, MANY[:, :1]) if "factorized" not in name else (X,):
        ours = lambda data, x: call(sparse, made(sparse, kind, data), x)
        theirs = call(scipy.sparse, made(scipy.sparse, kind, DATA), x)
        t, u = RNG.normal(size=10), RNG.normal(size=x.shape)
        value, along = jvp(ours, (DATA, x), (t, u))
        np.testing.assert_array_equal(value, theirs)
        h = 1e-6
        ends = [call(scipy.sparse, made(scipy.sparse, kind, DATA + s * t), x + s * u) for s in (h, -h)]
        np.testing.assert_allclose(along, (ends[0] - ends[1]) / 2 / h, rtol=1e-6, atol=1e-7)
        of_data, of_x = vjp(ours, DATA, x)[1](along)
        np.testing.assert_allclose(np.sum(of_data * t) + np.sum(of_x * u), np.sum(along**2), rtol=1e-11)
        constant = lambda x: call(sparse, made(scipy.sparse, kind, DATA), x)
        if name not in ("scaled", "dense"):  # of a constant, too
            np.testing.assert_array_equal(jvp(constant, (x,), (u,))[0], theirs)
            np.testing.assert_allclose(vjp(constant, x)[1](along)[0], of_x, rtol=1e-11, atol=1e-13)


def test_second_derivatives_complex_numbers_and_programs():
    f = lambda d: np.sum(sparse.linalg.spsolve(made(sparse, "csc_array", d), X) ** 2)
    dense = lambda d: np.sum(np.linalg.solve(made(sparse, "csc_array", d).toarray(), X) ** 2)
    np.testing.assert_allclose(hessian(f)(DATA), jacfwd(jacrev(dense))(DATA), rtol=1e-9, atol=1e-14)
    z = DATA + 1j * RNG.normal(size=10)
    of_complex = lambda d: sparse.linalg.splu(made(sparse, "csc_array", d)).solve(X + 0j)
    inverse = np.linalg.inv(made(scipy.sparse, "csc_array", z).toarray())
    value, along = jvp(of_complex, (z,), (z,))  # which is of degree −1
    np.testing.assert_allclose(value, inverse @ X, rtol=1e-12)
    np.testing.assert_allclose(along, -value, rtol=1e-12)
    compiled = compile(grad(f))
    assert all(np.array_equal(compiled(k * DATA), grad(f)(k * DATA)) for k in (1.0, 2.0, 3.0, 4.0))


@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix"])
def test_matrices_given_by_their_rows(kind):
    plain = made(scipy.sparse, "csr_array", DATA)
    of = lambda m, data: getattr(m, kind)((data, plain.indices, plain.indptr), shape=(4, 4)) @ X
    _, along = jvp(lambda data: of(sparse, data), (plain.data,), (plain.data,))
    np.testing.assert_array_equal(along, of(scipy.sparse, plain.data))


def test_matrices_given_by_their_diagonals():
    by = lambda m, a, b: m.diags([a, b, [1.0]], [0, -1, 2], shape=(4, 4)) @ X
    value, along = jvp(lambda a, b: by(sparse, a, b), (X, MANY[:3, 0]), (X, MANY[:3, 0]))
    np.testing.assert_array_equal(value, by(scipy.sparse, X, MANY[:3, 0]))
    np.testing.assert_allclose(along, value - by(scipy.sparse, 0 * X, np.zeros(3)))
    np.testing.assert_allclose(jacfwd(lambda a: sparse.diags(a) @ X)(X), np.diag(X))
    longer = jacfwd(lambda a: sparse.diags([X, a], [0, -1]) @ X)(X)  # of which SciPy takes the first numbers
    np.testing.assert_allclose(longer, np.diag(X, -1)[: len(X), : len(X)])
    above = jacrev(lambda c: sparse.diags_array([c], offsets=[1], shape=(4, 4)) @ X)(0.3)
    np.testing.assert_allclose(above, np.append(X[1:], 0))


def test_the_pattern_is_that_of_the_call_and_plain_numbers_are_scipys():
    rows = ROWS.copy()
    _, pull = vjp(lambda d: sparse.csr_array((d, (rows, COLUMNS))) @ X, DATA)
    rows[:] = 0
    np.testing.assert_allclose(pull(np.ones(4))[0], X[COLUMNS])
    assert type(sparse.csr_matrix((DATA, (ROWS, COLUMNS)))) is scipy.sparse.csr_matrix
    assert sparse.issparse(scipy.sparse.eye(3)) and not sparse.issparse(X)
    jvp(lambda d: d[0] * sparse.issparse(made(sparse, "csr_array", d)), (DATA,), (DATA,))
    assert sparse.linalg.splu(scipy.sparse.eye(3, format="csc")).L.shape == (3, 3)
    np.testing.assert_array_equal(sparse.linalg.factorized(scipy.sparse.eye(4, format="csc"))(X), X)


A = lambda d: made(sparse, "csc_array", d)
B = scipy.sparse.eye_array(4, format="csc")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda d: sparse.csr_matrix(d.reshape(2, 5)), "which elements are zero depends on its numbers"),
        (lambda d: A(d) * X, "multiplied elementwise by numbers alone"),
        (lambda d: np.asarray(A(d)), "a sparse matrix with tracers is no array"),
        (lambda d: A(d) + B, r"a sparse matrix with tracers has no A \+ B"),
        (lambda d: B - A(d), "a sparse matrix with tracers has no"),
        (lambda d: A(d)[0], r"a sparse matrix with tracers has no A\[i\]"),
        (lambda d: A(d).diagonal(), "a sparse matrix with tracers has no diagonal"),
        (lambda d: A(d) @ B, "a product of sparse matrices with tracers has no rule"),
        (lambda d: B @ A(d), "a sparse matrix with tracers is no array"),
        (lambda d: sparse.linalg.spsolve(A(d), B), "a product of sparse matrices with tracers has no rule"),
        (lambda d: sparse.hstack([A(d)]), "a sparse matrix with tracers is no array"),
        (lambda d: sparse.dia_array((d[None], [0]), shape=(10, 10)), "give csr_array, csc_array or coo_array the data"),
        (lambda d: sparse.linalg.cg(X, d), "use spsolve, splu or factorized"),
        (lambda d: sparse.linalg.splu(A(d)).L, "the factors of a sparse matrix with tracers have solve alone"),
        (
            lambda d: sparse.linalg.splu(A(d)).solve(X + 1j, "H"),
            r"has no derivative at complex numbers: use np.conj\(b\)",
        ),
    ],
)
def test_what_is_refused_says_why(call, words):
    for run in (lambda: grad(lambda d: np.sum(call(d)))(DATA), lambda: jvp(call, (DATA,), (DATA,))):
        with warnings.catch_warnings(), pytest.raises((NotImplementedError, TypeError, AttributeError), match=words):
            warnings.simplefilter("ignore")
            run()


def test_a_conductivity_from_temperatures():
    """−(k u′)′ = 1 on a line, by finite volumes; the conductivity of each cell by Gauss and Newton."""
    n, h = 12, 1 / 13
    truth = 1 + 0.5 * np.sin(np.arange(13.0))

    def temperature(k):
        main, off = (k[:-1] + k[1:]) / h**2, -k[1:-1] / h**2
        return sparse.linalg.spsolve(sparse.diags([main, off, off], [0, 1, -1], format="csc"), np.ones(n))

    seen, start = temperature(truth), np.zeros(13)
    misfit = lambda logs: (temperature(np.exp(logs)) - seen) / h
    found = scipy.optimize.least_squares(misfit, start, jacrev(misfit), gtol=1e-14)
    np.testing.assert_allclose(temperature(np.exp(found.x)), seen, rtol=1e-6)
    np.testing.assert_allclose(jacfwd(temperature)(truth), jacrev(temperature)(truth), rtol=1e-8, atol=1e-14)


def test_the_classes_tell_matrices_of_their_kind():
    a = sparse.csr_matrix(np.eye(3))
    assert isinstance(a, sparse.csr_matrix) and not isinstance(a, sparse.csc_matrix)
    assert issubclass(type(a), sparse.csr_matrix) and isinstance(a, (sparse.csr_matrix, sparse.coo_array))
