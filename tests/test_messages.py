"""Every error of scratch_ad is in a test: as that of the plain call, or by its words, and its remedy is executed."""

import ast
import fractions
import functools
import pathlib
import re
import warnings

import numpy as np
import pytest
import scipy.linalg
import scipy.special
import test_custom
import test_refusals
import test_transforms
from test_refusals import MODES, REFUSED, A, X, written

import scratch_ad
import scratch_ad.intro.methods
from scratch_ad.cost import cost
from scratch_ad.scipy import linalg, special

# Programs of ``x`` that end in the error of the plain call

pytestmark = pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")  # which NumPy 2.5 still does

AS_PLAIN = [
    "np.ix_(A * x)",
    "linalg.solve(A + 1j * np.diag(x), X, transposed=True)",
    "linalg.orth(np.stack([A * x, np.ones((3, 3)) * x]))",
    "signal.welch(x, nperseg=2, noverlap=2)",
    "signal.welch(x, nperseg=2, nfft=1)",
    "signal.welch(x, nperseg=2, scaling='bogus')",
    "signal.stft(x, nperseg=2, boundary='bogus')",
    "signal.welch(x, window=A)",
    "len(x[0, ...])",
    "x.item()",
    "x.__delitem__(0)",
    "arr = x.copy(); arr.shape = (2, 2)",
    "arr = x * 1; arr.imag = 2",
    "arr = np.broadcast_to(x, (2, 3)); arr[0] = 1",
    "np.copyto(x * 1, x * 1j)",
    "np.place(x * 1, [1, 0, 1], [])",
    "np.geomspace(0 * x[0], x[1])",
    "np.histogram(x / (x - x), 3)",
    "np.histogram(X, 3, weights=x[:2])",
    "np.histogramdd(A, [3, 3], weights=x)",
    "np.histogramdd(A, 3, [(0, 1)], weights=x)",
    "np.histogram2d(X, X[:2], 3, weights=x)",
    "np.take_along_axis(x, np.array([[0]]), 0)",
    "np.choose([0, 5, 1], [x, x])",
    "np.linalg.qr(x)",
    "np.linalg.norm(np.multiply.outer(A, x), 2)",
    "np.linalg.norm(A * x, 2, axis=(0, 1, 1))",
    "np.linalg.norm(A * x, 'bogus')",
    "np.linalg.norm(A * x, 3)",
    "np.linalg.norm(x, 'bogus')",
    "np.linalg.multi_dot([x])",
    "np.select([x > 1], [x, x])",
    "np.piecewise(x, [x > 1], [1, 2, 3])",
    "np.polyder(x, -1)",
    "np.polyint(x, -1)",
    "np.polyint(x, 3, [1, 2])",
    "np.poly(np.multiply.outer(A, x))",
    "np.polyfit(x, x, 2, cov=True)",
    "np.polymul(A * x, x)",
    "np.average(A, weights=x[:2])",
    "np.average(A * x, weights=x[:2], axis=0)",
    "np.average(x, weights=np.zeros(3))",
    "np.average(np.ones(3), weights=x * 0)",
    "np.var(x, ddof=1, correction=1)",
    "np.std(x, ddof=1, correction=1)",
    "np.cov(np.multiply.outer(A, x))",
    "np.cov(x, np.multiply.outer(A, x))",
    "np.cov(x, aweights=-X)",
    "np.cumulative_sum(A * x)",
    "np.diff(x, -1)",
    "np.gradient(x, 1, 2)",
    "np.gradient(x, edge_order=3)",
    "np.gradient(x[:1])",
    "np.gradient(x, X[:2])",
    "np.quantile(x * 1j, 0.5)",
    "np.quantile(x, 1.5)",
    "np.percentile(x, 150)",
    "np.quantile(x, np.full((1, 1, 1), 0.5))",
    "np.quantile(x, 0.5, weights=-X, method='inverted_cdf')",
    "np.quantile(x, 0.5, weights=0 * X, method='inverted_cdf')",
    "np.meshgrid(x, x, indexing='kl')",
    "np.dsplit(x, 1)",
    "np.hsplit(x[0], 1)",
    "np.vsplit(x, 1)",
    "np.apply_along_axis(np.sum, 0, A[:, :0] * x[0])",
    "np.apply_over_axes(lambda a, axis: a[0, 0], A * x, 0)",
    "fft.dctn(A * x, axes=(0, 0))",
    "linalg.rq(A * x, mode='bogus')",
    "linalg.qr_multiply(A * x, A, mode='bogus')",
    "linalg.polar(A * x, side='bogus')",
    "linalg.eigh(A * x, A + A.T, type=4)",
    "linalg.solve(A, x / (x - x))",
    "signal.convolve(x, x, method='bogus')",
    "signal.fftconvolve(x, x, mode='bogus')",
    "signal.fftconvolve(x, A)",
    "signal.fftconvolve(A * x, np.ones((2, 5)), 'valid')",
    "signal.welch(x, nperseg=2, average='bogus')",
    "signal.stft(x, nperseg=2, scaling='bogus')",
    "signal.istft(A * x, nperseg=2, scaling='bogus')",
    "signal.istft(A * x, time_axis=0, freq_axis=0)",
]
IN_OTHER_WORDS = [  # the plain call's type, and SciPy's or NumPy's message in words of our own
    ("arr = (A * x).copy(); arr = np.sort(arr, 0).copy('F'); arr.shape = 9", "Incompatible shape for in-place"),
    ("np.asarray(x, 'f4', copy=False, like=x)", "Unable to avoid copy while creating an array as requested"),
    ("pow(x, 2, 3)", "pow() 3rd argument not allowed unless all arguments are integers"),
    ("arr = x[:2] * 1; arr += x[:2, None]", "non-broadcastable output operand with shape (2,) doesn't match"),
    ("arr = x.astype('f4'); arr += 1j * x", "with casting rule 'same_kind'"),
    ("np.linalg.tensorsolve(np.multiply.outer(A, x), A)", "Input arrays must satisfy the requirement prod("),
]
BEYOND = [  # what the plain call can do, what to write there, and the words that say so
    (
        "arr = x * 1; np.isnan(arr[::-1], out=arr, where=x > -9)",
        "arr = x * 1; np.isnan(arr[::-1].copy(), out=arr, where=x > -9)",
        "which an argument shows the memory of: NumPy then changes what the mask leaves out. Copy the argument first",
    ),
    (
        "arr = (x * 1)[:2]; arr.shape = (2, 1)",
        "(x * 1)[:2].reshape(2, 1)",
        "setting the shape of a view is not supported under differentiation; use reshape",
    ),
    (
        "np.array([1, 2, 3], dtype=object) * x",
        "np.array([1, 2, 3], dtype=object).astype(float) * x",
        "by .astype(float)",
    ),
    ("np.clip(x, 0, 1, subok=True)", "np.clip(x, 0, 1)", "np.clip: no rule for the keyword subok; leave it out"),
    ("np.pad(x, 1, mode='empty')[1:4]", "np.pad(x, 1)[1:4]", "mode 'empty' has no derivative; use 'constant'"),
    ("x.astype(object)", "x.astype(float)", "dtype object cannot be differentiated; keep a real or complex dtype"),
    (
        "arr = 1j * x[:1]; np.var(x, out=arr, keepdims=True); arr = arr.real",
        "arr = 1j * x[:1]; arr[...] = np.var(x, keepdims=True); arr = arr.real",
        "computes partly in the dtype of arr, here complex128 where the result has float64: write arr[...] = np.var(…)",
    ),
    ("linalg.qr(A * x, mode='raw')[1]", "linalg.qr(A * x, mode='r')[0]", "for the modes 'full', 'economic' and 'r'"),
    (
        "linalg.solveh_banded(np.stack([x[None], x[None] ** 2]), np.stack([X, X])[..., None])",
        "np.stack([linalg.solveh_banded(ab, X[:, None]) for ab in (x[None], x[None] ** 2)])",
        "one problem at a time, not for stacks of them; loop over the stack, and use np.stack",
    ),
    ("np.ma.array(X) * x", "np.ma.array(X).filled(0) * x", "whose own arithmetic has no derivative here: use"),
    ("np.ma.array(X)", "np.ma.array(X).filled(0)", "A differentiated function returned numpy.MaskedArray"),
]


