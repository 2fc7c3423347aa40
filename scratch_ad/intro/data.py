"""The mock data of the classification problem."""

import numpy as np


def get_mock_training_set(input_dims=3, output_dims=2, samples=1000, rng=None):
    """Points in a cube, and for each of its first ``output_dims`` axes the side of the origin they lie on.

    Returns ``x`` of shape (input_dims, samples), uniform in [−1, 1) with normal noise of standard deviation 0.05 added,
    and ``y`` of shape (output_dims, samples), the sign ±1 of x before the noise: points near a border may carry
    the wrong label. ``rng`` is a NumPy Generator or a seed for one.
    Raises NotImplementedError for fewer inputs than outputs.
    """
    if input_dims < output_dims:
        raise NotImplementedError("We only do `input_dims >= output_dims` for this mock data.")
    rng = np.random.default_rng(rng)
    x = rng.uniform(-1, 1, size=(input_dims, samples))
    y = np.where(x[:output_dims] > 0, 1.0, -1.0)
    return x + rng.normal(scale=0.05, size=x.shape), y
