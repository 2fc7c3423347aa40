"""``a.flat[index] = value``: what NumPy does, or its error, for empty arrays, repeats, masks and values of any size."""

import numpy as np
import pytest

from scratch_ad import grad, jvp, record, vjp

X = np.array([1.5, 2.5, 3.5, 4.5, 5.5])
ARRAYS = {
    "empty": lambda x: (x * 1.0)[:0],
    "empty rows": lambda x: (x * 1.0)[:0].reshape(0, 2),
    "three": lambda x: (x * 1.0)[:3],
    "matrix": lambda x: (x * 1.0)[:4].reshape(2, 2),
    "transposed": lambda x: (x * 1.0)[:4].reshape(2, 2).T,
    "itself": lambda x: x[:4],
    "cell": lambda x: np.zeros(4, like=x),
}
INDICES = {
    **{str(i): lambda n, i=i: i for i in (0, -1, 5, [], [0], [0, 0, -1], [7], ..., (), True, None, (0,), 1.0)},
    **{repr(i): lambda n, i=i: i for i in (np.s_[:], np.s_[1:], np.s_[5:], np.s_[2:2], np.s_[::-1], np.s_[:,])},
    "integers": lambda n: np.array([0, 1]),
    "no integers": lambda n: np.array([], int),
    "matrix": lambda n: np.array([[0, 1], [1, 0]]),
    "all": lambda n: np.ones(n, bool),
    "none": lambda n: np.zeros(n, bool),
    "too many": lambda n: np.ones(n + 1, bool),
    "every other": lambda n: np.arange(n) % 2 == 0,
    "list of booleans": lambda n: [True] * n,
}
VALUES = {
    "1.0": lambda x: 1.0,
    "number": lambda x: x[0],
    "one": lambda x: x[:1],
    "empty": lambda x: x[:0],
    "two": lambda x: x[:2],
    "five": lambda x: x,
    "0-d": lambda x: x[:1].reshape(()),
    "list": lambda x: [x[0], x[1]],
    "plain list": lambda x: [1, 2.5],
    "[]": lambda x: [],
    "matrix": lambda x: x[:4].reshape(2, 2),
    "plain": lambda x: np.ones(2),
    "plain, empty": lambda x: np.ones(0),
}


def outcome(run):
    try:
        return run().tolist()
    except (IndexError, ValueError) as error:
        return type(error)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("index", INDICES)
@pytest.mark.parametrize("array", ARRAYS)
def test_flat(array, index):
    for name, value in VALUES.items():

        def f(x, value=value):
            a = ARRAYS[array](x)
            a.flat[INDICES[index](np.size(a))] = value(x)
            return a

        plain = outcome(lambda f=f: f(X.copy()))
        assert outcome(lambda f=f: vjp(f, X)[0]) == plain, name
        assert outcome(lambda f=f: jvp(f, (X,), (X,))[0]) == plain, name
        assert outcome(lambda f=f: record(f, X)(X)[0]) == plain, name


def test_the_derivative_goes_where_the_elements_went():
    def f(x):
        y = x[:4].reshape(2, 2).T * 1.0
        y.flat[[0, 1, 0]] = x[2:] * 2
        return np.sum(y * np.array([[1.0, 10.0], [100.0, 1000.0]]))

    assert grad(f)(X).tolist() == [0, 100, 0, 1020, 2]


def test_a_recording_finds_its_places_anew():
    def f(x):
        y = x * 1.0
        y.flat[np.argsort(x)[:2]] = x[2:4]
        return y

    assert record(f, X)(X[::-1].copy())[0].tolist() == f(X[::-1].copy()).tolist()


def test_flat_of_a_derivative_at_an_array_of_no_axis_writes_into_it():
    def written(x):
        derivative = grad(lambda z: z * z)(x[...])
        before = 1.0 * derivative
        derivative.flat = 0.5
        return before + derivative

    for x in (np.float64(1.0), np.array(1.0)):
        assert written(x) == 2.5
        assert (
            jvp(written, (x,), (x,)) == (2.5, 2.0) and vjp(written, x)[0] == 2.5 and vjp(written, x)[1](1.0) == (2.0,)
        )


def test_flat_of_a_view_of_a_number_is_a_copy():
    def written(x):
        v = x.view()
        v.flat[0] = 3 * x
        v **= x[x > 0]
        return v

    x = np.float64(2.0)
    np.testing.assert_array_equal(jvp(written, (x,), (x,))[0], written(x))
    np.testing.assert_allclose(jvp(written, (x,), (1.0,))[1], [4 * (np.log(2) + 1)], rtol=1e-14)
