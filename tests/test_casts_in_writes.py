"""Writers take the dtypes that NumPy's take, as each of them casts, and refuse the others by the same error."""

import re
import warnings

import numpy as np
import pytest

from scratch_ad import grad, jvp, record, vjp

MASK = np.array([True, False, True])
WRITERS = {
    "a[...] = v": lambda a, v: a.__setitem__(..., v),
    "a[0] = v[0]": lambda a, v: a.__setitem__(0, v[0]),
    "a[[0, 2]] = v[:2]": lambda a, v: a.__setitem__([0, 2], v[:2]),
    "a[mask] = v[mask]": lambda a, v: a.__setitem__(MASK, v[MASK]),
    "a += v": lambda a, v: a.__iadd__(v),
    "a **= v": lambda a, v: a.__ipow__(v),
    "a += v[0]": lambda a, v: a.__iadd__(v[0]),
    "a /= v": lambda a, v: a.__itruediv__(v),
    "a.fill": lambda a, v: a.fill(v[0]),
    "a.put": lambda a, v: a.put([0, 2], v),
    "a.flat[:]": lambda a, v: a.flat.__setitem__(slice(None), v),
    "a.flat[1]": lambda a, v: a.flat.__setitem__(1, v[1]),
    "a.flat = v": lambda a, v: setattr(a, "flat", v),
    "put": lambda a, v: np.put(a, [0, 2], v),
    "put of one": lambda a, v: np.put(a, 1, v[1]),
    "put, clipped": lambda a, v: np.put(a, [0, 7], v, mode="clip"),
    "place": lambda a, v: np.place(a, MASK, v),
    "place of one": lambda a, v: np.place(a, MASK, v[0]),
    "putmask": lambda a, v: np.putmask(a, MASK, v),
    "copyto": np.copyto,
    "copyto of one": lambda a, v: np.copyto(a, v[1]),
    "copyto where": lambda a, v: np.copyto(a, v, where=MASK),
    "copyto no": lambda a, v: np.copyto(a, v, casting="no"),
    "copyto safe": lambda a, v: np.copyto(a, v, casting="safe"),
    "copyto unsafe": lambda a, v: np.copyto(a, v, casting="unsafe"),
    "put_along_axis": lambda a, v: np.put_along_axis(a, np.array([2, 0, 1]), v, 0),
    "put_along_axis of all": lambda a, v: np.put_along_axis(a, np.array([2, 0, 1]), v, None),
    "fill_diagonal": lambda a, v: np.fill_diagonal(a.reshape(1, 3)[:, :1], v),
    "add.at": lambda a, v: np.add.at(a, [0, 2, 0], v),
    "add.at of a list": lambda a, v: np.add.at(a, [0, 2], [v[0], 1.0]),
    "add.at of numbers": lambda a, v: np.add.at(a, [0, 2], [0.1, 0.2]),
    "add.at of Python's": lambda a, v: np.add.at(a, [0, 2], 0.1),
    "add.at of one": lambda a, v: np.add.at(a, [0, 2, 0], v[1]),
    "multiply.at": lambda a, v: np.multiply.at(a, MASK, v[MASK]),
    "divide.at": lambda a, v: np.divide.at(a, [0], v[:1]),
    "power.at": lambda a, v: np.power.at(a, [0, 1], v[:2]),
    "maximum.at": lambda a, v: np.maximum.at(a, [0, 1], v[:2]),
    "add out": lambda a, v: np.add(v, v, out=a),
    "add out of one": lambda a, v: np.add(v[0], 1.0, out=a),
    "multiply out where": lambda a, v: np.multiply(v, v, out=a, where=MASK),
    "add out unsafe": lambda a, v: np.add(v, v, out=a, casting="unsafe"),
    "add out safe": lambda a, v: np.add(v, v, out=a, casting="safe"),
    "sqrt out": lambda a, v: np.sqrt(v, out=a),
    "abs out": lambda a, v: np.absolute(v, out=a),
    "accumulate out": lambda a, v: np.add.accumulate(v, out=a),
    "cumsum out": lambda a, v: np.cumsum(v, out=a),
    "sum out": lambda a, v: np.sum(np.stack([v, v]), 0, out=a),
    "prod out": lambda a, v: np.prod(np.stack([v, v]), 0, out=a),
    "max out": lambda a, v: np.max(np.stack([v, v]), 0, out=a),
    "mean out": lambda a, v: np.mean(np.stack([v, v]), 0, out=a),
    "clip out": lambda a, v: np.clip(v, 0, 1, out=a),
    "take out": lambda a, v: np.take(v, [0, 1, 0], out=a),
    "take out clipped": lambda a, v: np.take(v, [0, 1, 0], out=a, mode="clip"),
    "compress out": lambda a, v: np.compress([True] * 3, v, out=a),
    "choose out": lambda a, v: np.choose([0, 0, 0], [v], out=a),
    "dot out": lambda a, v: np.dot(np.eye(3, dtype=v.dtype), v, out=a),
    "matmul out": lambda a, v: np.matmul(np.eye(3, dtype=v.dtype), v, out=a),
    "einsum out": lambda a, v: np.einsum("i,i->i", v, v, out=a),
    "concatenate out": lambda a, v: np.concatenate([v], out=a),
    "concatenate out unsafe": lambda a, v: np.concatenate([v], out=a, casting="unsafe"),
    "stack out": lambda a, v: np.stack([v[0], v[1], v[2]], out=a),
    "round out": lambda a, v: np.round(v, out=a),
}
TARGETS = ["float16", "float32", "float64", "complex64", "complex128"]
DTYPES = [*TARGETS, "int32", "bool"]
X = np.array([0.75, 1.5, 2.25])
ARRAYS = {"tracer": lambda x, dtype: (x * 1.0).astype(dtype), "cell": lambda x, dtype: np.ones(3, dtype, like=x)}
REFUSED = r"np\.mean\(…, out=arr\) computes partly in the dtype of arr"  # and said so in the README