def error_of(run):
    with pytest.raises(Exception) as error:
        run()
    return error.value


@pytest.mark.parametrize("program", AS_PLAIN)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_errors_of_the_plain_call(program, mode):
    f = written(program)
    plain, traced = error_of(lambda: f(X.copy())), error_of(lambda: MODES[mode](f))
    assert (type(traced), str(traced)) == (type(plain), str(plain))


@pytest.mark.parametrize(("program", "words"), IN_OTHER_WORDS)
@pytest.mark.parametrize("mode", MODES)
def test_errors_of_the_plain_call_in_other_words(program, words, mode):
    f = written(program)
    plain, traced = error_of(lambda: f(X.copy())), error_of(lambda: MODES[mode](f))
    assert isinstance(plain, type(traced))
    assert words in str(traced)


@pytest.mark.parametrize(("program", "rewritten", "words"), BEYOND)
def test_what_is_refused_and_what_to_write(program, rewritten, words):
    for mode in MODES.values():
        assert words in str(error_of(lambda mode=mode: mode(written(program))))
    f = written(rewritten)
    np.testing.assert_array_equal(f(X.copy()), written(program)(X.copy()))
    slopes = scratch_ad.numerical_jacobian(X, f, scheme="central")
    for jacobian in (scratch_ad.jacfwd, scratch_ad.jacrev):
        np.testing.assert_allclose(jacobian(f)(X), slopes, atol=1e-8)


