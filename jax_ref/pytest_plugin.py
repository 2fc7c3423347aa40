"""The pytest plugin: checks of derivatives against JAX inside any test suite. It is installed with the package.

    def test_softplus(ad_check):
        ad_check(lambda x: np.log1p(np.exp(x)), np.linspace(-1, 1, 3))

    @pytest.mark.ad(np.linspace(-1, 1, 3), order=1)
    def test_softplus(x):
        return np.log1p(np.exp(x))

Options come from ``jax_ref.check``: those of a call go before those of the marker, and these before the command
line's ``--ad-…``. JAX is imported by the first check, which also enables 64-bit numbers in it.
"""

import functools
import importlib.metadata
import inspect
import os

import pytest

_DEVICE = "ad_device"


def pytest_addoption(parser):
    group = parser.getgroup("ad", "derivatives against JAX")
    group.addoption("--ad-engine", default="scratch_ad", metavar="NAME", help="a name, or package.module:object")
    group.addoption("--ad-order", type=int, choices=(1, 2), default=2, help="of derivatives (default: 2)")
    group.addoption("--ad-mode", choices=("fwd", "rev"), help="by default both")
    group.addoption("--ad-seed", default="0", metavar="TEXT", help="other tangents and cotangents")


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "ad(*args, **options): with arguments, check the derivative of the test function itself at them; "
        "without, options for ad_check: engine, modes, order, edges, reference, seed.",
    )


def pytest_report_header(config):
    names = ("scratch-ad", "numpy", "jax", "jaxlib")
    device = os.environ.get("JAX_PLATFORMS") or "JAX's default"
    return f"ad: {', '.join(filter(None, map(_version, names)))}; device: {device}"


def _version(name):
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return ""


def pytest_terminal_summary(terminalreporter):
    """Say on which devices was computed, also by the processes of pytest-xdist."""
    reports = [report for of in terminalreporter.stats.values() for report in of]
    properties = [p for report in reports for p in getattr(report, "user_properties", ())]
    if devices := sorted({value for name, value in properties if name == _DEVICE}):
        terminalreporter.write_line(f"ad: computed on {', '.join(devices)}")


@pytest.fixture
def ad_check(request):
    """``jax_ref.check`` with the options of the command line and of the test's marker ``ad``."""
    return functools.partial(_check, request.node)


def _check(item, f, *args, **options):
    from .checks import check
    from .sweep import device

    item.user_properties.append((_DEVICE, device()))
    config, marker = item.config.option, item.get_closest_marker("ad")
    given = {"engine": config.ad_engine, "order": config.ad_order, "seed": config.ad_seed}
    given |= {"modes": (config.ad_mode,)} if config.ad_mode else {}
    return check(f, *args, **given | (marker.kwargs if marker else {}) | options)


def _parameters(item):
    """The names of a test function's parameters, but for ``self``."""
    bound = item.cls and not isinstance(inspect.getattr_static(item.cls, item.originalname), staticmethod)
    return [*inspect.signature(item.function).parameters][1 if bound else 0 :]


def _points(item):
    """The arguments of the test's marker by the names of its first parameters, if it has any."""
    marker = item.get_closest_marker("ad")
    return dict(zip(_parameters(item), marker.args)) if marker else {}


def pytest_generate_tests(metafunc):
    if points := _points(metafunc.definition):
        metafunc.parametrize([*points], [[*points.values()]], ids=["ad"])


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """In place of a call, check the derivative of the test function; its other parameters are fixtures."""
    points = _points(pyfuncitem)
    if not points:
        return None
    fixtures = {name: pyfuncitem.funcargs[name] for name in _parameters(pyfuncitem) if name not in points}
    f = functools.wraps(pyfuncitem.obj)(functools.partial(pyfuncitem.obj, **fixtures))
    _check(pyfuncitem, f, *points.values())
    return True
