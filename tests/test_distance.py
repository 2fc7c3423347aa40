"""``scratch_ad.scipy.spatial.distance``: one formula for vectors and for all pairs, and what is refused."""

import numpy as np
import pytest
import scipy.optimize
import scipy.spatial.distance

from scratch_ad import grad, hessian, jacfwd, jacrev, jvp, value_and_grad, vmap
from scratch_ad.scipy.spatial import distance

RNG = np.random.default_rng(0)
A, B, W = RNG.uniform(0.2, 2, (4, 3)), RNG.uniform(0.2, 2, (2, 3)), RNG.uniform(0.5, 2, 3)
OPTIONS = {"seuclidean": {"V": W}, "mahalanobis": {"VI": np.diag(W) + 0.2}, "minkowski": {"p": 2.5}}


@pytest.mark.parametrize("metric", distance.METRICS)
def test_all_pairs_are_each_pair(metric):
    """cdist, pdist and the function of two vectors: the values are SciPy's to the bit, the slopes each other's."""
    options, of_two = OPTIONS.get(metric, {}), getattr(distance, metric)
    of_pairs = lambda a: distance.cdist(a, B, metric, **options)
    value, slopes = of_pairs(A), jacrev(of_pairs)(A)
    np.testing.assert_array_equal(jvp(of_pairs, (A,), (A,))[0], scipy.spatial.distance.cdist(A, B, metric, **options))
    for i, j in np.ndindex(value.shape):
        one = grad(lambda u, v: of_two(u, v, **options))(A[i], B[j])
        np.testing.assert_allclose(slopes[i, j, i], one, rtol=1e-10, atol=1e-15)
    of_set = lambda a: distance.pdist(a, metric, **options)
    np.testing.assert_array_equal(jvp(of_set, (A,), (A,))[0], scipy.spatial.distance.pdist(A, metric, **options))
    whole = jacfwd(lambda a: distance.squareform(distance.cdist(a, a, metric, **options), checks=False))(A)
    np.testing.assert_allclose(jacfwd(of_set)(A), whole, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("metric", distance.METRICS)
def test_a_distance_of_zero_has_slope_zero(metric):
    options = OPTIONS.get(metric, {})
    slopes = jacrev(lambda a: distance.cdist(a, A, metric, **options))(A)
    atol = 1e-15 if metric in ("cosine", "correlation") else 0  # which have a minimum there, up to rounding
    for i in range(len(A)):
        np.testing.assert_allclose(slopes[i, i, i], 0, atol=atol)


def test_tiny_distances_have_slopes_of_their_own():
    np.testing.assert_allclose(grad(distance.euclidean)(np.array([3e-200, 4e-200]), np.zeros(2)), [0.6, 0.8])
    assert grad(distance.canberra)(np.zeros(2), np.zeros(2)).tolist() == [0, 0]


def test_metrics_of_the_users_own_and_options_in_a_batch():
    own = lambda u, v: np.sum(np.tanh(u - v) ** 2)
    np.testing.assert_array_equal(jvp(lambda a: distance.cdist(a, B, own), (A,), (A,))[0], distance.cdist(A, B, own))
    np.testing.assert_allclose(grad(lambda a: distance.cdist(a, B, own)[0, 1])(A)[0], grad(own)(A[0], B[1]))
    by = lambda w: distance.cdist(A, B, "seuclidean", V=w)
    np.testing.assert_allclose(vmap(by)(np.stack([W, 2 * W])), np.stack([by(W), by(2 * W)]), rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: distance.cdist(x, B, "hamming"), "is piecewise constant: its derivative is 0"),
        (lambda x: distance.pdist(x, "jaccard"), "metric jaccard is piecewise constant: its derivative is 0"),
        (lambda x: distance.euclidean(x[0] + 0j, B[0]), "distances are differentiated of real numbers"),
        (lambda x: distance.directed_hausdorff(x, B), r"np.max\(np.min\(cdist"),
    ],
)
def test_what_is_refused_says_why(call, words):
    for run in (lambda: grad(lambda x: np.sum(call(x)))(A), lambda: jvp(call, (A,), (A,))):
        with pytest.raises(NotImplementedError, match=words):
            run()


def test_a_gaussian_process_by_its_marginal_likelihood():
    """Amplitude, length and noise by their gradient: C. E. Rasmussen, C. K. I. Williams (2006), equation 5.9."""
    x = np.sort(RNG.uniform(0, 6, 40))[:, None]
    y = np.sin(1.5 * x[:, 0]) + 0.1 * RNG.normal(size=40)

    def kernel(theta):
        amplitude, length, noise = np.exp(theta)
        squares = distance.cdist(x / length, x / length, "sqeuclidean")
        return amplitude**2 * np.exp(-squares / 2) + noise**2 * np.eye(len(x))

    def loss(theta):
        k = kernel(theta)
        return 0.5 * (y @ np.linalg.solve(k, y) + np.linalg.slogdet(k)[1])

    theta = np.array([0.1, -0.3, -1.5])
    inverse, slopes = np.linalg.inv(kernel(theta)), jacfwd(kernel)(theta)
    alpha = inverse @ y
    expected = [-0.5 * np.sum((np.outer(alpha, alpha) - inverse) * slopes[..., i]) for i in range(3)]
    np.testing.assert_allclose(grad(loss)(theta), expected, rtol=1e-8)
    found = scipy.optimize.minimize(value_and_grad(loss), theta, jac=True, method="BFGS", options={"gtol": 1e-7})
    assert 0.06 < np.exp(found.x[2]) < 0.15 and np.linalg.eigvalsh(hessian(loss)(found.x)).min() > 0


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "minkowski", "canberra", "braycurtis", "sqeuclidean"])
@pytest.mark.parametrize("dtype", [np.uint8, int, np.float32])
def test_in_a_batch_vectors_of_any_type_are_at_scipys_distances(metric, dtype):
    u, v = (5 * A).astype(dtype), (3 * B[0] + 4).astype(dtype)
    expected = np.stack([getattr(scipy.spatial.distance, metric)(x, v) for x in u])
    found = vmap(lambda x: getattr(distance, metric)(x, v))(u)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("p", [2, 4])
def test_second_derivatives_where_a_component_is_the_same(p):
    """With weights they were 0 there, in silence."""
    u, v, w = np.array([1.0, 1.0, 2.0]), np.array([3.0, 1.0, 2.0]), np.array([0.5, 2.0, 3.0])
    f = lambda u: distance.minkowski(u, v, p, w) ** p
    np.testing.assert_allclose(hessian(f)(u), np.diag(p * (p - 1) * w * (u - v) ** (p - 2)), atol=1e-12)
    if p == 2:
        f = lambda u: distance.seuclidean(u, v, 1 / w) ** 2
        np.testing.assert_allclose(hessian(f)(u), 2 * np.diag(w), atol=1e-12)
