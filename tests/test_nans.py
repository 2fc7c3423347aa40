"""``first_nan``: the call that first made a nan or an infinity, its arguments, the line, why and what to write."""

import linecache

import numpy as np
import pytest

import scratch_ad
from scratch_ad import first_nan, grad, jvp
from scratch_ad.nans import REMEDIES

x = np.array([1.0, 0.0])


def line_of(origin):
    return linecache.getline(origin.file, origin.line)


def test_the_branch_not_taken():
    def f(x):
        y = np.sqrt(x)  # here
        return np.sum(np.where(x > 0, y, 0))

    found = first_nan(f, x)
    assert found.of("values") is None
    origin = found.of("cotangents")
    why = "the derivative of np.sqrt at 0.0 is inf, times the cotangent 0.0 from np.where: nan"
    assert (origin.kind, origin.function, origin.arguments, origin.index) == ("nan", "np.sqrt", (0.0,), (1,))
    assert origin.why == why and origin.file == __file__ and "# here" in line_of(origin)
    assert "np.where(m, np.sqrt(np.where(m, x, 1)), 0)" in origin.remedy
    assert "The cotangents that come out hold no nan all the same: " in str(found)
    assert np.isfinite(grad(f)(x)).all()

    def remedied(x):
        m = x > 0
        return np.sum(np.where(m, np.sqrt(np.where(m, x, 1)), 0))

    assert not first_nan(remedied, x)


def test_an_infinity_and_the_nan_that_it_makes():
    def f(x):
        y = np.log(x)  # first
        return np.sum(x * y)  # then

    first, then = (origin for origin in first_nan(f, x).origins if origin.channel == "values")
    assert (first.kind, first.function, first.arguments, first.index) == ("inf", "np.log", (0.0,), (1,))
    assert first.why == "np.log of 0.0 gives -inf" and "# first" in line_of(first)
    assert (then.kind, then.function, then.arguments) == ("nan", "np.multiply", (0.0, -np.inf))
    assert "# then" in line_of(then)


def test_none_is_said_to_be_none():
    found = first_nan(lambda x: np.sum(np.sin(x) / (1 + x)), x)
    assert not found and found.notes == ()
    assert str(found) == "No call made a nan or an infinity, in values, tangents or cotangents."


def test_containers_and_what_is_nan_to_begin_with():
    f = lambda tree, b: np.std(tree["a"][0] - b)
    found = first_nan(f, {"a": [np.array([1.0, np.nan])]}, 2.0)
    assert not found and found.notes == ("Argument 0['a'][0][1] is nan to begin with.",)
    found = first_nan(f, {"a": [x]}, np.inf)
    assert found.notes[0] == "Argument 1 is inf to begin with."


def test_an_infinity_may_be_given():
    found = first_nan(lambda x: np.exp(-x) + np.max(x, initial=-np.inf), np.array([np.inf, 1.0]))
    assert found.of("values") is None
    origin = first_nan(lambda x: x - x, np.array([1.0, np.inf])).of("values")
    assert (origin.kind, origin.function, origin.arguments, origin.index) == ("nan", "np.subtract", (np.inf,) * 2, (1,))


def test_another_element_that_was_nan_hides_nothing():
    origin = first_nan(np.log, np.array([np.nan, -1.0])).of("values")
    assert (origin.kind, origin.index, origin.arguments) == ("nan", (1,), (-1.0,))


def test_a_constant_that_is_nan_is_named():
    def f(x):
        return np.where(x > 0, x, np.nan)

    found = first_nan(f, x)
    assert not found and found.notes[0].startswith("np.where (test_nans.py:")
    assert found.notes[0].endswith("was given nan in a constant.")


def test_inside_of_a_function_that_is_written_in_others():
    origin = first_nan(lambda x: np.cov(x * 1e200), x).of("values")
    assert origin.function.endswith(" in np.cov") and origin.kind == "inf"


def test_a_write():
    def f(x):
        y = np.zeros_like(x)
        y[0] = x[0] / x[1]  # here
        return np.sum(y)

    origin = first_nan(f, x).of("values")
    assert (origin.function, origin.arguments) == ("np.divide", (1.0, 0.0)) and "# here" in line_of(origin)


def test_infinities_of_both_signs_that_meet():
    def f(x):
        a, b = np.sqrt(x), -np.sqrt(x)
        return np.sum(a) + np.sum(b)

    found = first_nan(f, x)
    assert [origin.kind for origin in found.origins if origin.channel == "cotangents"] == ["inf", "nan"]
    assert "are infinite, of both signs, and add up to nan" in found.origins[-1].why
    tangents = [origin for origin in found.origins if origin.channel == "tangents"]
    assert [origin.kind for origin in tangents] == ["inf", "nan"] and tangents[1].function == "np.add"


def test_both_signs_inside_of_a_function():
    found = first_nan(lambda x: np.sum(np.sqrt(x * 1.0) - np.sqrt(x * 1.0)), x)
    origin = [origin for origin in found.origins if origin.channel == "cotangents"][-1]
    assert origin.kind == "nan" and origin.function == "the arguments"


