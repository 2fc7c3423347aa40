"""The engines: by name, what they lack, and that peers are compared fairly with JAX."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jax_ref import check
from jax_ref.engines import peers, ready
from jax_ref.engines.ready import ENGINES, JAX, NUMERICAL, Engine, engine
from jax_ref.measure.derivatives import Problem, findings, references
from jax_ref.measure.vectors import vectors
from jax_ref.sweep import runs, sweep

# PyTorch warns of a function of its own that it calls when it first differentiates.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")


def peer(name):
    """The engine of a peer, which the extra ``bench`` brings; without it only the tests of that peer are skipped."""
    pytest.importorskip(name.removeprefix("scratch_ad-"), reason=f"{name} comes with the extra bench, or needs a GPU")
    return peers.PEERS[name]()


def wrong(engine, write, *primals, modes=("fwd", "rev"), order=2):
    """What is wrong with the engine's derivatives of the function that ``write`` writes for a namespace."""
    f = write(np)
    problem = Problem(f, vectors(f, primals, "0"), min(order, engine.order), write(engine.namespace))
    return findings(engine, problem, references([problem])[0], modes)


@pytest.mark.parametrize("name", [*ENGINES, *peers.PEERS])
def test_an_engine_is_found_by_its_name(name):
    assert (peer(name) if name in peers.PEERS else engine(name)).name == engine(name).name == name


def test_an_engine_of_the_users_own():
    assert engine("jax_ref.engines.ready:NUMERICAL") is NUMERICAL


@pytest.mark.parametrize(
    "name", ["tensorflow", "jax_ref.engines.ready:nothing", "no_such_module:engine", "jax_ref.engines.ready:ENGINES"]
)
def test_an_unknown_engine_is_refused(name):
    with pytest.raises(ValueError, match=name.partition(":")[0]):
        engine(name)


def test_a_peer_that_is_not_installed_is_named(monkeypatch):
    def lacking():
        raise ImportError("No module named 'autograd'")

    monkeypatch.setitem(peers.PEERS, "autograd", lacking)
    with pytest.raises(ValueError, match="pip install"):
        engine("autograd")


def test_the_modes_of_an_engine():
    assert JAX.modes() == ("fwd", "rev")
    assert ready.REVERSE.modes() == ("rev",)
    assert peer("mygrad").modes() == ("rev",)


@pytest.mark.parametrize("name", peers.PEERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_peer_is_right_on_functions_that_it_has(name, dtype):
    x = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], dtype)
    assert not wrong(peer(name), lambda np: lambda a: np.sum(np.sin(a) * a, axis=0), x)


@pytest.mark.parametrize("name", ["autograd", "torch"])
def test_complex_cotangents_are_those_of_jax(name):
    """Of a holomorphic function, of one that is not, and from real to complex and back."""
    z = np.array([0.5 + 1j, -1.0 + 0.25j])
    assert not wrong(peer(name), lambda np: lambda z: np.sin(z) * z, z)
    assert not wrong(peer(name), lambda np: lambda z: np.conjugate(z) * z, z, order=1)
    assert not wrong(peer(name), lambda np: lambda z: np.abs(z), z, order=1)
    assert not wrong(peer(name), lambda np: lambda x: np.exp(1j * x), z.real)


@pytest.mark.parametrize("name", peers.PEERS)
def test_containers(name):
    write = lambda np: lambda pair: [pair["x"] * pair["y"], np.sin(pair["x"])]
    primals = {"x": np.array([1.0, 2.0]), "y": np.array([3.0, 0.5])}
    assert not wrong(peer(name), write, primals)


@pytest.mark.parametrize("name", peers.PEERS)
def test_what_a_peer_lacks_is_missing(name):
    with pytest.raises(NotImplementedError):
        wrong(peer(name), lambda np: lambda a: np.unwrap(a), np.array([1.0, 2.0]))


def test_several_results_of_one_function():
    assert not wrong(
        peer("autograd"), lambda np: lambda a: list(np.linalg.slogdet(a)), np.eye(2), modes=("rev",), order=1
    )


def test_an_error_in_a_rule_is_no_lack():
    """autograd cannot transpose a repetition of different lengths, and raises: that is told as it is."""
    with pytest.raises(TypeError):
        wrong(peer("autograd"), lambda np: lambda a: np.repeat(a, [1, 2]), np.ones(2), modes=("rev",), order=1)


def test_functions_of_another_meaning_in_pytorch_are_lacking():
    """PyTorch's median is the lower one, and no axes mean all of them."""
    for write in (lambda np: lambda a: np.median(a), lambda np: lambda a: np.sum(a, axis=())):
        with pytest.raises(NotImplementedError):
            wrong(peer("torch"), write, np.array([1.0, 2.0]))


