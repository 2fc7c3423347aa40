"""``scratch_ad.scipy.ndimage``: linear in the image in each mode beyond the edges, places and widths, and refusals."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.optimize

from scratch_ad import compile, grad, jvp, value_and_grad, vjp, vmap
from scratch_ad.registry import rule_of
from scratch_ad.scipy import ndimage

RNG = np.random.default_rng(0)
IMAGE, ALONG, G, WEIGHTS = RNG.normal(size=(5, 7)), RNG.normal(size=(5, 7)), RNG.normal(size=(5, 7)), RNG.normal(size=9)
PLACES = RNG.uniform(-9, 12, (2, 5, 7))  # most of them beyond the edges
MODES = ["reflect", "grid-mirror", "constant", "grid-constant", "nearest", "mirror", "grid-wrap", "wrap"]
LINEAR = {
    "correlate": lambda f, x, mode: f(x, WEIGHTS[:6].reshape(3, 2), mode=mode, origin=(1, -1)),
    "convolve": lambda f, x, mode: f(x, WEIGHTS[:6].reshape(3, 2), mode=mode, origin=(-1, 0)),
    "correlate1d": lambda f, x, mode: f(x, WEIGHTS, 0, mode=mode),
    "convolve1d": lambda f, x, mode: f(x, WEIGHTS[:8], mode=mode, origin=2),
    "gaussian_filter": lambda f, x, mode: f(x, (1.3, 0.8), (0, 1), mode=mode),
    "gaussian_laplace": lambda f, x, mode: f(x, 1.1, mode=mode),
    "uniform_filter": lambda f, x, mode: f(x, (3, 4), mode=mode),
    "sobel": lambda f, x, mode: f(x, 0, mode=mode),
    "prewitt": lambda f, x, mode: f(x, mode=mode),
    "laplace": lambda f, x, mode: f(x, mode=mode),
    "spline_filter": lambda f, x, mode: f(x, 5, mode=mode),
    "map_coordinates": lambda f, x, mode: f(x, PLACES, mode=mode),
    "shift": lambda f, x, mode: f(x, (1.7, -9.3), order=4, mode=mode),
    "zoom": lambda f, x, mode: f(x, (1.0, 0.97), order=2, mode=mode),
    "affine_transform": lambda f, x, mode: f(x, [[0.9, 0.3], [-0.2, 1.1]], (0.1, -1.2), mode=mode),
    "rotate": lambda f, x, mode: f(x, 33.0, reshape=False, mode=mode),
}


@pytest.mark.parametrize("mode", MODES)
def test_what_is_linear_is_its_own_derivative(mode):
    """Forward it is SciPy's function of the tangent, and reverse the transpose of that."""
    for name, call in LINEAR.items():
        ours = lambda x, name=name, call=call: call(getattr(ndimage, name), x, mode)
        theirs = lambda x, name=name, call=call: call(getattr(scipy.ndimage, name), x, mode)
        value, along = jvp(ours, (IMAGE,), (ALONG,))
        np.testing.assert_array_equal(value, theirs(IMAGE), err_msg=name)
        np.testing.assert_allclose(along, theirs(ALONG), rtol=0, atol=1e-12, err_msg=name)
        (cotangent,) = vjp(ours, IMAGE)[1](G)
        np.testing.assert_allclose(np.sum(cotangent * ALONG), np.sum(G * along), rtol=1e-11, err_msg=name)


def central_difference(f, x, t, h=1e-6):
    return (f(x + h * t) - f(x - h * t)) / (2 * h)


def slopes_as_by_differences(f, x):
    """The value is SciPy's to the bit; forward mode agrees with a central difference, reverse mode with that."""
    ours, theirs, t, h = (lambda x: f(ndimage, x)), (lambda x: f(scipy.ndimage, x)), RNG.normal(size=x.shape), 1e-6
    value, along = jvp(ours, (x,), (t,))
    np.testing.assert_array_equal(value, theirs(x))
    np.testing.assert_allclose(along, (theirs(x + h * t) - theirs(x - h * t)) / (2 * h), rtol=1e-6, atol=2e-7)
    (cotangent,) = vjp(ours, x)[1](along)
    np.testing.assert_allclose(np.sum(cotangent * t), np.sum(along**2), rtol=1e-10, atol=1e-25)


