"""Distances, by each metric, of pairs of vectors and of all pairs of two sets."""

from scratch_ad.scipy.spatial import distance

from . import DOUBLE, cases, positive

LACKS = "JAX has no such function"


def of(name, *expressions, **options):
    """Cases of the function of this name, ``f`` in the expressions."""
    expressions = [e.replace("f(", f"scipy.spatial.distance.{name}(", 1) for e in expressions]
    cases(getattr(distance, name), *expressions, dtypes=DOUBLE, differs=LACKS, **options)


of("canberra", "f(a, b, w=c)", a=positive(4), b=positive(4), c=positive(4))
for name in ("braycurtis", "cityblock", "correlation", "cosine", "sqeuclidean"):
    of(name, "f(a, b)", "f(a, b, w=c)", a=(4,), b=positive(4), c=positive(4))
of("euclidean", "np.square(f(a, b))", "np.square(f(a, b, c))", a=(4,), b=positive(4), c=positive(4))
of("chebyshev", "f(a, b)", a=(4,), b=positive(4))
of("minkowski", "np.square(f(a, b, 3))", "np.square(f(a, b, p=np.sum(c), w=c))", a=(4,), b=positive(4), c=positive(4))
of("seuclidean", "np.square(f(a, b, c))", a=(4,), b=positive(4), c=positive(4))
of("mahalanobis", "f(a, b, c @ c.mT)", a=(3,), b=positive(3), c=(3, 3))
of("jensenshannon", "f(a, b, 2.0)", a=positive(4), b=positive(4))
of(
    "cdist",
    "f(a, b)",
    "f(a, b, 'minkowski', p=1.5, w=c)",
    "f(a, b, 'seuclidean')",
    a=(3, 2),
    b=positive(2, 2),
    c=positive(2),
)
of("cdist", "f(a, b, 'mahalanobis')", "f(a, b, metric=lambda u, v: np.sum(u * v))", a=(4, 2), b=positive(2, 2))
of("pdist", "f(a)", "f(a, 'cosine')", "f(a, lambda u, v: np.sum(u * v))", a=(3, 2))
of("squareform", "f(a)", "f(scipy.spatial.distance.squareform(a))", a=(6,))
