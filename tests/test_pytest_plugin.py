"""The pytest plugin, in suites of its own that run in other processes."""

import os
import sys

import pytest

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


@pytest.fixture
def suite(pytester, monkeypatch):
    """Runs pytest with the plugin on a file with this text."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(os.path.abspath, sys.path)))
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")

    def run(text, *options):
        pytester.makepyfile(text)
        return pytester.runpytest_subprocess("-p", "jax_ref.pytest_plugin", "-W", "error", *options)

    return run


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_right_and_wrong_rules(suite, options):
    result = suite(SUITE, "-rA", *options)
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(["ad: *numpy *jax *device: cpu"])
    result.stdout.fnmatch_lines(["*constant ratio 3*"])
    result.stdout.fnmatch_lines(["ad: computed on cpu"])
    for name in ("test_right", "test_marked_right*"):
        result.stdout.fnmatch_lines([f"PASSED *::{name}"])
    for name in ("test_wrong", "test_marked", "TestInAClass::test_marked_wrong*"):
        result.stdout.fnmatch_lines([f"FAILED *::{name}*"])


def test_options_of_the_command_line(suite):
    text = """
    import numpy as np
    from jax_ref.engine import Engine
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
        assert ad_check(np.sin, np.ones(3)).engine == "of a test"
        assert set(asked) == {"rev"} and len(asked) < 12
    """
    result = suite(
        text, "--ad-engine", "test_options_of_the_command_line:engine", "--ad-mode", "rev", "--ad-order", "1"
    )
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
    suite(text).assert_outcomes(passed=3)


def test_the_marker_is_known(suite):
    suite("", "--markers").stdout.fnmatch_lines(["@pytest.mark.ad(*args, ?*options): *"])