@pytest.mark.parametrize("mode", MODES)
def test_coordinates_weights_and_values_beyond(mode):
    for f, x in (
        (lambda m, x: m.map_coordinates(IMAGE, x, order=3, mode=mode, cval=0.7), PLACES),
        (lambda m, x: m.affine_transform(IMAGE, x, (0.13, 0.41), order=2, mode=mode), np.array([1.031, 0.873])),
        (lambda m, x: m.rotate(np.stack([IMAGE, G]), x, (1, 2), reshape=False, mode=mode), np.array(31.7)),
        (lambda m, x: m.correlate1d(IMAGE, x, mode=mode), WEIGHTS),
        (lambda m, x: m.gaussian_filter(IMAGE, x, order=3, mode=mode), np.array(0.9)),
        (lambda m, x: m.convolve(IMAGE, WEIGHTS.reshape(3, 3), mode=mode, cval=x), np.array(0.4)),
    ):
        slopes_as_by_differences(f, x)


def test_a_width_may_be_that_of_another_kernel_in_a_compiled_program():
    of_width = grad(lambda s: np.sum(ndimage.gaussian_filter(IMAGE, s) ** 2))
    compiled = compile(of_width)
    assert [compiled(s) for s in (0.8, 0.81, 0.82, 1.9, 0.8)] == [of_width(s) for s in (0.8, 0.81, 0.82, 1.9, 0.8)]


@pytest.mark.parametrize("call", [lambda m, z, w: m.correlate1d(z, w[0]), lambda m, z, w: m.convolve(z, w)])
def test_complex_images_and_weights(call):
    z, w = IMAGE + 1j * G, (WEIGHTS[:6] + 1j * WEIGHTS[3:]).reshape(2, 3)
    value, along = jvp(lambda w: call(ndimage, z, w), (w,), (w,))
    np.testing.assert_array_equal(value, call(scipy.ndimage, z, w))
    np.testing.assert_allclose(along, value, rtol=1e-12)


def test_equal_extrema_of_a_window_share_the_slope():
    g = grad(lambda x: np.sum(ndimage.maximum_filter(x, (1, 7), mode="constant", cval=-9.0)[:, 3]))(np.ones((2, 7)))
    np.testing.assert_allclose(g, 1 / 7)


def test_every_name_of_scipys_has_an_answer():
    assert [name for name in scipy.ndimage.__all__ if getattr(ndimage, name) not in rule_of] == []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: ndimage.sobel(x, output=np.zeros((5, 7))), "has a derivative without output=: use what it returns"),
        (lambda x: ndimage.maximum_filter(x, footprint=np.eye(3)), "for windows that are boxes: give it size"),
        (lambda x: ndimage.geometric_transform(x, lambda place: place), "use map_coordinates"),
        (lambda x: ndimage.median_filter(x, 3), "no rule so far"),
        (lambda x: ndimage.generic_filter(x, np.mean, 3), "sliding_window_view"),
    ],
)
def test_what_is_refused_says_why(call, words):
    for run in (lambda: grad(lambda x: np.sum(call(x)))(IMAGE), lambda: jvp(call, (IMAGE,), (IMAGE,))):
        with pytest.raises(NotImplementedError, match=words):
            run()


def test_a_deconvolution():
    """An image that is nowhere negative, seen through a lens; and how wide the lens is, from a known image."""
    truth = np.zeros((9, 9))
    truth[2:5, 3:7], truth[7, 1:3] = 1.0, 2.0
    seen = scipy.ndimage.gaussian_filter(truth, 1.0)
    misfit = lambda image, width: np.sum((ndimage.gaussian_filter(image, width) - seen) ** 2)
    start, options = seen.ravel(), {"jac": True, "method": "L-BFGS-B", "options": {"ftol": 0, "gtol": 1e-9}}
    of_image = value_and_grad(lambda v: misfit(v.reshape(truth.shape), 1.0))
    found = scipy.optimize.minimize(of_image, start, bounds=[(0, None)] * truth.size, **options)
    assert np.linalg.norm(found.x - truth.ravel()) < 0.3 * np.linalg.norm(seen - truth)
    of_width = value_and_grad(lambda log: misfit(truth, np.exp(log[0])))
    np.testing.assert_allclose(scipy.optimize.minimize(of_width, [0.4], **options).x, 0, atol=1e-5)


