"""``out=`` and ``where=``, of ufuncs, their methods and functions along axes: what NumPy does, or that it does not.

Random calls, of all that they take: other shapes and dtypes, views, masks of every form, arrays that cannot be written
into. The functions are those that round alike however numbers lie in memory: in each mode the value is the plain run's
to the last bit, or an error comes where NumPy has one.
"""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratch_ad import compile, jvp, vjp, vmap

ONE = [np.trunc, np.negative, np.square, np.absolute, np.floor, np.sign, np.isnan, np.conjugate, np.reciprocal]
TWO = [np.add, np.multiply, np.divide, np.maximum, np.subtract, np.greater, np.fmax, np.remainder, np.copysign]
PAIRS = [np.modf, np.divmod, np.frexp]
ALONG = [np.sum, np.prod, np.mean, np.max, np.cumsum, np.min, np.any, np.argmax, np.median, np.ptp, np.nansum]
SHAPES = [(3,), (2, 3), (3, 3), (1, 3), (2, 1), (), (2, 2, 3), (0, 3)]
DTYPES = ["float64", "float32", "complex128", "int64", "float16"]
REFUSED = "takes no tracer|uninitialised|computes partly in the dtype|shows the memory of|a part of arr alone"


def part(base, how):
    """A view of ``base``, itself, or a number of it."""
    if how == "number":
        return base.sum()
    if how == "read-only":
        base.flags.writeable = False
    views = {"transposed": lambda: base.T, "every other": lambda: base[..., ::2], "reversed": lambda: base[::-1]}
    return views[how]() if how in views and base.ndim else base


@st.composite
def calls(draw):
    """A function of two arrays that calls one with out=, and the arrays."""
    of = lambda *options: draw(st.sampled_from(options))
    shape = of((3,), (2, 3), (3, 3), (2, 2, 3))
    into, dtype = of(shape, shape, of(*SHAPES), (2, *shape)), of(*DTYPES, "float64", "float64")
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    own = of("float64", "float64", "float32", "complex128")
    x = (rng.normal(size=shape) + (1j * rng.normal(size=shape) if own == "complex128" else 0)).astype(own)
    y = rng.normal(size=of(shape, shape[-1:], ())).astype(own)[()]
    mask = rng.random(into) > 0.4
    masks = {"array": mask, "list": mask.tolist(), "row": np.atleast_1d(mask)[:1], "numbers": np.float64(mask)}
    masks |= {"none": False, "all": True}
    how, shown, place = (
        of("mask", "dtype", "plain", "both"),
        of("itself", "reversed", "other", "other"),
        of(*masks, "x"),
    )
    view = of("itself", "itself", "itself", "transposed", "every other", "reversed", "read-only", "number")
    kind = of("one", "one", "two", "two", "pair", "reduce", "accumulate", "outer", "matmul", "along")
    x = (np.round(4 * x) / (1 if kind == "matmul" else 4)).astype(own)  # so that sums are exact, in whatever order
    f, g, pair, along = of(*ONE), of(*TWO), of(*PAIRS), of(*ALONG)
    axis, keepdims, is_tuple = of(None, 0, -1), of(False, False, True), of(False, True)
    wanted, casting = of("float64", "float32", "complex128"), of("unsafe", "same_kind", "safe")

    def call(x, y):
        base = np.zeros(into, dtype, like=x)
        base[...] = 2
        if shown in ("itself", "reversed"):
            base = x.copy()
        out = part(base, view)
        a = {"itself": out, "reversed": out[::-1] if out.ndim else out}.get(shown, x)
        options = {}
        if how in ("mask", "both"):
            options["where"] = (x > 0 if x.dtype.kind != "c" else x.real > 0) if place == "x" else masks[place]
        if how in ("dtype", "both"):
            options |= {"dtype": wanted, "casting": casting}
        given, other = {"out": (out,) if is_tuple else out}, np.zeros(into, dtype, like=x)
        only = lambda *names: {name: option for name, option in options.items() if name in names}
        if kind == "one":
            result = f(a, **given, **options)
        elif kind == "two":
            result = g(a, y, **given, **options)
        elif kind == "pair":
            result = pair(*((a, y) if pair is np.divmod else (a,)), out=(out, other), **options)[0]
        elif kind == "reduce":
            result = g.reduce(a, axis=axis, keepdims=keepdims, **given, **only("dtype", "where"))
        elif kind == "accumulate":
            result = g.accumulate(a, axis=axis or 0, **given, **only("dtype"))
        elif kind == "outer":
            result = g.outer(a, y, **given, **options)
        elif kind == "matmul":
            result = np.matmul(a, np.swapaxes(x, -1, -2) if x.ndim > 1 else x, **given, **only("dtype", "casting"))
        else:
            result = along(a, axis=axis, out=out)
        return base * 1, other * 1, result * 1, float(result is out)

    return call, x, y


