"""``pytest --ad-rules`` and ``scratch-ad rules``, on a project of its own with rules that are right and wrong."""

import json
import os
import re
import subprocess
import sys
import textwrap

import pytest

from jax_ref.commands import cli
from jax_ref.rules.slopes import slopes

pytest_plugins = ["pytester"]

HEAD = """
import functools
import dataclasses
import jax
import jax.numpy as jnp
import numpy as np
import scratch_ad

"""

# A rule that is {k} times too large where x > 100: found only where the numbers that it met are seen.
LARGE = """
@jax.custom_vjp
def {name}(x):
    return jnp.sin(x)
{name}.defvjp(lambda x: ({name}(x), x), lambda x, g: (g * jnp.cos(x) * jnp.where(x > 100, 2, 1),))
"""
SEEN = {
    "eager": "{f}(x)",
    "grad": "jax.grad(lambda x: {f}(x).sum())(x)",
    "jit": "jax.jit({f})(x)",
    "jit_of_grad": "jax.jit(jax.grad(lambda x: {f}(x).sum()))(x)",
    "vmap": "jax.vmap({f})(x)",
    "jit_of_vmap": "jax.jit(jax.vmap({f}, in_axes=1))(x[None])",
    "scan": "jax.lax.scan(lambda c, x: (c, {f}(x)), 0.0, x)",
    "checkpoint": "jax.grad(jax.checkpoint(lambda x: {f}(x).sum()))(x)",
}