@pytest.mark.parametrize("name", ["laplace", "gaussian_laplace", "gaussian_gradient_magnitude"])
def test_along_no_axis_an_image_is_itself(name):
    """As SciPy has it: a single number, or ``axes=()``."""
    sigma = (1.0,) * name.startswith("gaussian")
    for image, axes in ((np.float64(-3.0), None), (IMAGE, ())):
        f = lambda x, axes=axes: getattr(ndimage, name)(x, *sigma, axes=axes)
        value, t = jvp(f, (image,), (2 * image,))
        np.testing.assert_array_equal(value, getattr(scipy.ndimage, name)(image, *sigma, axes=axes))
        np.testing.assert_array_equal(t, 2 * image)
        np.testing.assert_array_equal(vjp(f, image)[1](image)[0], image)


@pytest.mark.parametrize("dtype", [bool, np.uint8, int, np.float32, complex, np.complex64])
@pytest.mark.parametrize("name", [*LINEAR, "gaussian_gradient_magnitude", "maximum_filter"])
def test_a_batch_of_images_of_any_type_is_rounded_as_scipys(name, dtype):
    images = np.stack([40 * IMAGE, 40 * G])
    kind = np.dtype(dtype).kind
    images = (images * (1 + 0.5j) if kind == "c" else np.abs(images) if kind in "bu" else images).astype(dtype)
    more = {"gaussian_gradient_magnitude": (1.0,), "maximum_filter": (3,)}
    call = LINEAR.get(name) or (lambda f, x, mode: f(x, *more[name], mode=mode))
    if kind == "c" and name in ("maximum_filter", "spline_filter"):
        pytest.skip("it takes no complex images, or warns of them")
    expected = np.stack([call(getattr(scipy.ndimage, name), x, "nearest") for x in images])
    found = vmap(lambda x: call(getattr(ndimage, name), x, "nearest"))(images)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-12 if dtype is complex else 0)


def test_an_image_of_integers_moves_in_steps():
    """SciPy rounds what it gives to the type of the image."""
    image, shifts = np.array([[0, 1, 4], [9, 8, 2], [7, 5, 3]]), np.array([0.3, 0.6])
    f = lambda s: np.sum(1.0 * ndimage.shift(image, s))
    np.testing.assert_array_equal(vmap(f)(shifts), [f(s) for s in shifts])
    assert jvp(f, (0.3,), (1.0,))[1] == grad(f)(0.3) == 0
    np.testing.assert_array_equal(vmap(grad(f))(shifts), 0)
    assert jvp(lambda s: np.sum(ndimage.shift(image * 1.0, s)), (0.3,), (1.0,))[1] != 0


def test_in_a_batch_places_of_single_precision_are_read_as_scipys():
    places = np.array([[1.2, 2.3], [1.1, 3.2]], np.float32)
    expected = np.stack([scipy.ndimage.map_coordinates(x, places) for x in (IMAGE, G)])
    found = vmap(lambda x: ndimage.map_coordinates(x, places))(np.stack([IMAGE, G]))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_slopes_of_a_complex_image_are_squared_as_they_are():
    z, t, h = IMAGE + 1j * G, ALONG * (1 - 0.5j), 1e-6
    theirs = lambda z: scipy.ndimage.gaussian_gradient_magnitude(z, 1.0)
    value, along = jvp(lambda z: ndimage.gaussian_gradient_magnitude(z, 1.0), (z,), (t,))
    np.testing.assert_array_equal(value, theirs(z))
    np.testing.assert_allclose(along, (theirs(z + h * t) - theirs(z - h * t)) / (2 * h), rtol=1e-6, atol=1e-7)
    ours = lambda x: np.sum(np.abs(ndimage.gaussian_gradient_magnitude(x + 1j * G, 1.0)))
    np.testing.assert_allclose(np.sum(grad(ours)(IMAGE) * ALONG), jvp(ours, (IMAGE,), (ALONG,))[1], rtol=1e-10)