# What else is given wrong, and what to give


def keyword_only(x, *, k):
    return k * x


def custom(f):
    """With the derivative of a product by its first argument."""
    g = scratch_ad.custom_jvp(f)
    g.defjvp(lambda primals, tangents: (f(*primals), f(tangents[0], *primals[1:])))
    return g


def doubled(rule, dtype=float):
    """A function with this derivative of its first argument."""
    return rule(scratch_ad.primitive(lambda x, k=2: np.asarray(k * x, dtype)))


TWICE = doubled(lambda f: scratch_ad.explicit(f, jvp=lambda t, y, x: 2 * t))
TIMES = doubled(lambda f: scratch_ad.explicit(f, jvp=lambda t, y, x, k=2: k * t))
AS_OBJECT, AS_FLOAT = (doubled(lambda f: scratch_ad.elementwise(f, lambda b: b, None), t) for t in (object, float))


def along(f, x=A):
    """The derivative at ``x`` along ``x``: n times the value of a function that is homogeneous of degree n."""
    return scratch_ad.jvp(f, (x,), (x,))[1]


TURN = np.array([[0.0, 1.0], [-2.0, 0.0]])
MASKED = np.ma.array(X)
GIVEN = {  # the words: the call, the call that they ask for, and what that gives
    "could not be resolved to a position": (
        lambda: scratch_ad.grad(lambda x: scratch_ad.custom_jvp(keyword_only)(x, k=2.0))(1.0),
        lambda: scratch_ad.grad(lambda x: custom(lambda x, k: k * x)(x, k=2.0))(1.0),
        2,
    ),
    "Make it an argument that the rule differentiates, or pass stop_gradient of it": (
        lambda: scratch_ad.grad(lambda x: custom(lambda y: x * y)(1.0))(3.0),
        lambda: scratch_ad.grad(lambda x: x + custom(lambda y: scratch_ad.stop_gradient(x) * y)(1.0))(3.0),
        1,
    ),
    "For complex outputs, use numerical_jacobian": (
        lambda: scratch_ad.numerical_gradient(1.0, lambda x: 2j * x),
        lambda: scratch_ad.numerical_jacobian(1.0, lambda x: 2j * x),
        2j,
    ),
    "scheme must be one of 'forward', 'central', 'complex'": (
        lambda: scratch_ad.numerical_gradient(1.0, np.sin, scheme="backward"),
        lambda: scratch_ad.numerical_gradient(1.0, np.sin, scheme="central"),
        np.cos(1.0),
    ),
    "is lost in rounding beside some parameter; use a larger one": (
        lambda: scratch_ad.numerical_gradient(1.0, np.sin, h=1e-17),
        lambda: scratch_ad.numerical_gradient(1.0, np.sin, h=1e-7),
        np.cos(1.0),
    ),
    "so the imaginary part was dropped; use the central scheme": (
        lambda: scratch_ad.numerical_gradient(1.0, np.abs, scheme="complex"),
        lambda: scratch_ad.numerical_gradient(1.0, np.abs, scheme="central"),
        1,
    ),
    "failed on complex128": (
        lambda: scratch_ad.numerical_gradient(1.5, lambda x: x + np.floor(x), scheme="complex"),
        lambda: scratch_ad.numerical_gradient(1.5, lambda x: x + np.floor(x), scheme="central"),
        1,
    ),
    "scalar-output functions. Got 2 outputs": (
        lambda: scratch_ad.symbolic_gradient(X, lambda x: (np.sum(x), np.sum(x))),
        lambda: scratch_ad.symbolic_gradient(X, lambda x: np.sum(x)),
        1,
    ),
    "has no SymPy counterpart in symbolic mode": (
        lambda: scratch_ad.expression(lambda x: np.linalg.svd(x)[1][0], (2, 2)),
        lambda: scratch_ad.jacrev(lambda x: np.linalg.svd(x)[1][0])(np.diag([2.0, 1.0])),
        np.diag([1.0, 0.0]),
    ),
    "jacfwd with holomorphic=True requires outputs with complex dtype": (
        lambda: scratch_ad.jacfwd(np.real, holomorphic=True)(1j),
        lambda: scratch_ad.jacfwd(lambda z: z + 0j, holomorphic=True)(1j),
        1,
    ),
    "A differentiated function takes or returns fractions.Fraction": (
        lambda: scratch_ad.grad(np.sin)(fractions.Fraction(1, 2)),
        lambda: scratch_ad.grad(np.sin)(float(fractions.Fraction(1, 2))),
        np.cos(0.5),
    ),
    "The argument of a differentiated function is numpy.MaskedArray": (
        lambda: scratch_ad.vjp(np.sum, MASKED),
        lambda: scratch_ad.vjp(np.sum, MASKED.filled(0))[1](1.0)[0],
        1,
    ),
    "round() of a tracer in recording gives a plain number: use np.round": (
        lambda: scratch_ad.record(round, 1.6),
        lambda: scratch_ad.record(np.round, 1.6)(2.7),
        3,
    ),
    "scipy.special.airye has no derivative at complex numbers: it is not analytic": (
        lambda: scratch_ad.jvp(lambda z: scipy.special.airye(z)[0], (1j,), (1.0 + 0j,)),
        lambda: scratch_ad.jvp(lambda z: scipy.special.airy(z)[0], (1j,), (1.0 + 0j,))[1],
        scipy.special.airy(1j)[1],
    ),
    "diff_n gives derivatives itself; differentiate diff_n=0": (
        lambda: scratch_ad.jacfwd(lambda t: special.sph_harm_y(2, 1, t, 0.0, diff_n=1)[0].real)(0.3),
        lambda: scratch_ad.jacfwd(lambda t: special.sph_harm_y(2, 1, t, 0.0).real)(0.3),
        scipy.special.sph_harm_y(2, 1, 0.3, 0.0, diff_n=1)[1][0].real,
    ),
    "scipy.special.jv has no derivative in its argument 0 in reverse mode (vjp): no closed form of it is known": (
        lambda: scratch_ad.grad(scipy.special.jv, argnums=(0, 1))(1.0, 2.0),
        lambda: scratch_ad.grad(scipy.special.jv, argnums=1)(1.0, 2.0),
        scipy.special.jvp(1.0, 2.0),
    ),
    "scipy.special.pbdv has no derivative in its argument 0 in reverse mode (vjp)": (
        lambda: scratch_ad.grad(lambda v, x: scipy.special.pbdv(v, x)[0], argnums=(0, 1))(1.0, 2.0),
        lambda: scratch_ad.grad(lambda v, x: scipy.special.pbdv(v, x)[0], argnums=1)(1.0, 2.0),
        scipy.special.pbdv(1.0, 2.0)[1],
    ),
    "np.unwrap has no derivative in its keyword period in forward mode (jvp)": (
        lambda: scratch_ad.jacfwd(lambda x: np.unwrap(x, period=x[0]))(X),
        lambda: scratch_ad.jacfwd(lambda x: np.unwrap(x, period=X[0]))(X),
        np.eye(3),
    ),
    "no rule for the keyword k in reverse mode (vjp)": (
        lambda: scratch_ad.grad(lambda x: TWICE(x, k=3))(1.0),
        lambda: scratch_ad.grad(lambda x: TIMES(x, k=3))(1.0),
        3,
    ),
    "A call that is differentiated gave an array of dtype object": (
        lambda: scratch_ad.grad(AS_OBJECT)(1.0, np.float64(2)),
        lambda: scratch_ad.grad(AS_FLOAT)(1.0, np.float64(2)),
        2,
    ),
    "np.linalg.qr: mode 'raw' has no derivative rule; use 'reduced', 'complete' or 'r'": (
        lambda: along(lambda a: np.linalg.qr(a, mode="raw")[0]),
        lambda: along(lambda a: np.linalg.qr(a, mode="r")),
        np.linalg.qr(A, mode="r"),
    ),
    "scipy.linalg.eig has no derivative rule for homogeneous_eigvals: the scale is free": (
        lambda: along(lambda a: linalg.eig(a, homogeneous_eigvals=True)[0]),
        lambda: along(lambda a: linalg.eig(a)[0]),
        scipy.linalg.eigvals(A),
    ),
    "whose phase is that of LAPACK's iterations: take eigvals(a, b)": (
        lambda: along(lambda a: linalg.eig(a, A.T)[1]),
        lambda: along(lambda a: linalg.eigvals(a, A.T)),
        scipy.linalg.eigvals(A, A.T),
    ),
    "real form of a matrix with complex eigenvalues: take output='complex'": (
        lambda: along(lambda a: linalg.schur(a)[0], TURN),
        lambda: along(lambda a: linalg.schur(a, output="complex")[0], TURN),
        scipy.linalg.schur(TURN, output="complex")[0],
    ),
    "Riccati equations have no derivative rule for e or balanced=False": (
        lambda: along(lambda q: linalg.solve_continuous_are(A, A, q, q, balanced=False), np.eye(3)),
        lambda: along(lambda q: linalg.solve_continuous_are(A, A, q, q), np.eye(3)),
        scipy.linalg.solve_continuous_are(A, A, np.eye(3), np.eye(3)),
    ),
    "derivatives of Carlson's elliptic integrals are known at real arguments only": (
        lambda: along(lambda x: scipy.special.elliprc(x, 2 * x), 1j),
        lambda: along(lambda x: scipy.special.elliprc(x, 2 * x), 1.0),
        -0.5 * scipy.special.elliprc(1.0, 2.0),
    ),
    "derivatives of ₁F₁ and ₂F₁ by a parameter are known at real arguments only": (
        lambda: along(lambda a: scipy.special.hyp1f1(a, a, 1j), 1.0),
        lambda: along(lambda a: scipy.special.hyp1f1(a, a, 1.0), 1.0),
        0,
    ),
    "(forward scheme) requires real-valued inputs": (
        lambda: scratch_ad.numerical_gradient(np.arange(3), np.sum),
        lambda: scratch_ad.numerical_gradient(np.arange(3).astype(float), np.sum),
        1,
    ),
    "symbolic_gradient requires real-valued inputs": (
        lambda: scratch_ad.symbolic_gradient(np.arange(3), np.sum),
        lambda: scratch_ad.symbolic_gradient(np.arange(3).astype(float), np.sum),
        1,
    ),
    "and dtype <U3 is not a valid array or number. Give and return numbers and arrays": (
        lambda: scratch_ad.grad(np.sin)(np.array("1.0")),
        lambda: scratch_ad.grad(np.sin)(np.array("1.0").astype(float)),
        np.cos(1.0),
    ),
    "has no rule as an elementwise function of one argument": (
        lambda: scratch_ad.intro.methods.derivatives[np.add],
        lambda: scratch_ad.intro.methods.derivatives[np.sin](1.0),
        np.cos(1.0),
    ),
    "has no formula for its cost in scratch_ad/cost.py; add one there": (
        lambda: cost(scratch_ad.record(np.round, 1.6)),
        lambda: cost(scratch_ad.record(np.rint, 1.6)).flops,
        1,
    ),
}


