"""Other packages' arrays and numbers beside tracers: right to the last bit or refused by name, never wrong."""

import decimal
import fractions
import operator
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import xarray as xr

import scratch_ad
from scratch_ad import grad, hessian, jacfwd, jacrev, jvp, linearize, vjp

X = np.array([1.5, 2.0, 3.0])
V = X + np.array([0.2, 0.1, -0.3])  # beside all kinks
D = np.array([[1.0, 0.0, 2.0], [0.0, -3.0, 0.0], [4.0, 0.0, 5.0]])


class Subclass(np.ndarray):
    pass


class LookAlike:
    def __array__(self, dtype=None, copy=None):
        return X


with warnings.catch_warnings():
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    MATRIX = np.matrix(D)

# fmt: off
FOREIGN = {  # and what to write in their place
    "matrix":        (MATRIX,                              r"numpy\.matrix.*np\.asarray"),
    "masked array":  (np.ma.array(X, mask=[0, 1, 0]),            r"numpy\.MaskedArray.*\.filled"),
    "Series":        (pd.Series(X, index=[2, 0, 1]),             r"pandas\.Series.*\.to_numpy\(\)"),
    "DataFrame":     (pd.DataFrame(D),                           r"pandas\.DataFrame.*\.to_numpy\(\)"),
    "Index":         (pd.Index(X),                               r"pandas\.Index.*\.to_numpy\(\)"),
    "DataArray":     (xr.DataArray(X, dims="t"),                 r"xarray\.DataArray.*\.to_numpy\(\)"),
    "Dataset":       (xr.Dataset({"a": ("t", X)}),               r"xarray\.Dataset.*(to_numpy|DataArray)"),
    "sparse array":  (sp.csr_array(D),                           r"scipy\.csr_array.*A\.toarray\(\)"),
    "sparse matrix": (sp.csc_matrix(D),                          r"scipy\.csc_matrix.*A\.toarray\(\)"),
    "objects":       (X.astype(object),                          r"dtype object.*(\.astype|np\.stack)"),
    "records":       (np.rec.array([(1.0,)] * 3, [("a", float)]), r"numpy\.recarray.*np\.asarray"),
    "subclass":      (X.view(Subclass),                          r"Subclass.*np\.asarray"),
    "look-alike":    (LookAlike(),                               r"LookAlike.*np\.asarray"),
    "Fraction":      (fractions.Fraction(1, 3),                  r"fractions\.Fraction.*float"),
    "Decimal":       (decimal.Decimal("0.5"),                    r"decimal\.Decimal.*float"),
}
BINARY = [
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow),
    *(operator.matmul, operator.lt, operator.ge, operator.eq, divmod),
]
CALLS = {
    **{f"x {f.__name__} m": f for f in BINARY},
    **{f"m {f.__name__} x": (lambda x, m, f=f: f(m, x)) for f in BINARY},
    "in place":     lambda x, m: operator.iadd(x * 1.0, m),
    "np.multiply":  lambda x, m: np.multiply(m, x),
    "np.arctan2":   lambda x, m: np.arctan2(x, m),
    "np.dot":       lambda x, m: np.dot(m, x),
    "outer":        lambda x, m: np.multiply.outer(x, m),
    "np.clip":      lambda x, m: np.clip(m, x, 5.0),
    "np.where":     lambda x, m: np.where(m, x, 0),
    "np.interp":    lambda x, m: np.interp(x, [1.0, 2.5, 4.0], m),
    "in a list":    lambda x, m: np.concatenate([x, m]),
    "by keyword":   lambda x, m: np.average(x, weights=m),
    "written":      lambda x, m: write(x * 1.0, m) * x,
    "index":        lambda x, m: x[m],
    "returned":     lambda x, m: m,
    "in a result":  lambda x, m: [x, m],
}
# fmt: on


def write(y, value):
    y[:] = value
    return y


def run(call):
    """What a call gives, or the TypeError, as which NumPy's ValueError of an assignment counts, or the other error."""
    try:
        return call()
    except ValueError as error:
        return error.__cause__ or error
    except Exception as error:
        return error


def array(x):
    return np.asarray(x[1] if isinstance(x, tuple) else x)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", FOREIGN)
