"""Every rule at every case of the catalogue against JAX: both modes, and second order in all four mixes.

One test per function and dtype: JAX's answers for all its cases are compiled as one program.
"""

import zlib
from functools import cache

import jax
import numpy as np
import optree
import pytest

import scratch_ad
from jax_ref.cases import catalogue
from jax_ref.compare import mismatch
from jax_ref.lift import lift
from scratch_ad.tracer import name_of
from scratch_ad.tree import is_inexact

# XLA options: to compile in a third of the time what runs once. The second is unknown to newer versions.
QUICKLY = {"xla_backend_optimization_level": 0}
if jax.__version_info__ < (0, 11):
    QUICKLY["xla_cpu_use_fusion_emitters"] = False


def inexact_leaves(case):
    """The case as a function from arrays to the list of its real or complex outputs."""
    return lambda *arrays: [leaf for leaf in optree.tree_leaves(case.call(*arrays)) if is_inexact(leaf)]


def draw(case, dtype):
    """The arguments, two tangents, and a cotangent, none of them constant or symmetric."""
    primals = case.draw(dtype)
    rng = np.random.default_rng(zlib.crc32(f"vectors {case} {dtype}".encode()))

    def like(x):
        v = rng.normal(size=np.shape(x)) + (1j * rng.normal(size=np.shape(x)) if np.iscomplexobj(x) else 0)
        return np.asarray(v, np.result_type(x))[()]

    tangents, others = (tuple(map(like, primals)) for _ in range(2))
    with np.errstate(all="ignore"):
        cotangent = list(map(like, inexact_leaves(case)(*primals)))
    return primals, tangents, others, cotangent


def derivatives(ad, f, primals, tangents, others, cotangent, orders):
    """What is compared, by name; ``ad`` is scratch_ad or JAX."""

    def pushed(*x):
        return ad.jvp(f, x, tangents)[1]

    def pulled(*x):
        return ad.vjp(f, *x)[1](cotangent)

    found = {"value": ad.jvp(f, primals, tangents)[0], "jvp": pushed(*primals), "vjp": pulled(*primals)}
    if orders > 1:
        found["jvp of jvp"] = ad.jvp(pushed, primals, others)[1]
        found["jvp of vjp"] = ad.jvp(pulled, primals, tangents)[1]
    return found


@cache
def by_function():
    """The cases of each function, by the name of the function."""
    groups = {}
    for case in catalogue:
        if not case.differs:
            groups.setdefault(name_of(case.function), []).append(case)
    return groups


def groups_and_dtypes():
    for name, cases in by_function().items():
        for dtype in sorted({d for case in cases for d in case.dtypes}):
            yield name, dtype


def inner(u, v):
    """⟨u, v⟩ without conjugation, of lists of arrays; its real part is what a transpose preserves."""
    return sum(
        float(np.sum(np.multiply(a, b, dtype=np.result_type(a, b, np.float64))).real) for a, b in zip(u, v, strict=True)
    )


@pytest.mark.parametrize(("name", "dtype"), list(groups_and_dtypes()))
def test_rule(name, dtype):
    cases = [case for case in by_function()[name] if dtype in case.dtypes]
    given = [draw(case, dtype) for case in cases]

    def reference(given):
        return [derivatives(jax, lift(inexact_leaves(c)), *v, c.orders) for c, v in zip(cases, given, strict=True)]

    expected = jax.jit(reference).lower(given).compile(QUICKLY)(given)
    problems = [
        f"{case}: {p}" for case, v, e in zip(cases, given, expected, strict=True) for p in compare(case, dtype, v, e)
    ]
    assert not problems, "\n".join(problems)


def compare(case, dtype, vectors, expected):
    """All that is wrong with our derivatives of one case."""
    primals, tangents, _, cotangent = vectors
    f = inexact_leaves(case)
    got = derivatives(scratch_ad, f, *vectors, case.orders)
    expected = jax.tree.map(np.asarray, expected)
    with np.errstate(all="ignore"):
        if difference := mismatch(got["value"], f(*primals)):
            yield f"value by NumPy: {difference}"
    for what in "value", "jvp", "vjp":
        if difference := mismatch(got[what], expected[what], condition=case.condition):
            yield f"{what}: {difference}"
    if case.orders > 1:
        scale = max(np.max(np.abs(part), initial=0) for what in ("jvp", "vjp") for part in expected[what])
        for what, result in (
            ("jvp of jvp", got["jvp of jvp"]),
            ("jvp of vjp", got["jvp of vjp"]),
            ("vjp of jvp", scratch_ad.vjp(lambda *x: scratch_ad.jvp(f, x, tangents)[1], *primals)[1](cotangent)),
            ("vjp of vjp", scratch_ad.vjp(lambda *x: scratch_ad.vjp(f, *x)[1](cotangent), *primals)[1](tangents)),
        ):
            of = what if what in expected else "jvp of vjp"
            if difference := mismatch(result, expected[of], 2, float(scale), case.condition):
                yield f"{what}: {difference}"
    if len(primals) > 1:
        yield from alone(case, vectors, got)
    g, t = cotangent, got["jvp"]
    left, right = inner(g, t), inner(got["vjp"], tangents)
    scale = sum(float(np.sum(np.abs(a) * np.abs(b))) for a, b in zip(g, t, strict=True))
    eps = max(float(np.finfo(a.dtype).eps) for a in (*primals, *t))
    if np.isfinite(scale) and abs(left - right) > 64 * case.condition * eps * max(scale, abs(right)):
        yield f"adjoint identity: {left} and {right}"


def alone(case, vectors, got):
    """Each argument by itself, the others being constants: its cotangent is the same, and the tangents add up."""
    primals, tangents, _, cotangent = vectors
    f, total = inexact_leaves(case), None
    for i, (x, t) in enumerate(zip(primals, tangents, strict=True)):

        def of_one(x, i=i):
            return f(*primals[:i], x, *primals[i + 1 :])

        if difference := mismatch(scratch_ad.vjp(of_one, x)[1](cotangent)[0], got["vjp"][i], condition=case.condition):
            yield f"vjp in argument {i} alone: {difference}"
        term = scratch_ad.jvp(of_one, (x,), (t,))[1]
        total = term if total is None else [a + b for a, b in zip(total, term, strict=True)]
    if difference := mismatch(total, got["jvp"], condition=case.condition):
        yield f"jvp in one argument at a time: {difference}"


WITHOUT_JAX = [case for case in catalogue if case.differs]


@pytest.mark.parametrize("case", WITHOUT_JAX, ids=str)
def test_rule_where_jax_is_not_the_reference(case):
    """Against a central difference, whose step of 1e-6 leaves an error of 1e-9."""
    primals, tangents, _, cotangent = draw(case, "float64")
    f = inexact_leaves(case)
    after, before = (f(*(x + h * t for x, t in zip(primals, tangents, strict=True))) for h in (1e-6, -1e-6))
    _, t = scratch_ad.jvp(f, primals, tangents)
    for slope, a, b in zip(t, after, before, strict=True):
        np.testing.assert_allclose(slope, (a - b) / 2e-6, rtol=1e-7, atol=1e-7)
    pulled = scratch_ad.vjp(f, *primals)[1](cotangent)
    assert abs(inner(cotangent, t) - inner(pulled, tangents)) < 1e-12