def test_what_follows_from_the_values_is_no_origin():
    found = first_nan(np.exp, np.array(1000.0))
    assert [(origin.channel, origin.why) for origin in found.origins] == [("values", "np.exp of 1000.0 gives inf")]


def test_a_function_that_is_not_elementwise():
    found = first_nan(lambda a: np.linalg.svd(a)[0][0], np.eye(2))
    origin = found.of("tangents")
    start = "the pushforward of np.linalg.svd at [[1., 0.], [0., 1.]] and True gives nan for the tangent [[1., 1.]"
    assert origin.kind == "nan" and origin.why.startswith(start)
    origin = found.of("cotangents")
    assert origin.kind == "nan" and origin.why.startswith("the pullback of np.linalg.svd at [[1., 0.], [0., 1.]]")
    origin = first_nan(np.cumprod, np.full(3, 1e200)).of("values")
    assert origin.why == "np.cumprod of [1.e+200, 1.e+200, 1.e+200] gives inf" and origin.index == (1,)


def test_custom_rules():
    @scratch_ad.custom_vjp
    def f(x):
        return x * 2

    f.defvjp(lambda x: (x * 2, x), lambda x, g: (g / x,))
    found = first_nan(lambda x: np.sum(f(x)), x)
    assert found.of("cotangents").function == "f" and found.of("cotangents").kind == "inf"
    assert any(note.startswith("The tangents are not known: TypeError: can't apply") for note in found.notes)

    @scratch_ad.custom_jvp
    def g(x):
        return x * 2

    g.defjvp(lambda primals, tangents: (primals[0] * 2, tangents[0] * np.log(primals[0])))
    assert first_nan(lambda x: np.sum(g(x)), x).of("tangents").function == "g"


def test_a_derivative_is_a_function_too():
    f = lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0))
    origin = first_nan(grad(f), x).of("values")
    assert origin.kind == "inf" or origin.kind == "nan"
    assert not first_nan(grad(lambda x: np.sum(np.sin(x))), x)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.complex128])
def test_dtypes(dtype):
    assert first_nan(np.log, x.astype(dtype)).of("values").index == (1,)


@pytest.mark.parametrize("value", [np.zeros(0), 1.0, np.float32(1), np.ones((2, 0)), 3, np.arange(3)])
def test_shapes_and_integers(value):
    assert not first_nan(lambda x: np.cos(x) * 2, value)


def test_an_error_is_raised_unless_an_origin_explains_it():
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        first_nan(np.linalg.inv, np.zeros((2, 2)))
    with pytest.raises(KeyError):
        first_nan(lambda x: {}["key"], x)
    found = first_nan(lambda x: np.linalg.eigvalsh(np.diag(np.log(x - 1))), x)
    assert found.of("values").function == "np.log"

    def stops(x):
        y = np.log(x)
        raise FloatingPointError(f"{y[1]:.0f}")

    assert first_nan(stops, x).of("values").function == "np.log"
    assert "The cotangents are not known: FloatingPointError: -inf" in first_nan(stops, x).notes


def test_arguments_stay_as_they_are_and_nothing_else_is_changed():
    def f(a):
        a[0] = 0.0
        return np.sum(np.log(a))

    given = x.copy()
    first_nan(f, given)
    assert np.array_equal(given, x)


@pytest.mark.parametrize(
    ("name", "wrong", "remedied"),
    [
        ("np.log", lambda x: np.log(x), lambda x: np.log(np.where(x > 0, x, 1))),
        ("np.log1p", lambda x: np.log1p(x - 1), lambda x: np.log1p(np.where(x > 0, x - 1, 1))),
        ("np.exp", lambda x: np.log(np.exp(999 + x)), lambda x: np.logaddexp(999 + x, 0)),
        ("np.divide", lambda x: 1 / x, lambda x: 1 / np.where(x != 0, x, 1)),
        ("np.sqrt", lambda x: np.sqrt(x - 0.5), lambda x: np.sqrt(np.where(x > 0.5, x - 0.5, 1))),
        ("np.arccos", lambda x: np.arccos(x + 0.5), lambda x: np.arccos(np.clip(x + 0.5, -0.9, 0.9))),
        ("np.power", lambda x: x**-0.5, lambda x: np.where(x > 0, x, 1) ** -0.5),
    ],
)
def test_each_remedy_is_one(name, wrong, remedied):
    origin = first_nan(wrong, x).of("values")
    assert origin.function == name and origin.remedy == REMEDIES[name].format(name=name) != ""
    assert first_nan(remedied, x).of("values") is None
    assert np.isfinite(jvp(remedied, (x,), (x,))[1]).all()


@pytest.mark.parametrize("transform", [scratch_ad.grad, scratch_ad.jacfwd, scratch_ad.jacrev, scratch_ad.hessian])
@np.errstate(all="raise")
def test_the_look_for_nan_finds_no_overflow_where_numpy_has_none(transform):
    x = np.array([1e-80, 1e-70])
    assert np.isfinite(transform(lambda x: np.sum(1 / x))(x)).all()
    assert np.isfinite(transform(scratch_ad.compile(lambda x: np.sum(1 / x)))(x)).all()
