"""``pytest --ad-rules`` and ``scratch-ad rules``, on a project of its own with rules that are right and wrong."""

import os
import re
import subprocess
import sys
import textwrap
from importlib.util import find_spec

import numpy as np
import pytest

from jax_ref.measure.extrapolation import slopes

pytestmark = pytest.mark.xdist_group("ad_rules")  # one run of everything serves all tests here

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
{name}.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (g * jnp.cos(x) * jnp.where(x > 100, 2, 1),))
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
    "around_a_wrong_rule": (
        """
        @jax.custom_jvp
        def {f}(x):
            return inner_jvp(x) ** 2
        {f}.defjvps(lambda t, out, x: {k} * t * 2 * jnp.sin(x) * jnp.cos(x))
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

@jax.custom_jvp
def inner_jvp(x):
    return jnp.sin(x)
inner_jvp.defjvps(lambda t, out, x: 5 * t * jnp.cos(x))

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
import jax.export
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
    monkeypatch.setattr(jax, "custom_vjp", None)
    monkeypatch.setattr(jax.debug, "callback", None)
    for name in ("flatten", "leaves", "map"):
        monkeypatch.setattr(jax.tree, name, None)
    monkeypatch.setattr(jax.lax, "index_in_dim", None)
    jax.jit(jax.vmap(ops.seen_patched))(large)

def test_the_programs_looked_at_are_as_they_were():
    assert "callback" not in str(jax.make_jaxpr(ops.random)(x))
    assert "callback" not in jax.jit(lambda x: ops.random(x)).lower(x).as_text()
    assert "callback" not in jax.export.export(jax.jit(lambda x: ops.random(x)))(x).mlir_module()

def test_no_tracer_is_kept():
    with jax.checking_leaks():
        jax.jit(ops.random)(x[:2])
        jax.jit(jax.grad(lambda x: ops.right_pytree(dict(layer=ops.Weights_right_pytree(x, x)), {"in": x})[0].sum()))(x)
"""


# Without variants of what the rules met, which take most of the time of a check.
UNVARIED = """
from jax_ref.checks import question
question.variants, question.larger = lambda given, thorough: (), lambda given: ()
"""
# Without smaller cases too; as projects are, with numbers of 32 bits.
QUICK = f"""{UNVARIED}
import jax
from jax_ref.checks import shrink
shrink.SHRINKING = 0
jax.config.update("jax_enable_x64", False)
"""


def written(definition, f, k=1):
    return textwrap.dedent(definition).format(f=f, name=f, k=k)


def project(folder):
    ops, tests = [HEAD, INNER], [TESTS]
    ops.append(written(LARGE, "seen_patched"))
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
    (folder / "conftest.py").write_text(QUICK)


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
    return subprocess.run(command, cwd=folder, env=environment() | kept(folder), capture_output=True, text=True)


def kept(folder):
    """What JAX has compiled is kept for the run, as its memory is cleared before each rule."""
    least = {"MIN_COMPILE_TIME_SECS": "0", "MIN_ENTRY_SIZE_BYTES": "-1"}
    least = {f"JAX_PERSISTENT_CACHE_{name}": value for name, value in least.items()}
    return {"JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"), **least}


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


@pytest.mark.parametrize("name", [*SEEN, "patched"])
def test_tracers_are_seen_through(said, name):
    status, words = said[f"seen_{name}"]
    assert status == "wrong" and "ratio 2" in words and "rerun: pytest --ad-rules test_ops.py::test_" in words


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
    assert "ad: 1 on purpose, " in run.stdout and run.returncode == 1
    assert re.findall(r"^FAILED (\S+)", run.stdout, re.M) == ["test_ops.py::test_that_fails"]


def test_other_rules_give_way_to_their_bodies(said):
    """So JAX can compare a rule around one that it has no forward mode for, and differences need not decide."""
    assert "differences" not in said["right_beside_a_wrong_rule"][1]


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


# Parts


