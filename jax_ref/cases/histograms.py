"""Histograms, in bins that are given and in bins that depend on the data."""

import numpy as np

from . import DOUBLE, DOUBLES, UNKNOWN_TYPE, at, cases

data = at(0.3, 2.0, -1.2, 0.1, -0.7, 0.9)
cases(np.histogram_bin_edges, "np.histogram_bin_edges(a, 4)", "np.histogram_bin_edges(a, 3, (0, 1))", a=data)
cases(np.histogram_bin_edges, "np.histogram_bin_edges(a, 4)", a=at(1.0, 3.0, 2.0, 3.0, 1.0), orders=1)
cases(
    np.histogram_bin_edges,
    *(f"np.histogram_bin_edges(a, '{bins}')" for bins in ("auto", "fd", "stone")),
    "np.histogram_bin_edges(a, 'sqrt', range=(-1, 1)) + a[0]",
    a=data,
    dtypes=DOUBLE,
    differs=UNKNOWN_TYPE,
)
cases(
    np.histogram,
    "np.histogram(a, 4, weights=b)",
    "np.histogram(a, 3, density=True, weights=b * b)",
    "np.histogram(a, 3, range=(-1.0, 0.9), weights=b)",
    a=data,
    b=(6,),
    dtypes=DOUBLE,
)
cases(np.histogram, "np.histogram([0.5, 1.0, 2.0, 3.0], [0.0, 1.0, 3.0], weights=b)[0]", b=(4,), dtypes=DOUBLES)
cases(np.histogram, "np.histogram(a, np.append(b, 2.5), density=True)", a=data, b=at(-1.0, 0.2, 1.0), dtypes=DOUBLE)
cases(
    np.histogram2d,
    "np.histogram2d(a, a[::-1], 3, weights=b)",
    "np.histogram2d(a, b, [2, np.array([-3.0, 0.0, 3.0])], density=True)",
    "np.histogram2d(a, b, 2, range=[(-2.0, 1.0), (-1.0, 2.0)], weights=a)[0]",
    a=data,
    b=at(0.5, -1.5, 2.5, 0.7, -0.2, 1.2),
    dtypes=DOUBLE,
)
cases(
    np.histogramdd,
    "np.histogramdd(a, 2, weights=b)[0]",
    "np.histogramdd(a, [2, 3], density=True)[0]",
    a=at([0.3, 2.0], [-1.2, 0.1], [-0.7, 0.9], [1.1, -0.4]),
    b=(4,),
    dtypes=DOUBLE,
)
cases(
    np.histogramdd,
    "np.histogramdd((a, a * a), 2, weights=b)[1][1]",
    "np.histogramdd([a, b], 2, weights=b, range=[None, (-4.0, 4.5)])[0]",
    a=data,
    b=(6,),
    dtypes=DOUBLE,
    differs="JAX takes one array",
)
