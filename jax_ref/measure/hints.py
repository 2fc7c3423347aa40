"""What kind of mistake a wrong derivative looks like: the usual ones, recognised by what they do to the numbers.

A kind is named only if it explains the numbers at both sets of tangents and cotangents.
"""

import contextlib
import functools
from typing import NamedTuple

import numpy as np
import optree

from scratch_ad import jvp
from scratch_ad.registry import rule_of
from scratch_ad.rule import Elementwise
from scratch_ad.tracer import name_of

from .tolerances import short


class Witness(NamedTuple):
    """The engine's and JAX's containers at one set of vectors; ``parts``: the contributions that JAX's sums up."""

    got: object
    expected: object
    parts: tuple
    vectors: object


class _Pair(NamedTuple):
    """One leaf of each: ``a`` the engine's, ``b`` JAX's, and the contributions to that."""

    a: np.ndarray
    b: np.ndarray
    parts: list
    vectors: object

    def without(self):
        """The pair without the second contribution."""
        with np.errstate(all="ignore"):
            return self._replace(a=self.a - self.parts[1], b=self.parts[0], parts=[])


def hint(difference, witnesses):
    """The likeliest kind of mistake, in words; empty where nothing fits.

    ``difference``: the worst of one leaf. ``witnesses``: all measurements of the quantity, that of ``difference``
    first.
    """
    if difference.expected is None:
        return _of_form(difference, witnesses[0])
    pairs = [_leaf(difference.place, witness) for witness in witnesses]
    if any(pair.a.shape != pair.b.shape for pair in pairs):
        return ""
    return _recognised(pairs) or (_recognised([pair.without() for pair in pairs]) if pairs[0].parts else "")


def _recognised(pairs):
    return next((text for recognise in RECOGNISERS if (text := recognise(pairs))), "")


def _leaf(place, witness):
    """The leaf at a place in its container, of both sides."""
    paths = optree.tree_flatten_with_path(witness.got)[0]
    k = next(k for k, path in enumerate(paths) if "".join(f"[{p!r}]" for p in path) == place)
    leaf = lambda tree: np.asarray(optree.tree_leaves(tree)[k])
    got, expected = leaf(witness.got), leaf(witness.expected)
    if np.iscomplexobj(expected) or not np.iscomplexobj(got):
        got = got.astype(expected.dtype)
    return _Pair(got, expected, list(map(leaf, witness.parts)), witness.vectors)


def _close(a, b):
    """Equal up to half the digits, with at least one number that is not zero."""
    if a.shape != b.shape or not np.any(b):
        return False
    digits = float(np.sqrt(np.finfo(b.dtype).eps))
    largest = np.max(np.abs(b[np.isfinite(b)]), initial=0.0)
    with np.errstate(all="ignore"):
        return np.allclose(a, b, rtol=digits, atol=digits**2 * float(largest), equal_nan=True)


def _always(pairs, test):
    """Whether the test holds for all pairs, those apart where nothing is wrong because all is zero."""
    tested = [pair for pair in pairs if np.any(pair.b) or np.any(pair.a)]
    return bool(tested) and all(test(pair) for pair in tested)


def _of_form(difference, witness):
    a, b = optree.tree_leaves(witness.got), optree.tree_leaves(witness.expected)
    form = difference.form[0] if difference.form else ""
    if form.startswith("container") and isinstance(witness.expected, tuple):
        if optree.tree_structure(witness.expected) == optree.tree_structure(witness.vectors.primals):
            return "return a tuple with one cotangent per argument: (g,) for one"
        return "return a tuple"
    if form.startswith("dtype"):
        return "dtype drift: a constant or a promotion widens or narrows the result"
    if form.startswith("shape") and len(a) == len(b):
        for x, y in zip(map(np.asarray, a), map(np.asarray, b), strict=True):
            if x.shape != y.shape and x.size > y.size:
                return "missing un-broadcast sum: what was broadcast has to be summed back to the argument's shape"
            if x.shape != y.shape and x.size == y.size and sorted(x.shape) == sorted(y.shape):
                return "transposed: the axes are in another order"
            if x.shape != y.shape and x.size == y.size:
                return "a reshape is missing: the right number of elements in another shape"
    return ""


def _nan(pairs):
    a, b = pairs[0].a, pairs[0].b
    if (np.isnan(a) & np.isfinite(b)).any():
        return "nan at a special point: 0·∞, 0/0 or ∞ − ∞ in the rule; replace the argument by np.where first"
    return ""