def test_right_or_refused_by_name(name, call):
    (m, remedy), call = FOREIGN[name], CALLS[call]
    f = lambda x: call(x, m)
    expected = run(lambda: f(V.copy()))
    forward, reverse = run(lambda: jvp(f, (V,), (V,))), run(lambda: vjp(f, V))
    for found in (forward, reverse):
        if isinstance(found, Exception):
            if isinstance(expected, Exception):
                continue  # as in the plain run
            assert isinstance(found, (TypeError, NotImplementedError))
            with pytest.raises(type(found), match=remedy):
                raise found
        elif isinstance(expected, tuple):  # of divmod
            assert all(map(np.array_equal, found[0], expected))
        else:
            assert type(found[0]) is type(expected)
            assert array(found[0]).dtype == array(expected).dtype
            assert array(found[0]).tobytes() == array(expected).tobytes()
    if not isinstance(forward, Exception) and not isinstance(reverse, Exception):
        tangent, (value, pullback) = forward[1], reverse
        if array(value).dtype.kind == "f" and not isinstance(value, tuple):
            step = 1e-6
            difference = (f(V + step * V) - f(V - step * V)) / (2 * step)
            np.testing.assert_allclose(tangent, difference, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(pullback(np.ones_like(value))[0] @ V, np.sum(tangent), rtol=1e-12)


@pytest.mark.parametrize("mode", [grad, jacfwd, jacrev, lambda f: lambda x: jvp(f, (x,), (x,)), vjp, linearize])
@pytest.mark.parametrize("name", FOREIGN)
def test_refused_as_the_argument(name, mode):
    m, remedy = FOREIGN[name]
    f = lambda x: np.sum(x * 2)
    with pytest.raises(TypeError, match=rf"{remedy}|not a valid array|real"):
        mode(f)(m) if mode not in (vjp, linearize) else mode(f, m)


@pytest.mark.parametrize("name", FOREIGN)
def test_refused_as_a_tangent_or_a_cotangent(name):
    m, remedy = FOREIGN[name]
    x = {(3, 3): D, (3,): X, (): 0.5}[X.shape if name == "Dataset" else np.shape(m)]
    _, pullback = vjp(np.sin, x)
    _, linear = linearize(np.sin, x)
    for call in (lambda: jvp(np.sin, (x,), (m,)), lambda: pullback(m), lambda: linear(m)):
        with pytest.raises((TypeError, ValueError), match=rf"{remedy}|[Gg]ot .*(object|numpy.record)"):
            call()


def test_what_only_looks_foreign_is_taken():
    class Number(float):
        pass

    assert grad(lambda x: np.sum(x * Number(2)))(X).tolist() == [2, 2, 2]
    table = np.memmap(__file__, np.uint8, "r", shape=(3,))
    assert grad(lambda x: np.sum(x * table))(X).tolist() == table.tolist()
    direction = np.memmap(__file__, float, "r", shape=(3,))
    assert jvp(lambda x: 2 * x, (X,), (direction,))[1].tolist() == (2 * direction).tolist()
    assert grad(lambda x: np.sum(np.where(pd.Series(X) > 1.7, x * x, 0)))(X).tolist() == [0, 4, 6]
    assert grad(lambda x: np.sum(np.zeros_like(x) * FOREIGN["matrix"][0]) + x[0])(X).tolist() == [1, 0, 0]


# Sparse constants

FORMATS = ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"]
R = np.array([[1.0, 0.0, 2.0], [0.0, -3.0, 0.0]])
PRODUCTS = {
    "A @ x": lambda A, x: A @ x,
    "A.dot(x)": lambda A, x: A.dot(x),
    "A.T @ x": lambda A, x: A.T @ x,
    "x @ A": lambda A, x: x @ A,
}
ARGUMENTS = [(3,), (2,), (3, 1), (3, 4), (2, 3), (4, 2), (1, 2)]


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("dtype", [float, complex, np.float32, int])
@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("format", FORMATS)
def test_products_by_sparse_constants(format, kind, dtype):
    dense = R.astype(dtype) * (1 + 2j if dtype is complex else 1)
    A = getattr(sp, f"{format}_{kind}")(dense)
    rng, products = np.random.default_rng(0), dict(PRODUCTS)
    if kind == "matrix":
        products |= {"A * x": lambda A, x: A * x, "x * A": lambda A, x: x * A}
    if format == "coo":  # whose dot asks for a plain array
        del products["A.dot(x)"]
    seen = 0
    for (name, product), shape in ((pair, shape) for pair in products.items() for shape in ARGUMENTS):
        x, t = rng.normal(size=(2, *shape))
        expected = run(lambda: product(A, x))  # noqa: B023
        f = lambda x: product(A, x)  # noqa: B023
        found = run(lambda: jvp(f, (x,), (t,)))  # noqa: B023
        if isinstance(expected, Exception):
            assert type(found) is type(expected), (name, shape)
            continue
        seen += 1
        y, pullback = vjp(f, x)
        for value in (y, found[0]):
            assert value.dtype == expected.dtype and value.tobytes() == expected.tobytes()
        g = rng.normal(size=y.shape).astype(y.dtype)
        dense_product = (
            (lambda A, x: x @ A) if name.startswith("x") else PRODUCTS["A.T @ x" if "T" in name else "A @ x"]
        )
        along = dense_product(dense, t)
        np.testing.assert_allclose(found[1], along, rtol=1e-6)
        np.testing.assert_allclose(np.sum(pullback(g)[0] * t), np.sum(along * g).real, rtol=1e-5)
        if dtype is float:
            square = lambda x: np.sum(np.sin(product(A, x * x)))  # noqa: B023
            by_dense = lambda x: np.sum(np.sin(dense_product(dense, x * x)))  # noqa: B023
            np.testing.assert_allclose(hessian(square)(x), hessian(by_dense)(x), rtol=1e-9, atol=1e-12)
    assert seen >= 8


def test_products_by_sparse_vectors():
    a = sp.coo_array(X)
    for x in (X + 1, np.arange(6.0).reshape(3, 2)):
        for f, g in ((lambda x: a @ x, lambda x: X @ x), (lambda x: x.T @ a, lambda x: x.T @ X)):
            np.testing.assert_allclose(jvp(f, (x,), (x,))[1], jvp(g, (x,), (x,))[1])
            np.testing.assert_allclose(jacrev(f)(x), jacrev(g)(x))


def test_a_sparse_constant_may_be_changed_after_the_run():
    A = sp.csr_array(D)
    _, pullback = vjp(lambda x: A @ x, X)
    A.data[:] = 0
    np.testing.assert_allclose(pullback(X)[0], D.T @ X)


def test_a_product_by_a_sparse_constant_is_recorded_and_linearized():
    A = sp.csr_array(D)
    gradient = grad(lambda x: np.sum((A @ x) ** 2))
    np.testing.assert_allclose(scratch_ad.record(gradient, X)(X + 1)[0], 2 * D.T @ (D @ (X + 1)))
    np.testing.assert_allclose(linearize(lambda x: A @ x, X)[1](X), D @ X)


def test_elementwise_operators_of_sparse_constants_are_refused():
    for f in (
        lambda x: sp.csr_array(D) * x,
        lambda x: sp.csr_array(D).multiply(x),
        lambda x: sp.csr_matrix(D) * x[0],
        lambda x: x[0] * sp.csr_matrix(D),
    ):
        with pytest.raises(TypeError, match=r"A\.toarray\(\)"):
            vjp(f, X)
        with pytest.raises(TypeError, match=r"A\.toarray\(\)"):
            jvp(f, (X,), (X,))


def test_other_packages_are_looked_for_without_an_import():
    code = (
        "import sys, numpy, scratch_ad; x = numpy.ones(3); from fractions import Fraction\n"
        "try: scratch_ad.grad(lambda x: x * Fraction(1, 3))(2.0)\n"
        "except TypeError: print({'scipy', 'pandas', 'xarray'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "set()"


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_product_that_the_matrix_does_itself_names_it():
    for f in (lambda x: np.matrix(np.eye(3)) * x.reshape(3, 1), lambda x: np.asmatrix(x)):
        with pytest.raises(TypeError, match="matrix"):
            grad(lambda x, f=f: np.sum(f(x)))(X)