def outcome(run, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            results = map(np.asarray, run(*args))
        except (TypeError, ValueError, NotImplementedError) as error:
            return str(error)
    return [(y.dtype, y.shape, np.where(np.isnan(y), np.nan, y + 0).tobytes()) for y in results]


@settings(max_examples=300, deadline=None)
@given(calls())
def test_out_and_where(call):
    f, x, y = call
    plain, compiled = outcome(f, x.copy(), y), compile(f)
    runs = {
        "vjp": lambda x, y: vjp(f, x, y)[0],
        "jvp": lambda x, y: jvp(f, (x, y), (x, y))[0],
        "vmap": lambda x, y: [part[0] for part in vmap(f)(np.stack([x, x]), np.stack([y, y]))],
        "compiled": compiled,
        "replayed": lambda x, y: (compiled(x, y), compiled(x, y))[1],
    }
    for mode, run in runs.items():
        found = outcome(run, x, y)
        if isinstance(found, str) and not isinstance(plain, str):
            assert any(words in found for words in REFUSED.split("|")), (mode, found)
        elif isinstance(plain, str):
            assert isinstance(found, str), (mode, plain)
        else:
            assert found == plain, mode


@pytest.mark.parametrize("mode", ["vjp", "jvp"])
def test_what_a_mask_leaves_out_keeps_its_derivative(mode):
    x = np.array([0.5, -1.0, 2.0])

    def f(x):
        out = np.multiply.outer(x, x)
        np.add.outer(x, 2 * x, out=out, where=x > 0)
        return out

    masked = lambda x: np.where(np.array([True, False, True]), np.add.outer(x, 2 * x), np.multiply.outer(x, x))
    if mode == "jvp":
        for found, expected in zip(jvp(f, (x,), (x,)), jvp(masked, (x,), (x,)), strict=True):
            np.testing.assert_array_equal(found, expected)
    else:
        g = np.arange(9.0).reshape(3, 3)
        np.testing.assert_allclose(vjp(f, x)[1](g)[0], vjp(masked, x)[1](g)[0], rtol=1e-14)


MODES = {
    "vjp": lambda f, x: vjp(f, x)[1](x),
    "jvp": lambda f, x: jvp(f, (x,), (x,)),
    "vmap": lambda f, x: vmap(f)(np.stack([x, x])),
    "compiled": lambda f, x: compile(f)(x),
}


@pytest.mark.parametrize("mode", MODES)
def test_what_a_mask_leaves_out_gives_no_warning(mode):
    """Also where each warning is an error."""

    def ratios(x):
        out = np.zeros_like(x)
        np.divide(1, x, out=out, where=x != 0)
        return np.log(x, out=out, where=x > 0)

    with np.errstate(all="raise"):
        MODES[mode](ratios, np.array([0.0, 1.0, -2.0]))


@pytest.mark.parametrize("mode", ["vjp", "compiled"])
def test_what_it_takes_gives_one(mode):
    everywhere = lambda x: np.divide(1, x, out=np.zeros_like(x), where=x < 2)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        MODES[mode](everywhere, np.array([0.0, 1.0, -2.0]))


# What is done there in one statement: values, errors in NumPy's words, and warnings


X, M = np.array([[-1.0, 2.0, 0.5], [3.0, -0.25, 4.0]]), np.array([[True, False, True], [False, False, True]])
VALUES = {
    "vjp": lambda f: vjp(f, X)[0],
    "jvp": lambda f: jvp(f, (X,), (np.ones_like(X),))[0],
    "vmap": lambda f: [a[1] for a in vmap(f)(np.stack([X, X]))],
    "compile": lambda f: (compiled := compile(f))(X) and compiled(X),
}
# fmt: off
PROGRAMS = {  # what is done to o, zeros in the form of x, and to w, w2, wide arrays of them, by x and the mask m
    "a mask":                     "np.log(x, out=o, where=x > 0)",
    "a mask as a list":           "np.exp(x, out=o, where=[True, False, True])",
    "a mask that broadcasts":     "np.multiply(x, 3, out=w, where=m[0])",
    "a mask of numbers":          "np.exp(x, out=o, where=m * 1.0)",
    "a mask too large":           "np.exp(x, out=o, where=np.stack([m, m]))",
    "no mask":                    "np.exp(x, out=o, where=np.True_)",
    "division where it can be":   "np.divide(1, x - 2, out=o, where=x != 2)",
    "a large number left alone":  "i[...] = 2**60 + 1; np.multiply(x, 2, out=i, where=m, casting='unsafe')",
    "where= of an outer product": "np.multiply.outer(x[0], x[1], out=q, where=m[0])",
    "where= of a reduction":      "np.add.reduce(x, 0, out=o[0], where=m, initial=2.0)",
    "numbers for a reduction":    "np.add.reduce(x, 0, out=o[0], where=m * 1.0)",
    "a reduction, more axes":     "np.add.reduce(x, 0, out=o)",
    "np.sum, more axes":          "np.sum(x, axis=0, out=o)",
    "np.max, more axes":          "np.max(x, axis=1, out=o)",
    "np.all, more axes":          "np.all(x, axis=0, out=o)",
    "np.median, more axes":       "np.median(x, axis=0, out=o)",
    "np.ptp, more axes":          "np.ptp(x, axis=0, out=o)",
    "np.argmax, other numbers":   "np.argmax(x, axis=0, out=o[0])",
    "running sums, more axes":    "np.add.accumulate(x, 0, out=w)",
    "one of two, more axes":      "np.modf(x, out=(o, w))",
    "one of two, fewer axes":     "np.modf(w, out=(w2, o))",
    "a number":                   "np.sin(x[0, 0], out=x[0, 1])",
    "a number for a product":     "np.matmul(x[0], x[1], out=x[0, 1])",
    "a tuple":                    "np.sin(x, out=(o,))",
    "a tuple for a function":     "np.cumsum(x, 0, out=(o,))",
    "safe casting":               "np.power(x, 2, out=o, casting='safe', dtype='f4')",
    "unsafe casting":             "np.add(x, 1, out=i, casting='unsafe')",
    "casting of two results":     "np.modf(x, out=(o, o.copy()), casting='safe', dtype='f4')",
    "a product of np.dot":        "q *= x[0]; r = x.T @ x; np.dot(r, r, out=q)",
    "a product, not contiguous":  "np.dot(x, x.T, out=q.T[:2, :2])",
    "a product, cast":            "np.matmul(x * 1j, x.T, out=q[:2, :2], casting='unsafe')",
    "a dtype for stack":          "np.stack([x, x], out=w, dtype='f8')",
    "read-only":                  "o.flags.writeable = False; np.sin(x, out=o)",
    "read-only, a product":       "q.flags.writeable = False; np.matmul(x.T, x, out=q)",
    "read-only, running sums":    "o.flags.writeable = False; np.add.accumulate(x, 0, out=o)",
    "read-only, a function":      "o.flags.writeable = False; np.cumsum(x, 0, out=o)",
    "read-only, with a mask":     "o.flags.writeable = False; np.sin(x, out=o, where=m)",
    "read-only, rounding":        "o.flags.writeable = False; np.round(x, 1, out=o)",
    "read-only, broadcast":       "np.sin(x, out=np.broadcast_to(o[0], (2, 3)))",
}
# fmt: on


# fmt: off
PROGRAMS |= {
    "nan into .flat":             "i.flat[0] = float('nan')",
    "infinity into .flat":        "i.flat[0] = np.inf * np.abs(x[0, 0])",
    "an imaginary number":        "o.flat[1] = 1j",
    "a number below zero":        "u = np.zeros_like(x, dtype='u1'); u.flat[:2] = -1",
    "too large, on a diagonal":   "np.fill_diagonal(i, 1e30)",
    "nan on a diagonal":          "np.fill_diagonal(i, [np.nan, 1.0])",
    "nan copied":                 "np.copyto(i, np.nan * np.abs(x[0, 0]), casting='unsafe')",
    "a column into a row":        "q[...] = np.outer(x[0], x[1]); q[1] = q[:, 2]",
    "a row into a column":        "q[...] = np.outer(x[0], x[1]); q[:, 1] = q[2]",
    "copied into a row":          "q[...] = np.outer(x[0], x[1]); np.copyto(q[1], q[:, 0]); q[2][...] = q[:, 1]",
    "backwards":                  "q[...] = np.outer(x[0], x[1]); q[1] = q[::-1, 2]",
    "a view of what was zeros":   "q[...] = np.outer(x[0], x[1]); q.ravel()[:4] = q.ravel()[1::2]",
    "in columns":                 "g = np.zeros_like(q, order='F').T; g.ravel()[:2] = x[0, 1]; g[1] = 7; q += g",
    "a real part of integers":    "i.real = 7.5 * x",
    "a real part, nan":           "i.real = float('nan')",
    "an imaginary part, complex": "c = o * 1j; c.imag = 2j; o[...] = c.imag",
    "filled with a list":         "o.fill([1.0, 2.0])",
    "a mask, complex":            "i[m] = 1j",
    "a truth, complex":           "t = np.zeros_like(x, dtype=bool); t[m] = 1j; o[...] = t",
    "nan along an axis":          "np.put_along_axis(i, np.array([[0]]), float('nan'), 0)",
}
# fmt: on


def program(statement):
    def f(x):
        o, w, w2, i = (
            np.zeros_like(x, shape=s, dtype=t) for s, t in [((2, 3), "f8"), *[((2, 2, 3), "f8")] * 2, ((2, 3), int)]
        )
        space = {"np": np, "x": x, "m": M, "o": o, "w": w, "w2": w2, "i": i, "q": np.zeros_like(x, shape=(3, 3))}
        exec(statement, space)
        return [space[name] * 1 for name in ("o", "w", "w2", "i", "q")]

    return f


def outcome_and_warnings(run):
    """The results of a run, or its error, and what it warns of."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            results = [(a.dtype, a.shape, a.tobytes()) for a in map(np.asarray, run())]
        except (TypeError, ValueError, OverflowError) as error:
            results = type(error).__mro__[-4:], str(error)
    return results, {str(w.message) for w in heard}


@pytest.mark.parametrize("mode", VALUES)
def test_two_results_that_overlap_are_refused(mode):
    def f(x):
        o = np.zeros_like(x, shape=(4, 3))
        np.modf(x, out=(o[:2], o[1:3]))
        return [o]

    with pytest.raises(
        TypeError, match=r"np\.modf\(…, out=\(a, b\)\), where a overlaps b: .* Give arrays of their own"
    ):
        VALUES[mode](f)


@pytest.mark.parametrize("mode", VALUES)
@pytest.mark.parametrize("statement", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_as_numpy(statement, mode):
    f = program(statement)
    (found, heard), (expected, warned) = (
        outcome_and_warnings(run) for run in (lambda: VALUES[mode](f), lambda: f(X.copy()))
    )
    assert found == expected
    assert heard == warned or (mode == "jvp" and heard < warned)
