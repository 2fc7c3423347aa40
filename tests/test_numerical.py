import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scratch_ad.numerical import numerical_gradient, numerical_jacobian

jax.config.update("jax_enable_x64", True)

schemes = ["forward", "central", "complex"]
orders = {"forward": 1 / 2, "central": 2 / 3, "complex": 1}  # the error is about ε to this power


def field(xp):
    """A function R^(2,3) → R^4, and others like it, in NumPy or jax.numpy."""
    return lambda x: xp.stack([xp.sum(xp.sin(x)), x[0, 1] * x[1, 2], xp.exp(x[1, 0]), xp.sum(x[0] * x[1])])


def scalar(xp):
    return lambda x: xp.sum(xp.tanh(x) * x**2 + xp.exp(-x))


class Counted:
    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, x):
        self.calls += 1
        return self.function(x)


@pytest.mark.parametrize("scheme", schemes)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (2, 1, 2)])
def test_gradient_is_as_exact_as_the_scheme_allows(scheme, dtype, shape):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    gradient = numerical_gradient(x, scalar(np), scheme=scheme)
    exact = 2 * x * np.tanh(x) + x**2 / np.cosh(x) ** 2 - np.exp(-x)
    assert gradient.shape == shape and gradient.dtype == dtype
    magnitude = max(1, np.sum(np.abs(np.tanh(x) * x**2) + np.exp(-x)))
    np.testing.assert_allclose(gradient, exact, rtol=0, atol=8 * magnitude * np.finfo(dtype).eps ** orders[scheme])


@pytest.mark.parametrize("scheme", schemes)
def test_jacobian_agrees_with_jax(scheme):
    x = np.random.default_rng(1).normal(size=(2, 3))
    jacobian = numerical_jacobian(x, field(np), scheme=scheme)
    assert jacobian.shape == (4, 2, 3) and jacobian.dtype == np.float64
    tolerance = 8 * np.finfo(float).eps ** orders[scheme]
    np.testing.assert_allclose(jacobian, jax.jacfwd(field(jnp))(x), rtol=tolerance, atol=tolerance)


def test_jacobian_of_a_complex_function():
    x = np.array([0.3, -1.2])
    jacobian = numerical_jacobian(x, lambda x: np.exp(1j * x), scheme="central")
    np.testing.assert_allclose(jacobian, np.diag(1j * np.exp(1j * x)), atol=1e-9)
    with pytest.raises(TypeError, match="real-valued outputs"):
        numerical_gradient(x, lambda x: np.sum(np.exp(1j * x)))


@pytest.mark.parametrize("scheme, evaluations", [("forward", 7), ("central", 12), ("complex", 6)])
@pytest.mark.parametrize("derivative", [numerical_gradient, numerical_jacobian])
def test_number_of_evaluations(derivative, scheme, evaluations):
    function = Counted(scalar(np))
    derivative(np.ones((2, 3)), function, scheme=scheme)
    assert function.calls == evaluations


@pytest.mark.parametrize("scheme", schemes)
def test_python_numbers_zero_dimensions_and_views(scheme):
    for x in (0.5, np.float32(0.5), np.array(0.5)):
        gradient = numerical_gradient(x, np.sin, scheme=scheme)
        assert gradient.shape == () and gradient.dtype == np.asarray(x).dtype
        assert abs(gradient - np.cos(0.5)) < 1e-3
    x = np.random.default_rng(2).normal(size=(6, 4))
    part = numerical_gradient(x[::2, ::-1], scalar(np), scheme=scheme)
    np.testing.assert_array_equal(part, numerical_gradient(x[::2, ::-1].copy(), scalar(np), scheme=scheme))
    np.testing.assert_array_equal(numerical_gradient([0.5, 1.5], np.sum, 0.5, scheme), [1, 1])


@pytest.mark.parametrize("scheme, evaluations", [("forward", 1), ("central", 1), ("complex", 1)])
def test_empty_parameters(scheme, evaluations):
    function = Counted(lambda x: np.stack([np.sum(x), np.sum(x * x)]))
    assert numerical_jacobian(np.zeros((0, 3)), function, scheme=scheme).shape == (2, 0, 3)
    assert function.calls == evaluations
    assert numerical_gradient(np.zeros((0, 3)), np.sum, scheme=scheme).shape == (0, 3)


@pytest.mark.parametrize("scheme", schemes)
def test_parameters_stay_as_they_are(scheme):
    def function(x):
        y = np.sum(x * x)
        x[...] = 7  # an ill-behaved function
        return y

    x = np.array([0.5, 1.5, -2.0])
    gradient = numerical_gradient(x, function, scheme=scheme)
    np.testing.assert_array_equal(x, [0.5, 1.5, -2.0])
    np.testing.assert_allclose(gradient, 2 * x, rtol=1e-6)