# Forms of rules, each {k} times too large, and how each is called; x = 0.5, −1, 2.
FORMS = {
    "custom_jvp": (
        """
        @jax.custom_jvp
        def {f}(x):
            return jnp.sin(x)
        @{f}.defjvp
        def _(primals, tangents):
            return {f}(*primals), {k} * tangents[0] * jnp.cos(primals[0])
    """,
        "{f}(x)",
    ),
    "defjvps": (
        """
        @jax.custom_jvp
        def {f}(x, y):
            return x * y
        {f}.defjvps(None, lambda t, out, x, y: {k} * t * x)
        {f}.defjvps(lambda t, out, x, y: t * y, lambda t, out, x, y: {k} * t * x)
    """,
        "{f}(x, x + 1)",
    ),
    "nondiff_argnums": (
        """
        @functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
        def {f}(g, power, x):
            return g(x) ** power
        {f}.defvjp(
            lambda g, power, x: ({f}(g, power, x), x),
            lambda g, power, x, c: ({k} * c * power * g(x) ** (power - 1) * jnp.cos(x),),
        )
    """,
        "{f}(jnp.sin, 2.0, x)",
    ),
    "nondiff_argnames": (
        """
        @functools.partial(jax.custom_jvp, nondiff_argnames=("axis",))
        def {f}(x, axis=0):
            return jnp.sum(x * x, axis)
        @{f}.defjvp
        def _(axis, primals, tangents):
            return {f}(*primals, axis), {k} * jnp.sum(2 * primals[0] * tangents[0], axis)
    """,
        "{f}(x, axis=-1)",
    ),
    "pytree": (
        """
        @jax.tree_util.register_dataclass
        @dataclasses.dataclass
        class Weights_{f}:
            w: jax.Array
            b: jax.Array
        @jax.custom_vjp
        def {f}(p, x):
            return [p["layer"].w * x["in"], p["layer"].b]
        {f}.defvjp(
            lambda p, x: ({f}(p, x), (p, x)),
            lambda r, g: (
                dict(layer=Weights_{f}(g[0] * r[1]["in"], {k} * g[1])), {{"in": g[0] * r[0]["layer"].w}}
            ),
        )
    """,
        "{f}(dict(layer=ops.Weights_{name}(x, x[0])), {{'in': x + 1}})",
    ),
    "keywords": (
        """
        @jax.custom_vjp
        def {f}(x, y=3.0):
            return x * y
        {f}.defvjp(lambda x, y: ({f}(x, y), (x, y)), lambda r, g: ({k} * g * r[1], jnp.sum(g * r[0])))
    """,
        "{f}(y=2.0, x=x)",
    ),
    "method": (
        """
        class Layer_{f}:
            def __init__(self, scale):
                self.scale = scale
            @functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
            def {f}(self, x):
                return self.scale * x
            {f}.defvjp(lambda self, x: (self.scale * x, None), lambda self, _, g: ({k} * self.scale * g,))
    """,
        "(lambda layer: layer.{name}(layer, x))(ops.Layer_{name}(3.0))",
    ),
    "in_a_function": (
        """
        def make_{f}(scale):
            @jax.custom_vjp
            def {f}(x):
                return scale * jnp.sin(x)
            {f}.defvjp(lambda x: ({f}(x), x), lambda x, g: ({k} * g * scale * jnp.cos(x),))
            return {f}
    """,
        "ops.make_{name}(2.0)(x)",
    ),
    "closed_over_a_tracer": (
        """
        def make_{f}(scale):
            @jax.custom_vjp
            def {f}(x):
                return scale * x
            def bwd(_, g):
                return (g * jnp.where(scale > 100, {k}, 1) * scale,)
            {f}.defvjp(lambda x: ({f}(x), None), bwd)
            return {f}
    """,
        "jax.jit(lambda x, s: ops.make_{name}(s * 2)(x))(x, 100.0)",
    ),
    "integers": (
        """
        @jax.custom_vjp
        def {f}(x, i):
            return x[i]
        {f}.defvjp(
            lambda x, i: ({f}(x, i), (x, i)),
            lambda r, g: (jnp.zeros_like(r[0]).at[r[1]].add({k} * g), np.zeros(r[1].shape, jax.dtypes.float0)),
        )
    """,
        "{f}(x, jnp.array([2, 0, 2]))",
    ),
    "symbolic_zeros_vjp": (
        """
        @jax.custom_vjp
        def {f}(x, y):
            return x * y
        def fwd_{f}(x, y):
            return x.value * y.value, (x.value, y.value)
        def bwd_{f}(r, g):
            return ({k} * g * r[1], g * r[0])
        {f}.defvjp(fwd_{f}, bwd_{f}, symbolic_zeros=True)
    """,
        "{f}(x, x)",
    ),
    "symbolic_zeros_jvp": (
        """
        @jax.custom_jvp
        def {f}(x, y):
            return x * y
        def jvp_{f}(primals, tangents):
            (x, y), out = primals, jnp.zeros(3)
            for t, other in zip(tangents, (y, {k} * x)):
                if type(t) is not jax.custom_derivatives.SymbolicZero:
                    out = out + t * other
            return x * y, out
        {f}.defjvp(jvp_{f}, symbolic_zeros=True)
    """,
        "{f}(x, x)",
    ),
    "optimize_remat": (
        """
        @jax.custom_vjp
        def {f}(x):
            return jnp.sin(x)
        {f}.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: ({k} * g * jnp.cos(x),), optimize_remat=True)
    """,
        "{f}(x)",
    ),
    "custom_gradient": (
        """
        @jax.custom_gradient
        def {f}(x):
            return x ** 2, lambda g: (g * 2 * {k} * x,)
    """,
        "{f}(x)",
    ),
    "beside_a_wrong_rule": (
        """
        @jax.custom_vjp
        def {f}(x):
            return inner(x) ** 2
        {f}.defvjp(lambda x: ({f}(x), x), lambda x, g: ({k} * g * 2 * jnp.sin(x) * jnp.cos(x),))
    """,
        "{f}(x)",
    ),
    "loop_in_the_body": (
        """
        @jax.custom_vjp
        def {f}(x):
            return jax.lax.while_loop(lambda c: c[1] < 3, lambda c: (jnp.sin(c[0]), c[1] + 1), (x, 0))[0]
        def bwd_{f}(x, g):
            s = jnp.sin(x)
            return ({k} * g * jnp.cos(x) * jnp.cos(s) * jnp.cos(jnp.sin(s)),)
        {f}.defvjp(lambda x: ({f}(x), x), bwd_{f})
    """,
        "{f}(x)",
    ),
    "host_in_the_body": (
        """
        @jax.custom_jvp
        def {f}(x):
            return jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x)
        {f}.defjvps(lambda t, out, x: {k} * t * jnp.cos(x))
    """,
        "{f}(x)",
    ),
    "ours": (
        """
        @scratch_ad.custom_vjp
        def {f}(x):
            return np.sin(x)
        {f}.defvjp(lambda x: (np.sin(x), x), lambda x, g: (g * np.cos(x) * {k},))
    """,
        "scratch_ad.grad(lambda x: np.sum({f}(x)))(np.asarray(x, float))",
    ),
}

