"""The pytest plugin, in suites of its own that run in other processes."""

import inspect
import os
import re
import sys

import pytest

from jax_ref import check
from jax_ref.pytest_plugin import ASKED, OPTIONS

pytest_plugins = ["pytester"]

SUITE = """
import numpy as np
import pytest
import scratch_ad

@scratch_ad.custom_vjp
def wrong(x):
    return np.sin(x)

wrong.defvjp(lambda x: (np.sin(x), x), lambda x, g: (g * 3 * np.cos(x),))

def test_right(ad_check):
    assert ad_check(lambda x: np.sin(x) * x, np.ones(3)).ok

def test_wrong(ad_check):
    ad_check(wrong, np.ones(3), modes=("rev",), order=1)

@pytest.mark.ad(order=1, modes=("rev",))
def test_marked(ad_check):
    ad_check(wrong, np.ones(3))

@pytest.fixture
def factor():
    return 2.0

@pytest.mark.ad(np.ones(3), np.full(3, 2.0))
def test_marked_right(a, b, factor):
    return factor * np.sin(a) * b

class TestInAClass:
    @pytest.mark.ad(np.ones(3), modes=("rev",), order=1)
    def test_marked_wrong(self, x):
        return wrong(x)
"""


class Imported(dict):
    """The modules that runs in this process import: pytester forgets them, and some cannot be imported twice."""

    def pytest_unconfigure(self):
        self.update((name, module) for name, module in sys.modules.items() if name not in ("test_it", "conftest"))


@pytest.fixture
def imported():
    yield (imported := Imported())
    sys.modules.update(imported)


@pytest.fixture
def suite(imported, pytester, monkeypatch, unvaried):
    """Runs pytest on a file ``test_it.py`` with this text: here, or in a process that has not imported JAX."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(os.path.abspath, sys.path)))
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.delenv("JAX_DEFAULT_MATMUL_PRECISION", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a file of another text may have the same size and second

    def run(text, *options, elsewhere=False):
        pytester.makepyfile(test_it=text)
        if elsewhere or "-n" in options:
            return pytester.runpytest_subprocess("-W", "error", *options)
        sys.modules.update(imported)
        return pytester.runpytest_inprocess("-W", "error", *options, plugins=[imported])

    return run


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_right_and_wrong_rules(suite, options):
    result = suite(SUITE, "-rA", *options)
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(["ad: *numpy *jax *; device: cpu"])
    result.stdout.fnmatch_lines(["*constant ratio 3*"])
    result.stdout.fnmatch_lines(["ad: computed on cpu; x64 on, matrix products: highest"])
    for name in ("test_right", "test_marked_right*"):
        result.stdout.fnmatch_lines([f"PASSED *::{name}"])
    for name in ("test_wrong", "test_marked", "TestInAClass::test_marked_wrong*"):
        result.stdout.fnmatch_lines([f"FAILED *::{name}*"])


RULES = """
import jax
import numpy as np
import pytest

pytestmark = pytest.mark.ad(order=1, modes="rev", edges=False)

@jax.custom_vjp
def custom(x):
    return jax.numpy.sin(x)

custom.defvjp(lambda x: (jax.numpy.sin(x), x), lambda x, g: (FACTOR * g * jax.numpy.cos(x),))

def rule(x):
    return np.sin(x), lambda g: (FACTOR * g * np.cos(x),)

def pushed(primals, tangents):
    return np.sin(*primals), FACTOR * np.cos(*primals) * tangents[0]

def test_vjp(ad_check):
    assert ad_check.vjp(rule, np.sin, np.arange(1.0, 4.0)).name == "rule"

def test_jvp(ad_check):
    assert ad_check.jvp(pushed, np.sin, np.arange(1.0, 4.0), seed="mine").ok

def test_custom(ad_check):
    assert ad_check.custom(custom, np.sin, np.arange(1.0, 4.0)).ok