def test_pytorch_by_numpys_names():
    x = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
    for write in (
        lambda np: lambda a: np.std(a, axis=1, ddof=1, keepdims=True),
        lambda np: lambda a: np.max(a, axis=0),
        lambda np: lambda a: np.transpose(a, (1, 0)),
        lambda np: lambda a: np.sort(a, axis=-1),
        lambda np: lambda a: np.sum(a, keepdims=True),
        lambda np: lambda a: np.fft.fft(a, axis=0),
        lambda np: lambda a: a @ np.array([1.0, 2.0, 3.0]),
    ):
        assert not wrong(peer("torch"), write, x)


def test_a_wrong_peer_is_found():
    """PyTorch nests its forward mode, but the second derivative of a solution is wrong: it forgets that A moves."""
    a = np.array([[2.0, 0.5], [0.25, 1.5]])
    write = lambda np: lambda a: np.linalg.solve(a, a[0])
    assert not wrong(peer("torch"), write, a, order=1)
    assert {f.what for f in wrong(peer("torch"), write, a)} >= {"jvp of jvp"}


def test_an_engine_without_a_mode_is_asked_for_the_other_alone():
    half = Engine("half", jvp=lambda f, x, t: (f(*x), f(*x)))
    assert {f.mode for f in wrong(half, lambda np: np.sin, np.array([1.0, 2.0]), order=1)} <= {"fwd"}


class Ring:
    """Numbers of an engine of its own, that take no function of NumPy's."""

    def __init__(self, x):
        self.x = x

    def __mul__(self, other):
        return Ring(self.x * getattr(other, "x", other))


def ring_vjp(f, x):
    """Reverse mode of squares alone, and of lists of them."""
    out = f(Ring(x))
    if isinstance(out, list):
        return [y.x for y in out], lambda g: (sum(2 * x * part for part in g),)
    return out.x, lambda g: (2 * x * g,)


class RingCalls:
    square = staticmethod(lambda a: a * a)
    linalg = None


RING = Engine("ring", vjp=ring_vjp, namespace=RingCalls, order=1)


@pytest.mark.parametrize("f", [lambda a: np.sin(a) * a, np.exp, lambda a: np.linalg.norm(np.sqrt(a))])
def test_a_numpy_function_for_an_engine_of_another_namespace_is_refused_with_the_remedy(f):
    x = np.array([1.0, 2.0])
    words = r"and f calls np\.(sin|exp|sqrt)\. Write it in .*engine='ring', reference=f"
    with pytest.raises(TypeError, match=words) as error:
        check(f, x, engine=RING)
    assert error.value.__cause__ is not None
    assert check(lambda a: RingCalls.square(a), x, engine=RING, reference=np.square).ok  # the remedy
    assert check(lambda a: a * a, x, engine=RING).ok


def test_an_error_of_a_function_in_the_engines_own_calls_is_raised_as_it_is():
    with pytest.raises(AttributeError, match="has no attribute 'cube'"):
        check(lambda a: RingCalls.cube(a), np.ones(2), engine=RING, reference=np.square)
    with pytest.raises(ZeroDivisionError):
        check(lambda a: a * (1 / 0), np.ones(2), engine=RING)


@pytest.mark.parametrize("name", ["torch", "autograd"])
def test_a_numpy_function_for_a_peer_is_refused_with_the_remedy(name):
    with pytest.raises(TypeError, match=f"and f calls np.fft.fft. .*engine='{name}', reference=f"):
        check(lambda a: np.fft.fft(a), np.array([1.0, 2.0]), engine=peer(name))


def test_what_is_not_in_the_namespace_is_missing_and_no_error():
    in_float64 = lambda name: runs.run(sweep.Unit(name, "float64"), RING)
    assert {bool(result.missing) for result in in_float64("np.tanh")} == {True}
    assert all("has no attribute 'tanh'" in result.missing for result in in_float64("np.tanh"))
    assert in_float64("np.square")[0].ok
    broken = replace(RING, vjp=lambda f, x: [].data)  # here
    (finding,) = runs.run(sweep.Unit("np.square", "float64"), broken)[0].findings
    assert finding.what == "error"
    assert str(finding.difference).endswith(f"'list' object has no attribute 'data' (test_engine.py:{line('# here')})")


def line(part):
    """The number of the line of this file that ends so."""
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if text.endswith(f"  {part}"))


def test_an_engine_that_takes_no_lists_is_told_so():
    of_one = replace(RING, vjp=lambda f, x: (f(Ring(x)).x, lambda g: (2 * x * g,)))  # of one
    (finding,) = runs.run(sweep.Unit("np.square", "float64"), of_one)[0].findings
    words = f"'list' object has no attribute 'x' (test_engine.py:{line('# of one')}). The function returned a list of"
    assert words in str(finding.difference)


def test_a_missing_cupy_is_named():
    if importlib.util.find_spec("cupy"):
        pytest.skip("CuPy is installed here, and so cannot be missing")
    with pytest.raises(ValueError, match="pip install cupy"):
        engine("scratch_ad-cupy")