@pytest.mark.parametrize(
    ("f", "left", "right"),
    [
        (np.sin, 1.0, 1.0),
        (np.abs, -1.0, 1.0),
        (lambda s: s if s < 0.02 else 1.0, 1.0, 1.0),
        (lambda s: np.log(s + 1) if s >= 0 else np.nan, np.nan, 1.0),
    ],
)
def test_slopes_of_both_sides_and_their_bound(f, left, right):
    found = slopes(f, 0.01, 2e-16)
    for mine, true in ((found.left, left), (found.right, right)):
        assert (np.isnan(mine) and np.isnan(true)) or abs(mine - true) <= found.bound < 1e-6
    assert found.allows(right, 0.0, 1.0) is True and found.allows(1.1, 0.0, 1.0) is False


def test_a_jump_nearby_settles_nothing():
    found = slopes(lambda s: s if s < 0.004 else 1.0, 0.01, 2e-16)
    assert found.allows(1.0, 0.0, 1.0) is not False and found.allows(100.0, 0.0, 1.0) is not True


def test_slopes_of_noise_settle_nothing():
    rng = np.random.default_rng(0)
    told = [slopes(lambda s: s + 1e-3 * rng.normal(), 0.1, 2e-16).allows(k, 0.0, 1.0) for k in (1.0, 1.2) * 200]
    assert told == [None] * 400


def test_slopes_of_an_iteration_that_stops_somewhere():
    """Newton's square root, of 1e-5 or better: its derivative is known to two digits, and no wrong one goes by."""

    def root(a):
        y, previous = 1.0, 0.0
        while abs(y - previous) > 1e-2:
            y, previous = (y + a / y) / 2, y
        return y

    for a in np.linspace(1.5, 40, 50):
        found, true = slopes(lambda s, a=a: root(a + s), 0.01 * a, 2e-16), 0.5 / np.sqrt(a)
        assert found.allows(true, 1e-3 * true, 0.0) is not False
        assert found.allows(1.2 * true, 1e-3 * true, 0.0) is not True


SMALL = """
import jax, jax.numpy as jnp

@jax.custom_vjp
def f(x):
    return jnp.sin(x)
f.defvjp(lambda x: (f(x), x), lambda x, g: (2 * g * jnp.cos(x),))

def test():
    f(jnp.ones(3))
"""


