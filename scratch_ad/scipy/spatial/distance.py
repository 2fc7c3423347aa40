"""``scipy.spatial.distance``: each metric written once, for pairs of vectors along the last axis.

    from scratch_ad.scipy.spatial.distance import cdist
    grad(lambda length: np.sum(np.exp(-cdist(x / length, x / length, "sqeuclidean") / 2)))(length)

Where a distance is 0, and where two components are the same, the slope is 0. Metrics of truth values are constant.
"""

import numpy as np
import scipy.spatial.distance as _scipy
import scipy.special as special

from ...primitives import astype
from ...tracer import Tracer, dtype_of
from ...tree import typed
from ..wrapping import constants, public, refused

_DOUBLE = np.dtype(float)


def _size(d):
    """|d| with slope 0 at 0."""
    return np.sign(d) * d


def _root(s, p=2):
    """s^(1/p) with slope 0 at 0."""
    nothing = np.equal(s, 0)
    s = np.where(nothing, 1, s)
    return np.where(nothing, 0, s ** (1 / p) if isinstance(p, Tracer) or p != 2 else np.sqrt(s))


def _total(terms, w):
    return np.sum(terms if w is None else w * terms, -1)


def _minkowski(u, v, p=2, w=None):
    if not isinstance(p, Tracer):
        if np.isinf(p):
            return _chebyshev(u, v, w)
        if w is None:
            return np.linalg.norm(u - v, p, -1)
    even = not isinstance(p, Tracer) and p % 2 == 0  # a power that has a second derivative at 0
    return _root(_total((u - v if even else _size(u - v)) ** p, w), p)


def _chebyshev(u, v, w=None):
    return np.max(_size(u - v) * (1 if w is None else np.greater(w, 0)), -1)


def _braycurtis(u, v, w=None):
    return _total(_size(u - v), w) / _total(_size(u + v), w)


def _canberra(u, v, w=None):
    """Where both components are 0 the term is 0/0, and left out."""
    size = _size(u) + _size(v)
    nothing = np.equal(size, 0)
    return _total(np.where(nothing, 0, _size(u - v) / np.where(nothing, 1, size)), w)


def _correlation(u, v, w=None, centered=True):
    w = np.asarray(1 / u.shape[-1]) if w is None else w / np.sum(w)
    if centered:
        u, v = (x - np.sum(w * x, -1, keepdims=True) for x in (u, v))
    return 1 - np.sum(w * u * v, -1) / np.sqrt(np.sum(w * u * u, -1) * np.sum(w * v * v, -1))


def _mahalanobis(u, v, VI):
    d = u - v
    return _root(np.sum(d @ VI * d, -1))


def _jensenshannon(p, q, base=None, *, axis=-1, keepdims=False):
    p, q = (x / np.sum(x, axis, keepdims=True) for x in (p, q))
    m = (p + q) / 2
    y = np.sum(special.rel_entr(p, m), axis, keepdims=keepdims) + np.sum(
        special.rel_entr(q, m), axis, keepdims=keepdims
    )
    return _root((y if base is None else y / np.log(base)) / 2)


METRICS = {
    "braycurtis": _braycurtis,
    "canberra": _canberra,
    "chebyshev": _chebyshev,
    "cityblock": lambda u, v, w=None: _total(_size(u - v), w),
    "correlation": _correlation,
    "cosine": lambda u, v, w=None: _correlation(u, v, w, centered=False),
    "euclidean": lambda u, v, w=None: _minkowski(u, v, w=w),
    "jensenshannon": _jensenshannon,
    "mahalanobis": _mahalanobis,
    "minkowski": _minkowski,
    "seuclidean": lambda u, v, V: _minkowski(u, v, w=1 / V),
    "sqeuclidean": lambda u, v, w=None: _total((u - v) ** 2, w),
}
_FROM_ALL = {  # what a metric takes from all points where it is not given
    "seuclidean": ("V", lambda x: np.var(x, axis=0, ddof=1)),
    "mahalanobis": ("VI", lambda x: np.linalg.inv(np.atleast_2d(np.cov(x.T))).T),
}