# Rules that are right, though JAX's derivative of the body is another or none, and what else is told.
SINGLE = {
    "kink": (
        """
        @jax.custom_jvp
        def {f}(x):
            return jnp.maximum(x, 0)
        {f}.defjvps(lambda t, out, x: jnp.where(x > 0, t, 0))
    """,
        "{f}(jnp.array([0.0, -1.0, 2.0]))",
        "right by differences",
    ),
    "nan_in_jax": (
        """
        @jax.custom_jvp
        def {f}(x):
            return jnp.where(x == 0, 1, jnp.sin(x) / x)
        {f}.defjvps(lambda t, out, x: jnp.where(x == 0, 0, t * (jnp.cos(x) - out) / jnp.where(x == 0, 1, x)))
    """,
        "{f}(jnp.array([0.0, 1.0]))",
        "right by differences",
    ),
    "random": (LARGE, "jax.eval_shape({f}, x)", "random numbers"),
    "first_order": (
        """
        @jax.custom_vjp
        def {f}(x):
            return jnp.sin(x)
        def host_{f}(x, g):
            return jax.pure_callback(lambda x, g: np.cos(x) * g, jax.ShapeDtypeStruct(x.shape, x.dtype), x, g)
        {f}.defvjp(lambda x: ({f}(x), x), lambda x, g: (host_{f}(x, g),))
    """,
        "{f}(x)",
        "first order only",
    ),
}

INNER = """
@jax.custom_vjp
def inner(x):
    return jnp.sin(x)
inner.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (5 * g * jnp.cos(x),))

@jax.custom_vjp
def through(x):
    return x
through.defvjp(lambda x: (x, None), lambda _, g: (jnp.clip(g, -1, 1),))

@jax.custom_vjp
def refuses(x):
    return x
def refused(x, g):
    raise NotImplementedError("no derivative")
refuses.defvjp(lambda x: (x, x), refused)

@jax.custom_vjp
def raises(x):
    return x
raises.defvjp(lambda x: (x, None), lambda _, g: g[0, 0, 0])

@jax.custom_vjp
def second(x):
    return jnp.sin(x)
second.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (g * jax.lax.stop_gradient(jnp.cos(x)),))

@jax.custom_vjp
def of_integers(i):
    return i + 1
of_integers.defvjp(lambda i: (i + 1, None), lambda _, g: (None,))

@jax.custom_vjp
def never_called(x):
    return x
"""
TESTS = """
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scratch_ad
import ops

x = jnp.array([0.5, -1.0, 2.0])
large = jnp.full(3, 200.0)

def test_others():
    ops.through(x); ops.refuses(x); ops.raises(x); ops.second(x); ops.of_integers(3)

def test_that_fails():
    ops.inner(x)
    assert False

def test_that_changes_jax(monkeypatch):
    monkeypatch.setattr(jax.debug, "callback", None)
    monkeypatch.setattr(jax, "custom_vjp", None)
    monkeypatch.setattr(jax.tree, "flatten", None)
    monkeypatch.setattr(jnp, "sin", jnp.cos)

def test_the_programs_looked_at_are_as_they_were():
    assert "callback" not in str(jax.make_jaxpr(ops.random)(x))
    assert "callback" not in jax.jit(lambda x: ops.random(x)).lower(x).as_text()
"""


def written(definition, f, k=1):
    return textwrap.dedent(definition).format(f=f, name=f, k=k)


def project(folder):
    ops, tests = [HEAD, INNER], [TESTS]
    for name, call in SEEN.items():
        ops.append(written(LARGE, f"seen_{name}"))
        tests.append(f"def test_seen_{name}(x=large):\n    {call.format(f=f'ops.seen_{name}')}\n")
    for name, (definition, call) in FORMS.items():
        for kind, k in (("right", 1), ("wrong", 2)):
            f = f"{kind}_{name}"
            ops.append(written(definition, f, k))
            tests.append(f"def test_{f}():\n    {call.format(f=f'ops.{f}', name=f)}\n")
    for name, (definition, call, _) in SINGLE.items():
        ops.append(written(definition, name))
        tests.append(f"def test_{name}():\n    {call.format(f=f'ops.{name}', name=name)}\n")
    (folder / "ops.py").write_text("\n".join(ops))
    (folder / "test_ops.py").write_text("\n".join(tests))
    (folder / "conftest.py").write_text("from jax_ref.checks import shrink\nshrink.SHRINKING = 0\n")