"""


def test_rules_of_the_users_own(suite):
    suite(RULES.replace("FACTOR", "1.0"), "--ad-seed", "x").assert_outcomes(passed=3)
    result = suite(RULES.replace("FACTOR", "3.0"), "--ad-seed", "x")
    result.assert_outcomes(failed=3)
    for call, name, seed in (("vjp", "rule", "x"), ("jvp", "pushed", "mine"), ("custom", "custom", "x")):
        said = f"*rerun: import jax_ref, numpy as np, test_it; jax_ref.check_{call}(test_it.{name}, np.sin, *"
        result.stdout.fnmatch_lines([f"{said}seed='{seed}')"])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_options_of_the_command_line(suite):
    text = """
    import numpy as np
    from jax_ref import Engine
    import scratch_ad

    asked = []

    def jvp(f, primals, tangents):
        asked.append("fwd")
        return scratch_ad.jvp(f, primals, tangents)

    def vjp(f, *primals):
        asked.append("rev")
        return scratch_ad.vjp(f, *primals)

    engine = Engine("of a test", jvp, vjp)

    def test(ad_check):
        assert ad_check(np.sin, np.ones(3), vary=False).engine == "of a test"
        assert set(asked) == {"rev"} and len(asked) < 12
    """
    result = suite(text, "--ad-engine", "test_it:engine", "--ad-mode", "rev", "--ad-order", "1")
    result.assert_outcomes(passed=1)
    assert suite(text, "--ad-mode", "sideways").ret == pytest.ExitCode.USAGE_ERROR


def test_jax_is_not_imported_until_a_check_runs(suite):
    text = """
    import sys

    def test_before():
        assert not {"jax", "scratch_ad"} & sys.modules.keys()

    def test_the_fixture_alone(ad_check):
        assert "jax" not in sys.modules

    def test_after(ad_check):
        import numpy as np
        ad_check(np.sin, np.ones(3))
        assert "jax" in sys.modules
    """
    suite(text, elsewhere=True).assert_outcomes(passed=3)


def test_the_marker_is_known(suite):
    suite("", "--markers").stdout.fnmatch_lines(["@pytest.mark.ad(*args, ?*options): *"])


# What checks nothing


def test_what_checks_nothing_fails(suite):
    text = """
    import numpy as np
    import pytest
    import unittest

    @pytest.mark.ad(np.ones(3))
    def test_without_return(x):
        np.sin(x)

    def test_none(ad_check):
        ad_check(lambda x: None, np.ones(3))

    def test_no_arguments(ad_check):
        ad_check(lambda: 1.0)

    def test_integers(ad_check):
        ad_check(np.floor, np.arange(3))

    class TestOfUnittest(unittest.TestCase):
        @pytest.mark.ad(np.ones(3))
        def test(self):
            pass
    """
    result = suite(text)
    assert not result.parseoutcomes().get("passed")
    for line in (
        "E *TypeError: test_without_return: returns nothing to differentiate: *",
        "E *TypeError: f: returns nothing to differentiate: *",
        "E *TypeError: f: no argument to differentiate: *",
        "E *TypeError: np.floor: no argument to differentiate: *",
        "*the marker ad cannot give a point to a unittest.TestCase *",
    ):
        result.stdout.fnmatch_lines([line])


@pytest.mark.parametrize(
    ("marker", "parameters", "problem"),
    [
        ("np.ones(3), np.ones(2)", "x", "gives 2 arguments to a function of 1."),
        ("order=1", "", "does nothing: give it a point, *"),
        ("", "", "does nothing: give it a point, *"),
        ("np.ones(3), ordr=1", "x", f"has no option ordr, only {', '.join(OPTIONS)}."),
        ("np.ones(3), np.ones(3))\n@pytest.mark.ad(np.ones(3)", "x, y", "gives different numbers of arguments; *"),
    ],
)
def test_a_wrong_marker_ends_the_collection(suite, marker, parameters, problem):
    imports = "import numpy as np\nimport pytest"
    result = suite(f"{imports}\n@pytest.mark.ad({marker})\ndef test_one({parameters}):\n    return x")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"test_it.py::test_one: the marker ad {problem}"])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_options_are_those_of_check():
    assert tuple(inspect.signature(check).parameters)[2:] == OPTIONS
    assert set(ASKED.values()) < set(OPTIONS)


# Several markers


def test_markers_together(suite):
    text = """
    import numpy as np
    import pytest
    from jax_ref.checks import check as checks

    calls = []

    @pytest.fixture(autouse=True)
    def kept(monkeypatch):
        monkeypatch.setattr(checks, "check", lambda f, *args, **options: calls.append((args, options)) or f(*args))

    both, common = ("fwd", "rev"), {"seed": "module", "engine": "jax", "edges": True}
    pytestmark = pytest.mark.ad(seed="module", modes="fwd")

    def test_uses_none():
        pass

    @pytest.mark.ad(order=1)
    class TestClass:
        @pytest.mark.ad(seed="function")
        def test_nearest(self, ad_check):
            ad_check(np.sin, 1.0, edges=False)
            assert calls.pop()[1] == {"seed": "function", "modes": "fwd", "order": 1, "engine": "jax", "edges": False}

        @pytest.mark.ad(1.0, order=2)
        @pytest.mark.ad(2.0, modes="rev")
        @pytest.mark.ad(modes=both)
        @pytest.mark.parametrize("n", [5, 6])
        def test_points(self, x, n, kind=3):
            assert n in (5, 6) and kind == 3

    def test_which():
        first, second = sorted(calls, key=lambda call: call[0])[::2]
        assert first == ((1.0,), {"modes": both, "order": 2, **common})
        assert second == ((2.0,), {"modes": "rev", "order": 1, **common})
    """
    result = suite(text, "-v", "--ad-engine", "jax", "--ad-edges")
    result.assert_outcomes(passed=7)
    for name in ("ad0-5", "ad1-5", "ad0-6", "ad1-6"):
        result.stdout.fnmatch_lines([f"*::test_points?{name}? PASSED*"])


# Options of a whole run

SHARDED = """
import numpy as np
import pytest

