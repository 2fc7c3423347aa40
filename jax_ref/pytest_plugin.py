"""The pytest plugin: checks of derivatives against JAX inside any test suite. It is installed with the package.

    def test_softplus(ad_check):
        ad_check(lambda x: np.log1p(np.exp(x)), np.linspace(-1, 1, 3))

    def test_a_rule(ad_check):
        ad_check.vjp(my_vjp, np.sinc, x)        # jax_ref.check_vjp: my_vjp(*primals) -> (out, pullback)
        ad_check.jvp(my_jvp, np.sinc, x)        # check_jvp: my_jvp(primals, tangents) -> (out, tangent_out)
        ad_check.custom(clip, lambda x: x, x)   # check_custom: a jax.custom_vjp, …, torch.autograd.Function

    @pytest.mark.ad(np.linspace(-1, 1, 3), order=1)
    @pytest.mark.ad(np.array([800.0]), edges=True)
    def test_softplus(x):
        return np.log1p(np.exp(x))

A marker with arguments is a point at which the test function itself is checked, one of several: each is a test of its
own. Its first parameters get the arguments, the others are fixtures. Options are those of ``jax_ref.check``: those of a
call or a point go before those of markers without arguments (the nearest first: function, class, module), and these
before the command line's ``--ad-…``; of markers and command line, ``.vjp``, ``.jvp`` and ``.custom`` take what their
check has (a rule has no engine). What is known to fail is marked with pytest's own
``xfail(raises=AssertionError, strict=True)``. JAX is imported by the first check, which also enables 64-bit numbers
in it; matrix products run at its highest precision, unless another is set.

``--ad-rules`` checks the custom rules that the tests call, whatever these test (``rules.session``).
"""

import functools
import importlib.metadata
import inspect
import os
import shlex
from collections import ChainMap

import pytest

from .commands.options import shard_of

OPTIONS = (  # of check, which imports JAX
    *("modes", "order", "engine", "edges", "vary", "reference", "reference_by", "noise", "seed"),
)
ASKED = {"engine": "engine", "order": "order", "mode": "modes", "seed": "seed", "edges": "edges"}  # by --ad-…
_POINT = "ad_point"  # a parameter of tests: the options of their marker with arguments
_COMPUTED = "ad_computed"
_WATCH = pytest.StashKey()  # notes the calls of custom rules, if that is asked for


class Mismatch(pytest.fail.Exception, AssertionError):
    """What a marked test raises: pytest shows the message alone."""

    __module__ = "builtins"


# Options


def pytest_addoption(parser):
    group = parser.getgroup("ad", "derivatives against JAX")
    group.addoption("--ad-engine", metavar="NAME", help="a name, or package.module:object (default: scratch_ad)")
    group.addoption("--ad-order", type=int, choices=(1, 2), help="of derivatives (default: 2)")
    group.addoption("--ad-mode", choices=("fwd", "rev"), help="by default both")
    group.addoption("--ad-seed", metavar="TEXT", help="other tangents and cotangents")
    group.addoption("--ad-edges", action="store_true", default=None, help="also at special points: zeros, ties, ±∞, …")
    group.addoption("--ad-device", choices=("auto", "cpu", "gpu"), default="auto", help="(default: what JAX takes)")
    shard = "of the tests with checks every n-th, from the i-th; other tests run in every shard"
    group.addoption("--ad-shard", type=shard_of, metavar="i/n", help=shard)
    rules = (
        "after the run, check each jax.custom_vjp, jax.custom_jvp, torch.autograd.Function and custom rule of "
        "scratch_ad that was called, at the arguments that it met, against the derivative of its own body; "
        "a wrong one makes the run fail"
    )
    group.addoption("--ad-rules", action="store_true", help=rules)
    allow = "custom rules that are another derivative on purpose, as package.module.name, * for any text; repeatable"
    group.addoption("--ad-rules-allow", action="append", metavar="PATTERN", help=allow)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config):
    """Set JAX's environment before anything of the user's imports it; processes of pytest-xdist inherit it."""
    device, rules = early_config.known_args_namespace.ad_device, early_config.known_args_namespace.ad_rules
    if device == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
    if device == "gpu":
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # several processes share it
    if rules:
        from .rules.watch import Watch

        early_config.stash[_WATCH] = watch = Watch()
        early_config.add_cleanup(watch.stop)
        watch.start()


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "ad(*args, **options): with arguments, check the derivative of the test function itself at them; "
        f"without, options for the checks of the test, class or module: {', '.join(OPTIONS)}.",
    )
    if watch := config.stash.get(_WATCH, None):
        from .rules.session import RulesSession

        config.pluginmanager.register(RulesSession(config, watch), "ad-rules")