@pytest.fixture
def suite(pytester, monkeypatch):
    """Runs pytest with the plugin on a file ``test_it.py`` with this text."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)

    def run(text, *options):
        pytester.makepyfile(test_it=text)
        return pytester.runpytest_subprocess("-p", "jax_ref.pytest_plugin", "-W", "error", *options)

    return run


def test_a_wrong_rule_fails_a_run_of_tests_that_pass(suite, pytester):
    pytester.makeconftest(UNVARIED)
    assert suite(SMALL).ret == 0
    result = suite(SMALL, "--ad-rules")
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["wrong*test_it.f (jax.custom_vjp, test_it.py:3): 1 call", "*smallest: *", "ad: 1 wrong"]
    )


def test_rules_made_in_one_place_are_each_checked(suite, pytester):
    pytester.makeconftest(QUICK)
    made = """
    import jax, jax.numpy as jnp

    def with_rule(back):
        @jax.custom_vjp
        def f(x):
            return jnp.sin(x)
        f.defvjp(lambda x: (f(x), x), back)
        return f

    def scaled(k):
        return with_rule(lambda x, g: (k * g * jnp.cos(x),))

    RIGHT = with_rule(lambda x, g: (g * jnp.cos(x),))

    def test():
        for f in (RIGHT, scaled(1), scaled(4)):
            f(jnp.ones(3))
    """
    result = suite(made, "--ad-rules")
    result.stdout.fnmatch_lines(
        [
            "right *derivative at test_it.py:13: 1 call",
            "wrong *derivative at test_it.py:11: 2 calls",
            "*ratio 4;*",
            "ad: 1 right, 1 wrong",
        ]
    )


def test_a_rule_may_be_another_derivative_on_purpose(suite, pytester):
    pytester.makeconftest(QUICK)
    result = suite(SMALL, "--ad-rules", "--ad-rules-allow", "test_it.*")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["on purpose *test_it.f *", "ad: 1 on purpose"])


def test_nothing_is_imported_for_it(suite):
    text = """
    import sys

    def test():
        assert not {"jax", "torch", "scratch_ad"} & sys.modules.keys()
    """
    result = suite(text, "--ad-rules", "-p", "no:cacheprovider")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["ad: no custom rule was called; no record is left for `scratch-ad rules`, as *"])
    text += """
        assert "jax_ref.rules" not in sys.modules
    """
    assert suite(text).ret == 0


def test_the_help_says_what_it_does(suite):
    out = re.sub(r"\s+", " ", suite("", "--help").stdout.str())
    assert "--ad-rules after the run, check each jax.custom_vjp," in out and "a wrong one makes the run fail" in out


@pytest.mark.parametrize(
    ("record", "said"), [(None, "no record there"), ("{}", "no record of"), ("[1", "no record of")]
)
def test_a_record_that_is_none(tmp_path, record, said, capsys):
    from jax_ref.commands import cli

    if record:
        (tmp_path / "v" / "scratch-ad").mkdir(parents=True)
        (tmp_path / "v" / "scratch-ad" / "rules").write_text(record)
    assert cli.main(["rules", "json", "--record", str(tmp_path)]) == cli.USAGE
    assert said in capsys.readouterr().err
    assert cli.main(["rules", "no_such_package"]) == cli.USAGE


def test_rules_under_other_names_and_below_classes(tmp_path, monkeypatch, capsys):
    from jax_ref.commands import cli

    package = tmp_path / "some_rules"
    package.mkdir()
    (package / "__init__.py").write_text("print('hello')")
    (package / "broken.py").write_text("raise SystemExit(3)")
    (package / "more.py").write_text(
        textwrap.dedent("""
        from functools import partial
        from jax import custom_jvp as cj, custom_vjp
        import jax.numpy as np
        import jax as j

        vjp = j.custom_vjp

        class Layer:
            @staticmethod
            @cj
            def act(x):
                return x

            def run(self, x):
                @partial(vjp, nondiff_argnums=(0,))
                def inner(n, x):
                    return x
                return inner(2, x)

        square = custom_vjp(lambda x: x * x)

        def make(f):
            def body(x):
                return f(x)
            return j.jit(custom_vjp(body)), custom_vjp(f)
        """)
    )
    monkeypatch.chdir(tmp_path)
    assert cli.main(["rules", "some_rules"]) == cli.GOOD
    out = capsys.readouterr().out
    found = dict(re.findall(r"^some_rules.more.(\S+) \((\S+), ", out, re.M))
    names = "Layer.act", "Layer.run.<locals>.inner", "<lambda>", "make.<locals>.body", "make.<locals>.f"
    assert {*found} == {*names} and found["Layer.act"] == "jax.custom_jvp"
    assert "not imported: some_rules.broken: SystemExit: 3" in out and "hello" not in out


@pytest.mark.skipif(not find_spec("torch"), reason="torch comes with the extra bench")
def test_rules_of_pytorch(suite):  # torch is not imported here: pytester would forget it, and it cannot come twice
    result = suite(
        """
        import torch

        class Right(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, n):
                ctx.save_for_backward(x)
                return torch.sin(x), n

            @staticmethod
            def backward(ctx, g, _):
                (x,) = ctx.saved_tensors
                return g * torch.cos(x), None

        class Wrong(torch.autograd.Function):
            @staticmethod
            def forward(x, y):
                return x * y

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.save_for_backward(*inputs)

            @staticmethod
            def backward(ctx, g):
                x, y = ctx.saved_tensors
                return g * y, 50 * g * x

        def test():
            x = torch.ones(2, requires_grad=True)
            Right.apply(x, "text")[0].sum().backward()
            Wrong.apply(x, x)
        """,
        "--ad-rules",
    )
    result.stdout.fnmatch_lines(
        [
            "right *test_it.Right (torch.autograd.Function, test_it.py:3): 1 call; by differences *",
            "wrong *test_it.Wrong (torch.autograd.Function, test_it.py:14): 1 call",
            "*Wrong, by differences *: 2 of 4 wrong",
            "*vjp, argument 1 ?0?: *, not *",
        ]
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