def _rounding(pairs):
    """Every number within a few places of the largest."""

    def test(p):
        scale = np.max(np.abs(p.b[np.isfinite(p.b)]), initial=0.0)
        with np.errstate(all="ignore"):
            error = np.abs(p.a - p.b)[~((p.a == p.b) | (np.isnan(p.a) & np.isnan(p.b)))]
        small = np.abs(p.b)[~((p.a == p.b) | (np.isnan(p.a) & np.isnan(p.b)))]
        return bool(np.all((error <= 1e3 * np.finfo(p.b.dtype).eps * scale) & ((small == 0) | (error < 0.1 * small))))

    return "rounding: a formula that cancels or overflows on the way" if all(map(test, pairs)) else ""


def _approximate(pairs):
    """Nearly right: what else would explain the numbers explains the right ones as well."""
    near = _always(pairs, lambda p: _close(p.a, p.b))
    return "right to half the digits: an approximation, a constant cut short, or lost digits" if near else ""


def _dropped(pairs):
    if _always(pairs, lambda p: not p.a.any()):
        return "dropped: a term or an argument does not contribute, all is zero"
    if _always(pairs, lambda p: p.b.size > 1 and _close(p.a, np.where(p.a == 0, 0, p.b))):
        missing = pairs[0].b[(pairs[0].a == 0) & (pairs[0].b != 0)].size
        return f"dropped: {missing} of {pairs[0].b.size} elements are zero, the others right"
    return ""


def _overwritten(pairs):
    """One of the contributions alone."""
    if any(_always(pairs, lambda p, k=k: _close(p.a, p.parts[k])) for k in range(len(pairs[0].parts))):
        return "overwritten instead of accumulated, or dropped: one of two contributions alone"
    return ""


def _ignored(pairs):
    same = all(np.array_equal(p.a, pairs[0].a) for p in pairs)
    if len(pairs) > 1 and same and np.any(pairs[0].a) and not _close(pairs[1].b, pairs[0].b):
        return "the (co)tangent is ignored: the result is the same for another one"
    return ""


def _conjugate(pairs):
    if all(np.iscomplexobj(p.b) for p in pairs) and _always(pairs, lambda p: _close(np.conjugate(p.a), p.b)):
        return "missing conjugate, or one too many"
    return ""


def _factor(pairs):
    """One factor for all elements of all pairs that is a simple number, or how many elements there are to a result."""
    ratio = _constant_ratio(pairs)
    if ratio is None or np.isclose(ratio, 1):
        return ""
    if np.isclose(ratio, -1):
        return "wrong sign"
    if np.isclose(ratio, 0.5):
        return f"constant ratio {short(ratio)}: a factor, or one of two equal contributions overwritten"
    given, made = (
        sum(map(np.size, optree.tree_leaves(x))) for x in (pairs[0].vectors.primals, pairs[0].vectors.cotangent)
    )
    n = given / max(made, 1)
    if n > 1 and np.isclose(ratio, n):
        return f"constant ratio {short(ratio)}: 1/n is missing, of the {n:g} elements to each result"
    if n > 1 and np.isclose(ratio, 1 / n):
        return f"constant ratio {short(ratio)}: 1/n too many, or n is missing, of the {n:g} elements to each result"
    simple = any(np.isclose(ratio, s * k) or np.isclose(ratio, s / k) for k in range(2, 11) for s in (1, -1))
    return f"constant ratio {short(ratio)}: a wrong factor" if simple else ""


def _ratio(pairs):
    """One factor for all elements of all pairs, where they belong to different numbers: from one it tells nothing."""
    ratio = _constant_ratio(pairs)
    if ratio is None or np.isclose(ratio, 1) or not _has_different_numbers(pairs[0]):
        return ""
    return f"constant ratio {short(ratio)}: a wrong factor"


def _constant_ratio(pairs):
    a, b = (np.concatenate([np.ravel(pair[k]) for pair in pairs]) for k in (0, 1))
    with np.errstate(all="ignore"):
        ratios = (a / b)[np.isfinite(b) & (b != 0)]
    if ratios.size < 2 or not np.all(np.isfinite(ratios)) or np.any(a[b == 0]):
        return None
    return ratios[0] if ratios[0] and _close(ratios, np.full_like(ratios, ratios[0])) else None


def _has_different_numbers(pair):
    """Whether there are elements of the result that belong to different numbers of an argument."""
    leaves = [np.ravel(x) for x in optree.tree_leaves(pair.vectors.primals)]
    return np.count_nonzero(pair.b) > 1 and any(np.any(x != x[:1]) for x in leaves)