def pytest_report_header(config):
    names = ("scratch-ad", "numpy", "jax", "jaxlib")
    device = config.option.ad_device
    chosen = os.environ.get("JAX_PLATFORMS") if device == "auto" else device
    return f"ad: {', '.join(filter(None, map(_version, names)))}{f'; device: {chosen}' if chosen else ''}"


def _version(name):
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return ""


def pytest_terminal_summary(terminalreporter):
    """Say on which devices was computed and how exactly, also by the processes of pytest-xdist."""
    reports = [report for of in terminalreporter.stats.values() for report in of]
    properties = [p for report in reports for p in getattr(report, "user_properties", ())]
    for computed in sorted({value for name, value in properties if name == _COMPUTED}):
        terminalreporter.write_line(f"ad: computed on {computed}")


# Which tests check what


def _parameters(item):
    """The names of a test function's parameters, but for ``self``."""
    bound = item.cls and not isinstance(inspect.getattr_static(item.cls, item.originalname), staticmethod)
    return [*inspect.signature(item.function).parameters][1 if bound else 0 :]


def pytest_generate_tests(metafunc):
    """Run a test at each point of its markers, in the order in which they are written."""
    markers = [*metafunc.definition.iter_markers("ad")][::-1]
    points = [marker for marker in markers if marker.args]
    if problem := _problem(metafunc, markers, points):
        pytest.fail(f"{metafunc.definition.nodeid}: the marker ad {problem}.", pytrace=False)
    if points:
        names = _parameters(metafunc.definition)[: len(points[0].args)]
        values = [[*point.args, point.kwargs] for point in points]
        metafunc.fixturenames.append(_POINT)
        metafunc.parametrize([*names, _POINT], values, ids=[f"ad{i}" for i in range(len(points))])


def _problem(metafunc, markers, points):
    """What is wrong with a test's markers, in words."""
    if unknown := [name for marker in markers for name in marker.kwargs if name not in OPTIONS]:
        return f"has no option {unknown[0]}, only {', '.join(OPTIONS)}"
    if points:
        many, there = {len(point.args) for point in points}, len(_parameters(metafunc.definition))
        if max(many) > there:
            return f"gives {max(many)} arguments to a function of {there}"
        return "gives different numbers of arguments; write one test for each" if len(many) > 1 else ""
    used = "ad_check" in metafunc.fixturenames or all(m.name != "ad" for m in metafunc.definition.own_markers)
    return "" if used else "does nothing: give it a point, as in ad(np.ones(3)), or use the fixture ad_check"


def pytest_runtest_setup(item):
    if any(marker.args for marker in item.iter_markers("ad")) and _point(item) is None:
        pytest.fail("the marker ad cannot give a point to a unittest.TestCase or in a pytest.param.", pytrace=False)