@pytest.mark.parametrize("scheme", schemes)
def test_one_element_is_moved_at_a_time(scheme):
    x, seen = np.array([[1.0, 2.0], [3.0, 4.0]]), []

    def function(x):
        seen.append(x)
        return np.sum(x)

    numerical_gradient(x, function, scheme=scheme)
    moved = [np.flatnonzero(y != x).tolist() for y in seen]
    expected = {
        "forward": [[], [0], [1], [2], [3]],
        "central": [[0], [0], [1], [1], [2], [2], [3], [3]],
        "complex": [[0], [1], [2], [3]],
    }
    assert moved == expected[scheme]


@pytest.mark.parametrize("scheme", ["forward", "central"])
def test_quotients_divide_by_the_step_that_was_made(scheme):
    x = np.array([1.1, 1e5 / 3, -7.7e-3])
    for h in (None, 1e-7 / 3):
        jacobian = numerical_jacobian(x, lambda x: x, h, scheme)
        np.testing.assert_array_equal(jacobian, np.eye(3))


@pytest.mark.parametrize("scheme, ratio", [("forward", 2), ("central", 4)])
def test_order_of_the_error(scheme, ratio):
    errors = [abs(numerical_gradient(0.7, np.exp, h, scheme) - np.exp(0.7)) for h in (2e-2, 1e-2)]
    assert errors[0] / errors[1] == pytest.approx(ratio, rel=0.01)


def test_steps_scale_with_the_parameters():
    x = np.array([1e8, 1e-3])
    jacobian = numerical_jacobian(x, lambda x: np.log(x) * x, scheme="central")
    np.testing.assert_allclose(jacobian, np.diag(np.log(x) + 1), rtol=1e-5)
    x, h = np.array([1e6, 0.5]), np.array([1.0, 2.0**-20])  # quotients of squares, exact because the squares are
    np.testing.assert_array_equal(numerical_jacobian(x, np.square, h), np.diag(2 * x + h))


def test_complex_step_can_be_tiny():
    function = lambda x: np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3)  # Squire and Trapp's example
    gradient = numerical_gradient(0.7, function, 1e-200, "complex")
    s, c = np.sin(0.7), np.cos(0.7)
    exact = np.exp(0.7) * (s**3 + c**3) ** -0.5 * (1 - 1.5 * (s**2 * c - c**2 * s) / (s**3 + c**3))
    assert gradient == pytest.approx(exact, rel=4e-16)


@pytest.mark.parametrize("scheme", schemes)
@pytest.mark.parametrize("x", [np.arange(3), 2, True, np.ones(2, complex)])
def test_parameters_must_be_real(scheme, x):
    dtype = np.asarray(x).dtype
    for derivative in (numerical_gradient, numerical_jacobian):
        with pytest.raises(TypeError, match=rf"\({scheme} scheme\) requires real-valued inputs.*but got {dtype}"):
            derivative(x, np.sum, scheme=scheme)


@pytest.mark.parametrize("scheme", schemes)
def test_gradient_is_for_scalar_functions(scheme):
    with pytest.raises(TypeError, match=r"scalar-output functions. Output had shape: \(4,\)"):
        numerical_gradient(np.ones((2, 3)), field(np), scheme=scheme)
    with pytest.raises(TypeError, match=r"Output had shape: \(1,\)"):
        numerical_gradient(2.0, lambda x: np.reshape(x, (1,)), scheme=scheme)


def test_unknown_scheme_and_lost_step():
    with pytest.raises(ValueError, match="scheme must be one of 'forward', 'central', 'complex', but got 'backward'"):
        numerical_gradient(1.0, np.sin, scheme="backward")
    for scheme in ("forward", "central"):
        with pytest.raises(ValueError, match="step h = 1e-17 is lost in rounding"):
            numerical_gradient(3.5, np.sin, 1e-17, scheme)
    with pytest.raises(ValueError, match=r"step h = 0.0 is lost in rounding"):
        numerical_gradient(np.float32(3.5), np.sin, 1e-200, "complex")


def in_place(x):
    y = np.zeros(3)
    y[:] = x
    return np.sum(y)


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda x: np.sum(np.abs(x)), "returned float64 for complex128"),
        (lambda x: np.sum(np.real(x)), "returned float64 for complex128"),
        (lambda x: np.sum(np.floor(x)), "failed on complex128 .*floor"),
        (lambda x: np.sum(np.arctan2(x, 2.0)), "failed on complex128 .*arctan2"),
        (lambda x: np.sum(x.astype(float)), "failed on complex128 .*imaginary part"),
        (in_place, "failed on complex128 .*imaginary part"),
    ],
)
def test_complex_scheme_refuses_what_is_not_analytic(function, message):
    with pytest.raises(TypeError, match=f"complex scheme needs .*{message}.*; use the central scheme"):
        numerical_gradient(np.array([0.5, 1.5, 2.5]), function, scheme="complex")
