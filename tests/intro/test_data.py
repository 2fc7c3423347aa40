import numpy as np
import pytest

from scratch_ad.intro import get_mock_training_set


@pytest.mark.parametrize("input_dims, output_dims", [(1, 1), (2, 2), (3, 2), (5, 1)])
def test_shapes_and_labels(input_dims, output_dims):
    x, y = get_mock_training_set(input_dims, output_dims, samples=50, rng=0)
    assert x.shape == (input_dims, 50) and y.shape == (output_dims, 50)
    assert x.dtype == y.dtype == np.float64 and set(y.flat) == {-1, 1}


def test_defaults():
    x, y = get_mock_training_set()
    assert x.shape == (3, 1000) and y.shape == (2, 1000)


def test_labels_are_the_signs_before_the_noise():
    x, y = get_mock_training_set(2, 2, samples=100_000, rng=1)
    wrong = np.sign(x) != y
    assert 0.01 < wrong.mean() < 0.03  # P(noise beyond x) = 0.05·E|N(0,1)|/2 = 0.02 for x uniform in [0, 1]
    assert np.abs(x[wrong]).max() < 0.05 * 5
    # x is uniform in [−1, 1] plus noise: the variances add
    assert x.var() == pytest.approx(1 / 3 + 0.05**2, rel=0.01)
    assert (np.abs(x) > 1).any()


def test_generator_or_seed():
    for rng in (7, np.random.default_rng(7)):
        np.testing.assert_array_equal(get_mock_training_set(rng=rng)[0], get_mock_training_set(rng=7)[0])
    assert (get_mock_training_set()[0] != get_mock_training_set()[0]).any()


def test_fewer_inputs_than_outputs():
    with pytest.raises(NotImplementedError, match="input_dims >= output_dims"):
        get_mock_training_set(1, 2)