def _instead(pairs):
    """The derivative of another function of one number, which NumPy or SciPy has, at each element."""
    shape = pairs[0].b.shape
    xs = [x for x in map(np.asarray, optree.tree_leaves(pairs[0].vectors.primals)) if x.shape == shape]
    along = lambda pair: [np.asarray(u) for u in optree.tree_leaves((pair.vectors.cotangent, pair.vectors.tangents))]
    if len(xs) != 1 or not xs[0].size:
        return ""
    for us in zip(*map(along, pairs), strict=True):
        if any(u.shape != shape for u in us):
            continue
        with np.errstate(all="ignore"):
            (slope, *others), right = ([pair[k] / u for pair, u in zip(pairs, us, strict=True)] for k in (0, 1))
        if not all(_close(other, slope) for other in others) or not all(_close(r, right[0]) for r in right):
            continue
        if np.all(np.isclose(slope, np.round(slope))):  # as many functions have
            continue
        x = np.ascontiguousarray(xs[0])
        names = [name for name, other in _slopes(x.dtype, shape, x.tobytes()) if _close(slope, other)]
        if names:
            return f"the derivative of another function, {min(names, key=lambda name: (len(name), name))}"
    return ""


@functools.lru_cache(8)  # the same numbers come in all the quantities of a check
def _slopes(dtype, shape, data):
    """The derivatives of all functions of one number at the elements of an array, by name, where they have one."""
    x, found = np.frombuffer(data, dtype).reshape(shape), []
    with np.errstate(all="ignore"):
        for f, rule in rule_of.items():
            if isinstance(rule, Elementwise) and len(rule.partials) == 1:
                with contextlib.suppress(Exception):  # it takes no such dtype
                    found.append((name_of(f), np.asarray(jvp(f, (x,), (np.ones_like(x),))[1])))
    return found


def _squared(pairs):
    """A product with the cotangent, or the tangent, too many."""
    for of in (lambda v: optree.tree_leaves(v.cotangent), lambda v: optree.tree_leaves(v.tangents)):
        for k in range(len(of(pairs[0].vectors))):
            if _always(pairs, lambda p, of=of, k=k: any(_close(p.a, p.b * u) for u in _aligned(of(p.vectors)[k], p.b))):
                return "the (co)tangent is squared, or multiplied in twice"
    return ""


def _aligned(v, like):
    """``v``, or ``v`` with an axis put in, wherever that can be broadcast to ``like``."""
    v = np.asarray(v)
    for u in (v, *(np.expand_dims(v, axis) for axis in range(v.ndim + 1))):
        if u.ndim <= like.ndim and all(n in (1, m) for n, m in zip(u.shape[::-1], like.shape[::-1], strict=False)):
            yield u


def _transposed(pairs):
    def test(p):
        return p.b.ndim > 1 and (_close(p.a.mT, p.b) if p.b.mT.shape == p.b.shape else _close(_turned(p.b), p.a))

    return "transposed" if _always(pairs, test) else ""


def _turned(b):
    return b.mT.reshape(b.shape)


def _moved(pairs):
    """The right numbers elsewhere."""
    ndim = pairs[0].b.ndim
    for axis in range(ndim):
        if _always(pairs, lambda p, axis=axis: _close(np.flip(p.a, axis), p.b)):
            return f"wrong axis or index: in reverse order along axis {axis}"
    if _always(pairs, lambda p: p.b.size > 1 and _close(np.sort(p.a, None), np.sort(p.b, None))):
        return "wrong axis or index: the right numbers in the wrong places"
    return ""


def _tie(pairs):
    """Wrong only where an argument equals another number or zero, and not by chance everywhere."""
    if all(_only_at_ties(pair) for pair in pairs):
        return "wrong at a tie, or at zero, only: which of equal numbers gets the derivative?"
    return ""


def _only_at_ties(pair):
    with np.errstate(all="ignore"):
        wrong = ~np.isclose(pair.a, pair.b, rtol=1e-3, atol=0, equal_nan=True)
    primals = [np.asarray(x) for x in optree.tree_leaves(pair.vectors.primals)]
    masks = []
    for k, x in enumerate(primals):
        if x.shape == pair.b.shape:
            flat = x.ravel()
            masks.append((x == 0) | (np.sum(flat[:, None] == flat, axis=1) > 1).reshape(x.shape))
        for other in primals[k + 1 :]:
            if np.broadcast(x, other).shape == pair.b.shape if _fits(x, other) else False:
                masks.append(np.broadcast_to(np.equal(x, other), pair.b.shape))
    return any(mask.any() and not mask.all() and not (wrong & ~mask).any() for mask in masks)


def _fits(x, y):
    return all(m == n or 1 in (m, n) for m, n in zip(x.shape[::-1], y.shape[::-1], strict=False))


def _few(pairs):
    a, b = pairs[0].a, pairs[0].b
    wrong = int(np.sum(~np.isclose(a, b, rtol=1e-3, atol=0, equal_nan=True)))
    return f"a single element of {b.size} is wrong" if wrong == 1 < b.size else ""


RECOGNISERS = (
    _nan,
    _rounding,
    _approximate,
    _overwritten,
    _factor,
    _instead,
    _ratio,
    _conjugate,
    _ignored,
    _squared,
    _transposed,
    _moved,
    _tie,
    _dropped,
    _few,
)