def environment():
    path = os.pathsep.join(map(os.path.abspath, [*sys.path, os.path.dirname(os.path.dirname(__file__))]))
    return {**os.environ, "PYTHONPATH": path, "JAX_PLATFORMS": "cpu"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    project(folder)
    return folder


@pytest.fixture(scope="module")
def run(folder):
    """What pytest says of the project."""
    command = [sys.executable, "-m", "pytest", "-p", "jax_ref.pytest_plugin", "-n", "2", "--ad-rules"]
    command += ["--ad-rules-allow", "ops.through"]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)


@pytest.fixture(scope="module")
def said(run):
    """What the report says of each rule: its status, and all its lines."""
    found, current = {}, None
    section = run.stdout.partition(" custom rules =")[2].partition("ad: ")[0]
    for line in section.splitlines()[1:]:
        if match := re.match(r"(right|wrong|unchecked|on purpose) +ops\.(?:\S+\.)?(\w+) \((.*)", line):
            current = match[2]
            found[current] = [match[1], match[3]]
        elif current:
            found[current][1] += "\n" + line
    return found


@pytest.mark.parametrize("name", SEEN)
def test_tracers_are_seen_through(said, name):
    status, words = said[f"seen_{name}"]
    assert status == "wrong" and "ratio 2" in words and f"test_ops.py::test_seen_{name}" in words


@pytest.mark.parametrize("name", FORMS)
def test_right_and_wrong_rules_of_each_form(said, name):
    assert said[f"right_{name}"][0] == "right"
    status, words = said[f"wrong_{name}"]
    assert status == "wrong" and f"rerun: pytest --ad-rules test_ops.py::test_wrong_{name}" in words


@pytest.mark.parametrize("name", SINGLE)
def test_rules_that_are_right_beside_a_body_that_is_not(said, name):
    status, words = said[name]
    assert status == "right" and SINGLE[name][2] in words


def test_what_is_told_of_others(said, run):
    assert said["inner"][0] == "wrong" and "constant ratio 5" in said["inner"][1]  # by a test that fails
    assert said["through"][0] == "on purpose"
    assert said["refuses"][0] == "unchecked" and "refuses: NotImplementedError: no derivative" in said["refuses"][1]
    assert said["raises"][0] == "wrong" and "its rule raises" in said["raises"][1]
    assert said["second"][0] == "wrong" and "second order only" in said["second"][1]
    assert said["of_integers"][0] == "unchecked" and "no argument is real or complex" in said["of_integers"][1]
    assert "never_called" not in said
    assert "1 on purpose" in run.stdout and "1 failed" in run.stdout and run.returncode == 1
    assert "PASSED" not in run.stdout and "test_that_changes_jax" not in run.stdout  # they pass


def test_where_a_rule_stands(said, folder):
    lines = (folder / "ops.py").read_text().splitlines()
    line = next(k for k, text in enumerate(lines, 1) if text == "def inner(x):") - 1  # that of its decorator
    assert f"jax.custom_vjp, ops.py:{line})" in said["inner"][1]


def test_the_rules_of_a_package(run, folder):
    command = [sys.executable, "-m", "jax_ref", "rules", "ops"]
    out = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    listed = {m[1].rpartition(".")[2]: m[2] for m in re.finditer(r"^ops\.(\S+) \(.*\): (.*)$", out.stdout, re.M)}
    assert listed.pop("never_called") == "not called"
    assert listed.pop("inner").startswith("called by test_ops.py::test_")
    names = {f"{kind}_{name}" for name in FORMS for kind in ("right", "wrong")} | {f"seen_{name}" for name in SEEN}
    assert names <= {*listed} and all(text.startswith("called by ") for text in listed.values())
    assert re.search(r"^\d+ custom rules in ops, 1 called by no test of the run of .* \(\d+ tests\)$", out.stdout, re.M)
