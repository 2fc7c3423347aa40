"""Which functions loop over the examples of a batch, and why; ``python -m scratch_ad.batching.loops`` prints it.

By the names under which ``fallbacks`` counts them. What has no full name is what the rules call: a step of the function
that it is named after. Functions of users' own packages loop, too, unless they have a batching rule.
"""

LOOPS = {
    "how many numbers come out depends on the numbers": (
        *("np.unique", "np.unique_all", "np.unique_counts", "np.unique_inverse", "np.unique_values"),
        *("np.union1d", "np.intersect1d", "np.setdiff1d", "np.setxor1d", "np.isin", "np.nonzero", "getitem"),
        *("np.histogram", "np.histogram_bin_edges", "np.polydiv", "scipy.linalg.null_space", "null_space"),
    ),
    "the dtype of the result depends on the numbers": (
        *("np.real_if_close", "np.lib.scimath.sqrt", "np.lib.scimath.log2", "np.poly", "np.array_equal"),
        *("characteristic", "scipy.linalg.schur"),
    ),
    "it calls a function of the user's on the elements that a condition chooses": ("np.piecewise",),
    "zeros at either end of the coefficients are left out first": ("np.roots", "zeros_of"),
    "NumPy and SciPy solve one problem at a time, by steps that differ with the numbers": (
        *("np.linalg.lstsq", "scipy.linalg.lstsq", "least_squares", "np.polyfit", "quotient", "scipy.linalg.pinv"),
        *("scipy.linalg.solve_toeplitz", "toeplitz_solution", "scipy.linalg.solve_circulant", "scipy.linalg.rsf2csf"),
        *("scipy.linalg.solve_continuous_are", "solve_continuous_are", "scipy.linalg.solve_discrete_are"),
        *("solve_discrete_are", "first_eigenvalue", "scipy.linalg.fractional_matrix_power", "fractional_matrix_power"),
        "solved",
    ),
    "how large the result is, or the kernel, depends on the numbers": (
        *("scipy.ndimage.gaussian_filter", "scipy.ndimage.gaussian_filter1d", "scipy.ndimage.gaussian_laplace"),
        *("scipy.ndimage.gaussian_gradient_magnitude", "scipy.ndimage.rotate"),
    ),
    "SciPy's sparse matrices have two axes": ("sparse_product_of", "sparse_solution", "toarray"),
    "a long convolution costs as much in one call as in several": ("np.convolve", "convolve", "convolve2d"),
}

if __name__ == "__main__":
    for _reason, _names in LOOPS.items():
        print(f"{_reason}:\n    {', '.join(_names)}")