@pytest.mark.parametrize("words", GIVEN)
def test_what_is_given_wrong_and_what_to_give(words):
    wrong, right, expected = GIVEN[words]
    assert words in str(error_of(wrong))
    np.testing.assert_allclose(right(), expected, rtol=1e-6, atol=1e-12)


# The list of all

SOURCES = {path: ast.parse(path.read_text()) for path in sorted(pathlib.Path(scratch_ad.__file__).parent.rglob("*.py"))}


def template(node):
    """A regular expression for what a string in the source comes to."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(template, node.values))
    return ".*"


def is_error(node):
    """Whether a call makes an error, or is what is raised."""
    return ast.unparse(node.func).endswith("Error")


def messages():
    """Where each error is made, and a regular expression for its words."""
    for path, tree in SOURCES.items():
        raised = {id(node.exc) for node in ast.walk(tree) if isinstance(node, ast.Raise)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (id(node) in raised or is_error(node)):
                words = max(map(template, node.args), key=len, default=".*")
                if words.replace(".*", ""):
                    yield f"{path.name}:{node.lineno}", re.compile(words, re.DOTALL)


@functools.cache
def heard():
    """What the tables of tests give: the messages themselves."""
    programs = [*AS_PLAIN, *(p for p, *_ in IN_OTHER_WORDS + BEYOND + REFUSED)]
    calls = [
        *(lambda p=p, mode=mode: mode(written(p)) for p in programs for mode in MODES.values()),
        *(lambda call=call: call(scratch_ad) for call in test_transforms.ERRORS.values()),
        *(lambda call=call: call(scratch_ad, np) for call in test_custom.MISTAKES),
        *test_refusals.GIVEN.values(),
        *(wrong for wrong, *_ in GIVEN.values()),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [str(error_of(call)) for call in calls]


ELSEWHERE = {  # the words of a message: the file of the test that has them
    "has no len()": "test_type_branches",
    "mask, another one for each example": "test_batch",
    "rule for matrices, not for one axis": "test_scipy",
    "multiple of the identity to what is singular": "test_singular",
    "Singular matrix": "test_hermitian",
    "a compiled function was given an argument": "test_compile",
    "cannot be compiled, as it does not do the same": "test_compile",
    "gives lists or tuples within its result": "test_compile",
    "cannot be hashed": "test_python_objects",
    "cannot be pickled in": "test_python_objects",
    "must be linear in the tangents": "test_python_objects",
    "optree.dataclasses.register_node": "test_python_objects",
    "kept beyond the run": "test_closed_runs",
    "dtype object was returned": "test_closed_runs",
    "asarray has given": "test_writing",
    "can't apply forward-mode autodiff": "test_custom",
    "record it for these, or use order='C' or 'F'": "test_layout",
    "pip install 'scratch-ad[scipy]'": "test_scipy",
    **dict.fromkeys(
        (
            "different shapes for the examples",
            "holds for some examples",
            "different indices, slices or counts",
            "tuple of entries corresponding to the positional",
            "must be an int, None, or a tuple",
            "rank should be at least",
            "at least one non-None value in in_axes",
            "inconsistent sizes",
            "out_axes is None",
            "containers of these as",
            "must be integers or None in containers",
            "leaves other lengths of the examples",
            "arrays of numbers, not of dtype",
            "how many examples there are",
            "out of bounds for a result",
        ),
        "test_batch",
    ),
    "pip install rich": "test_picture",
    "neither true nor false": "test_symbolic",
    "does not support item assignment": "test_symbolic",
    "Positional argument indices": "test_transforms",
    "no derivative: return floats": "test_transforms",
    "counted from 0": "test_custom",
    "names none: write a function": "test_custom",
    "must be the position": "test_custom",
    "argnums must be": "test_transforms",
    "step must be a function": "test_checkpoint",
    "must be a whole number, not": "test_checkpoint",
    "must be at least": "test_checkpoint",
    "gave the state in other containers": "test_checkpoint",
    "start with shapes and dtypes that step keeps": "test_checkpoint",
    "make it an argument": "test_checkpoint",
    "writes into a read-only array": "test_checkpoint",
    "Give arrays of their own": "test_out",
    "as if for all": "test_batch",
    "a part of arr alone": "test_out",  # before NumPy 2.5, which refuses it itself
    "gave other numbers when it was computed again": "test_checkpoint",
    "leave folder= out": "test_checkpoint",
    "none of its own, such as": "test_checkpoint",
    "another run, which differs in": "test_checkpoint",
    "cannot be read": "test_checkpoint",
    "folder must be": "test_checkpoint",
    "two loops that run at once need a folder each": "test_checkpoint",
    "did not make the same calls twice": "test_sparse",
    "leave sparse= out": "test_sparse",
    "elements are not the derivative there": "test_sparse",
    ": containers": "test_tracing",
    ": an array of shape": "test_tracing",
    "distributions are of real numbers": "test_stats",
    "leave allow_singular out": "test_stats",
    **dict.fromkeys(
        (
            "Solve for NumPy's numbers",
            "give one for each",
            "does not solve its equation",
            "is singular at what it gives",
            "arguments nor variables of its closure",
            "leave full_output out",
            "comes of the solver's steps",
            "factors of the solver's own",
            "at a bound that it does not press upon",
            "no derivative of a minimum under constraints",
            "and a loss have no derivative in a fit",
        ),
        "test_optimize",
    ),
    **dict.fromkeys(
        (
            "limits that differ with the example",
            "points that the numbers decide",
            "real and imaginary part apart",
            "without a cache",
            "scipy.integrate.",
            "a tracer for",
            "give scratch_ad.stop_gradient of it",
            "take the sum of the integrals of its pieces",
            "numbers that decide how it goes on",
            "lower rtol, or max_step",
        ),
        "test_integrate",
    ),
    "distances are differentiated of real numbers": "test_distance",
    "is piecewise constant: its derivative is 0": "test_distance",
    "has no derivative in the data": "test_interpolate",
    "where the spline goes on beyond its ends": "test_interpolate",
    "no derivative for bc_type='periodic'": "test_interpolate",
    "has no derivative for method='pchip'": "test_interpolate",
    "stops at an error of up to a percent": "test_interpolate",
    "method='splinef2d' has no rule": "test_interpolate",
    "must be <= order of spline": "test_interpolate",
    **dict.fromkeys(
        (
            "which elements are zero depends on its numbers",
            "multiplied elementwise by numbers alone",
            "a sparse matrix with tracers is no array",
            "a sparse matrix with tracers has no",
            "a product of sparse matrices with tracers has no rule",
            "has no derivative at complex numbers: use np.conj(b)",
            "the factors of a sparse matrix with tracers have solve alone",
        ),
        "test_patterns",
    ),
    "has a value, but no derivative rule, for arguments of shapes": "test_scipy",
    "one of them has no elements": "test_scipy",
    "gives an object of class": "test_scipy",
    "a file cannot be written": "test_checkpoint",
    "q is not of the shape of the solution": "test_scipy",
    "has a derivative without output=": "test_ndimage",
    "for windows that are boxes": "test_ndimage",
    "input_dims >= output_dims": "intro/test_data",
    "diff must be": "intro/test_pictures",
    "out of range for": "intro/test_pictures",
}


@pytest.mark.parametrize("words", ELSEWHERE)
def test_it_is_in_the_test_of_that_file(words):
    source = (pathlib.Path(__file__).parent / f"{ELSEWHERE[words]}.py").read_text()
    assert words in re.sub(r"\\(.)", r"\1", source)


NEVER_SEEN = (
    "where= chooses elements by number, not by symbol",  # symbolic mode then refuses the call, by its name
    "has no attribute",  # in Python's own words
    "has a derivative of shape",  # of a rule of ours that is wrong
    "has a derivative of one that is off by",  # likewise
    "output array is not acceptable",  # in NumPy's, of the plain call in test_casts_in_writes
    "what goes from a batch to its examples",  # to the step that then takes all examples together
)
OF_JAX = (  # said of JAX's arrays alone, as SciPy's own call comes first where there are NumPy's
    "of a stack takes matrices of one rank",
    "takes no transposed=True",
    "exact=True gives integers",
    "window must be one-dimensional",
    "noverlap must be less than nperseg.",
    "nfft must be greater than or equal to nperseg.",
    "Unknown boundary option",
    "not in ['spectrum', 'density']!",
)


def test_every_message_is_in_a_test():
    unheard = []
    for place, words in messages():
        fixed = re.sub(r"\\(.)", r"\1", words.pattern.replace(".*", "…"))
        if not any(map(words.search, heard())) and not any(
            known in fixed for known in (*ELSEWHERE, *NEVER_SEEN, *OF_JAX)
        ):
            unheard.append(f"{place}: {fixed}")
    assert unheard == []