def outcome(run):
    """What a run gives, its dtype included, or which of NumPy's errors it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            y = run()
        except (TypeError, ValueError, IndexError) as error:
            return next(kind for kind in (TypeError, ValueError, IndexError) if isinstance(error, kind)), str(error)
    return y.dtype, str(y.tolist())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("name", WRITERS)
def test_a_value_of_another_dtype(name, kind, target):
    for given in DTYPES:
        for of_value in (True, False):

            def run(x, given=given, of_value=of_value):
                a = ARRAYS[kind](x, target)
                WRITERS[name](a, (x if of_value else X).astype(given))
                return a

            plain = outcome(lambda run=run: run(X))
            for way in (
                lambda run=run: vjp(run, X)[0],
                lambda run=run: jvp(run, (X,), (X,))[0],
                lambda run=run: record(run, X)(X)[0],
            ):
                got = outcome(way)
                if not re.match(REFUSED, got[1]):
                    assert got == plain or (isinstance(got[0], type) and got[0] is plain[0]), (given, of_value)


def test_some_are_refused_and_some_are_not():
    x = X.astype("float32")
    with pytest.raises(TypeError, match=r"from dtype\('float64'\) to dtype\('float32'\) according to the rule 'safe'"):
        vjp(lambda x: np.place(x * 1, MASK, X), x)
    with pytest.raises(TypeError, match=r"according to the rule 'safe'"):
        vjp(lambda x: np.putmask(x, MASK, X), x)
    with pytest.raises(ValueError, match="output array is not acceptable"):
        vjp(lambda x: np.dot(np.eye(3), x, out=np.zeros(3, "float32", like=x)), x)
    assert vjp(lambda x: np.place(x, MASK, 0.1) or x, x)[0].tolist() == np.float32([0.1, 1.5, 0.1]).tolist()


def test_a_complex_sum_into_a_real_array_keeps_its_real_part():
    z = np.array([0.5 + 1j, 2 - 3j, 1j])

    def f(z):
        out = np.zeros((), like=z)
        np.prod(z, out=out)
        return out

    with pytest.warns(np.exceptions.ComplexWarning):
        assert jvp(f, (z,), (np.ones_like(z),))[0] == np.prod(z).real
        expected = grad(lambda z: np.real(np.prod(z)))(z)
        np.testing.assert_allclose(grad(f)(z), expected, rtol=1e-14)