def _real(name, *vectors):
    if any(dtype_of(x).kind == "c" for x in vectors):
        raise NotImplementedError(f"scipy.spatial.distance.{name}: distances are differentiated of real numbers.")


def _typed(options):
    return {name: typed(x) if isinstance(x, (list, tuple)) else x for name, x in options.items()}


def _of_two(name):
    def body(u, v, *more, **options):
        _real(name, u, v)
        return METRICS[name](u, v, *more, **_typed(options))

    return public(getattr(_scipy, name), body, of_doubles=True)


def _of_pairs(name, all_points, u, v, metric, options):
    """The distances of the vectors ``u`` from the vectors ``v``, which broadcast."""
    known = _scipy._METRIC_ALIAS.get(str(metric).lower().removeprefix("test_"))
    known = known and known.canonical_name
    if known not in METRICS:
        raise NotImplementedError(
            f"scipy.spatial.distance.{name}: the metric {metric} is piecewise constant: its derivative is 0; "
            "give it scratch_ad.stop_gradient(x), which is plain."
        )
    if known in _FROM_ALL:
        option, of_all = _FROM_ALL[known]
        if options.get(option) is None:
            options[option] = of_all(all_points)
    return METRICS[known](u, v, **_typed(options))


def _doubles(name, *arrays, out=None):
    _real(name, *arrays)
    return [astype(x, _DOUBLE) for x in arrays]


def _cdist(XA, XB, metric="euclidean", **options):
    XA, XB = _doubles("cdist", XA, XB)
    if callable(metric):
        return np.stack([np.stack([metric(u, v, **options) for v in XB]) for u in XA])
    return _of_pairs("cdist", np.concatenate([XA, XB]), XA[:, None], XB, metric, options)


def _pdist(X, metric="euclidean", **options):
    (X,) = _doubles("pdist", X)
    i, j = np.triu_indices(X.shape[0], 1)
    if callable(metric):
        return np.stack([metric(X[a], X[b], **options) for a, b in zip(i, j, strict=True)])
    return _of_pairs("pdist", X, X[i], X[j], metric, options)


def _squareform(X, force="no", checks=True):
    X = np.atleast_1d(X)
    if X.ndim == 2:
        return X[np.triu_indices(X.shape[0], 1)]
    places = _scipy.squareform(np.arange(1, X.size + 1))
    return np.where(np.equal(places, 0), dtype_of(X).type(0), X[places - 1])


cdist = public(_scipy.cdist, _cdist)
pdist = public(_scipy.pdist, _pdist)
squareform = public(_scipy.squareform, _squareform)
braycurtis, canberra, chebyshev, cityblock, correlation, cosine, euclidean, mahalanobis = map(
    _of_two,
    ("braycurtis", "canberra", "chebyshev", "cityblock", "correlation", "cosine", "euclidean", "mahalanobis"),
)
minkowski, seuclidean, sqeuclidean = map(_of_two, ("minkowski", "seuclidean", "sqeuclidean"))
jensenshannon = public(_scipy.jensenshannon, lambda p, q, axis=0, **options: _jensenshannon(p, q, axis=axis, **options))
dice, hamming, jaccard, rogerstanimoto, russellrao, sokalsneath, yule = constants(
    *(_scipy.dice, _scipy.hamming, _scipy.jaccard, _scipy.rogerstanimoto, _scipy.russellrao, _scipy.sokalsneath),
    _scipy.yule,
)
is_valid_dm, is_valid_y, num_obs_dm, num_obs_y = constants(
    *(_scipy.is_valid_dm, _scipy.is_valid_y, _scipy.num_obs_dm, _scipy.num_obs_y)
)
(directed_hausdorff,) = refused(
    "it has no rule so far; use np.max(np.min(cdist(u, v), axis=1))", _scipy.directed_hausdorff
)