def _point(item):
    """The options of the point at which this test is checked; None for other tests."""
    return item.callspec.params.get(_POINT) if hasattr(item, "callspec") else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Deselect the checks of other shards; by their names, as other plugins may shuffle them."""
    if shard := config.option.ad_shard:
        i, n = shard
        checks = {x.nodeid for x in items if "ad_check" in getattr(x, "fixturenames", ()) or _point(x) is not None}
        others = checks - {*sorted(checks)[i - 1 :: n]}
        config.hook.pytest_deselected(items=[x for x in items if x.nodeid in others])
        items[:] = [x for x in items if x.nodeid not in others]


# Checking


@pytest.fixture
def ad_check(request):
    """``jax_ref.check`` with the options of the command line and of the test's markers ``ad``.

    ``ad_check.vjp``, ``.jvp`` and ``.custom`` are ``jax_ref.check_vjp``, ``check_jvp`` and ``check_custom`` likewise.
    """
    return Checks(request.node)


class Checks:
    """The checks of one test."""

    def __init__(self, item):
        self._item = item

    def __call__(self, f, *args, **options):
        __tracebackhide__ = True
        return _check(self._item, "check", f, *args, **options)

    def vjp(self, my_vjp, reference, *primals, **options):
        """A reverse rule beside JAX's derivative of the reference; see ``jax_ref.check_vjp``."""
        __tracebackhide__ = True
        return _check(self._item, "check_vjp", my_vjp, reference, *primals, **options)

    def jvp(self, my_jvp, reference, *primals, **options):
        """A forward rule, likewise; see ``jax_ref.check_jvp``."""
        __tracebackhide__ = True
        return _check(self._item, "check_jvp", my_jvp, reference, *primals, **options)

    def custom(self, f, reference, *args, **options):
        """A function with a custom rule, likewise; see ``jax_ref.check_custom``."""
        __tracebackhide__ = True
        return _check(self._item, "check_custom", f, reference, *args, **options)


def _check(item, name, f, *args, **options):
    __tracebackhide__ = True
    import jax

    from .checks import check as checks
    from .sweep.devices import device, precision

    _require(item)
    asked = {name: getattr(item.config.option, f"ad_{option}") for option, name in ASKED.items()}
    asked = {name: value for name, value in asked.items() if value is not None}
    marked = [marker.kwargs for marker in item.iter_markers("ad") if not marker.args]
    check = getattr(checks, name)
    taken = inspect.signature(check).parameters
    given = {k: v for k, v in ChainMap(_point(item) or {}, *marked, asked).items() if name == "check" or k in taken}
    with jax.default_matmul_precision(jax.config.jax_default_matmul_precision or "highest"):
        item.user_properties.append((_COMPUTED, f"{device()}; {precision()}"))
        return check(f, *args, **{**given, **options})


def _require(item):
    """End the run unless there are the engine and the device of the command line, which only JAX can tell."""
    __tracebackhide__ = True
    import jax

    from .engines.ready import engine
    from .sweep.devices import INSTALL

    option = item.config.option
    try:
        found = jax.devices()[0].platform
        if option.ad_device not in ("auto", found):
            remedy = {
                "cpu": "Set JAX_PLATFORMS=cpu, as JAX was imported before this plugin.",
                "gpu": f"Install JAX for one ({INSTALL}), and leave JAX_PLATFORMS unset.",
            }
            raise ValueError(f"--ad-device {option.ad_device}: JAX computes on {found}. {remedy[option.ad_device]}")
        engine(option.ad_engine or "scratch_ad")
    except (ValueError, RuntimeError) as error:
        item.session.shouldfail = f"ad: {error}"  # pytest.exit breaks pytest-xdist
        pytest.fail(f"ad: {error}", pytrace=False)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """In place of a call, check the derivative of the test function; its other parameters are fixtures."""
    __tracebackhide__ = lambda error: not error.errisinstance(Mismatch)  # pytest would say that it hid everything
    if _point(pyfuncitem) is None:
        return None
    from .report.result import Result

    given = pyfuncitem.funcargs
    names, count = _parameters(pyfuncitem), max(len(marker.args) for marker in pyfuncitem.iter_markers("ad"))
    fixtures = {name: given[name] for name in names[count:] if name in given}
    f = functools.wraps(pyfuncitem.obj)(functools.partial(pyfuncitem.obj, **fixtures))
    try:
        _check(pyfuncitem, "check", f, *(given[name] for name in names[:count]))
    except AssertionError as error:
        if not (error.args and isinstance(result := error.args[0], Result)):
            raise  # by the function itself
        result.rerun = _rerun(pyfuncitem)
        raise Mismatch(str(result), pytrace=False) from None
    return True


def _rerun(item):
    """The command that runs this test again."""
    given = {option: getattr(item.config.option, f"ad_{option}") for option in (*ASKED, "device")}
    given = {option: value for option, value in given.items() if value not in (None, "auto")}
    options = [f"--ad-{option}" + ("" if value is True else f"={value}") for option, value in given.items()]
    return shlex.join(["pytest", *options, item.nodeid])