@pytest.mark.xfail(run=False, reason="not to be run")
@pytest.mark.ad(np.ones(3))
@pytest.mark.ad(np.zeros(3))
def test_marked(x):
    return np.sin(x)

@pytest.mark.parametrize("i", range(3))
def test_fixture(i, ad_check):
    pass

def test_of_something_else():
    pass
"""


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_shards(suite, options):
    def ran(i):
        lines = suite(SHARDED, "-rA", "--ad-shard", f"{i}/2", *options).outlines
        return {name for line in lines for name in re.findall(r"^(?:PASSED|XFAIL).* (\S+::\S+)", line)}

    first, second = ran(1), ran(2)
    assert (len(first), len(second), len(first | second)) == (4, 3, 6)
    assert first & second == {"test_it.py::test_of_something_else"}


def test_a_shard_that_is_none(suite):
    result = suite(SHARDED, "--ad-shard", "3/2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--ad-shard: 3/2 is not i/n with i from 1 to n"])


DEVICE = """
import os
import numpy as np

def test(ad_check):
    assert os.environ["JAX_PLATFORMS"] == "cpu"
    ad_check(np.sin, np.ones(3), modes="rev", order=1)
"""


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_the_device_is_set_before_jax_is_imported(suite, monkeypatch, pytester, options):
    monkeypatch.delenv("JAX_PLATFORMS")
    pytester.makeconftest("import jax\njax.numpy.ones(3)")
    result = suite(DEVICE, "--ad-device", "cpu", *options, elsewhere=True)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["ad: *; device: cpu"])


def test_no_device_is_named_before_it_is_known(suite, monkeypatch):
    monkeypatch.delenv("JAX_PLATFORMS")
    result = suite("def test(): pass", elsewhere=True)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("ad: *device*")


@pytest.mark.parametrize(
    ("asked", "problem", "options"),
    [
        (("--ad-engine", "nope"), "ad: no engine nope: take one of *", ("-n", "1")),
        (("--ad-device", "gpu"), "ad: --ad-device gpu: JAX computes on cpu. Install *", ()),
    ],
    ids=["engine", "device"],
)
def test_a_run_that_lacks_something_ends_at_the_first_check(suite, asked, problem, options):
    text = """
    import numpy as np
    import pytest

    @pytest.mark.parametrize("i", range(3))
    def test(i, ad_check):
        ad_check(np.sin, np.ones(3))
    """
    result = suite(text, *asked, *options)
    assert result.ret != pytest.ExitCode.OK
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines([problem, f"*! *{problem}"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_matrix_products_are_exact_unless_it_is_set_otherwise(suite):
    text = """
    import jax
    import numpy as np

    seen = []

    def product(a):
        seen.append(jax.config.jax_default_matmul_precision)
        return a @ a

    def test(ad_check):
        ad_check(product, np.ones((2, 2)), modes="rev", order=1)
        assert {*seen} == {"highest"}
        assert jax.config.jax_default_matmul_precision is None

    def test_chosen(ad_check):
        seen.clear()
        with jax.default_matmul_precision("high"):
            ad_check(product, np.ones((2, 2)), modes="rev", order=1)
        assert {*seen} == {"high"}
    """
    result = suite(text)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["ad: computed on cpu; *: high", "ad: computed on cpu; *: highest"])


# What a failure shows


def test_a_failure_shows_the_users_lines_and_how_to_run_it_again(suite):
    result = suite(SUITE, "--ad-seed", "other one", "-k", "test_wrong or test_marked_wrong")
    result.stdout.fnmatch_lines([">*ad_check(wrong, np.ones(3), modes=*", "E *AssertionError: wrong at *"])
    rerun = "pytest '--ad-seed=other one' 'test_it.py::TestInAClass::test_marked_wrong[[]ad0]'"
    result.stdout.fnmatch_lines([f"*rerun: {rerun}"])
    for line in ("*pytest_plugin.py*", "*checks?*.py*", "*jax_ref.check(test_marked_wrong*", "*entries are hidden*"):
        result.stdout.no_fnmatch_line(line)


def test_a_marked_test_raises_assertion_errors(suite):
    text = """
    import numpy as np
    import pytest
    import scratch_ad

    @scratch_ad.custom_vjp
    def wrong(x):
        return np.sin(x)

    wrong.defvjp(lambda x: (np.sin(x), x), lambda x, g: (g * 3 * np.cos(x),))

    @pytest.mark.xfail(raises=AssertionError, strict=True, reason="three times the slope")
    @pytest.mark.ad(np.ones(3), modes="rev", order=1)
    def test_wrong(x):
        return wrong(x)

    @pytest.mark.ad(np.ones(3))
    def test_of_its_own(x):
        assert x.ndim == 2, "a matrix"
        return x
    """
    result = suite(text)
    result.assert_outcomes(xfailed=1, failed=1)
    result.stdout.fnmatch_lines([">*assert x.ndim == 2*", "E *AssertionError: a matrix"])
