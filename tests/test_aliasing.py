"""What shares memory in NumPy does so under differentiation: for every function, a write into its result or argument.

Whether NumPy's result is a view of an argument, the argument itself or a copy is seen by writing into the one and
looking at the other; in the plain run, in both modes and for an example of a batch the same must be seen.
"""

import contextlib

import jax
import numpy as np
import pytest

from jax_ref.cases import catalogue, strided
from jax_ref.lift import lift
from scratch_ad import jvp, scipy, vjp, vmap
from scratch_ad.tracer import Diverged
from scratch_ad.views import is_view, link_of

# Calls that have nothing to do, or may return what they are given.
# fmt: off
IDLE = [
    "np.tile(a, 1)", "np.tile(a, ())", "np.repeat(a, 1)", "np.repeat(a, 1, axis=0)", "np.pad(a, 0)",
    "np.pad(a, 0, mode='edge')", "np.resize(a, a.shape)", "np.roll(a, 0)", "np.rot90(a, 0)", "np.rot90(a, 2)",
    "np.flip(a)", "np.flip(a, ())", "np.meshgrid(a[0], a[:, 0])", "np.meshgrid(a[0], a[:, 0], copy=False)",
    "np.ix_(a[0], a[:, 0])", "np.meshgrid(a[0])", "np.meshgrid(a[0], a[1], sparse=True)",
    "np.meshgrid(a[0], a[1], sparse=True, copy=False)",
    "np.broadcast_arrays(a)", "np.broadcast_arrays(a, a)", "np.broadcast_arrays(a, a[0])",
    "np.broadcast_to(a, a.shape)", "np.atleast_1d(a)", "np.atleast_2d(a)", "np.atleast_3d(a)",
    "np.atleast_1d(a, a[0])", "np.atleast_2d(a[0])", "np.split(a, 1)", "np.split(a, 3)", "np.array_split(a, 2)",
    "np.hsplit(a, 2)", "np.vsplit(a, 3)", "np.unstack(a)", "np.unstack(a, axis=1)", "np.nan_to_num(a, copy=False)",
    "np.nan_to_num(a)", "np.real_if_close(a)", "np.real_if_close(a * 1)", "np.ravel(a)", "np.ravel(a, 'F')",
    "np.ravel(a.T)", "np.squeeze(a)", "np.squeeze(a[None])", "np.squeeze(a, ())", "np.expand_dims(a, 0)",
    "np.expand_dims(a, ())", "np.conj(a)", "np.conjugate(a)", "a.conj()", "a.conjugate()", "np.real(a)", "np.imag(a)",
    "a.real", "a.imag", "np.asarray(a, like=a)", "np.asanyarray(a, like=a)", "np.require(a, like=a)",
    "np.array(a, like=a)", "np.array(a, copy=False, like=a)", "np.array(a, copy=None, like=a)",
    "np.array(a, ndmin=3, like=a)", "np.array(a, copy=None, ndmin=3, like=a)", "np.copy(a)", "a.copy()", "a[...]",
    "a[:]", "a[()]", "a.view()", "a.T", "a.mT", "np.transpose(a)", "np.matrix_transpose(a)", "np.permute_dims(a)",
    "np.swapaxes(a, 0, 0)", "np.swapaxes(a, 0, 1)", "np.moveaxis(a, 0, 0)", "np.moveaxis(a, 0, 1)",
    "np.rollaxis(a, 0)", "np.rollaxis(a, 1)", "np.reshape(a, a.shape)", "np.reshape(a, -1)",
    "np.reshape(a, -1, order='F')", "np.reshape(a, -1, copy=True)", "a.reshape(a.shape)", "a.reshape(-1)", "a.ravel()",
    "a.flatten()", "a.squeeze()", "a.astype(a.dtype)", "a.astype(a.dtype, copy=False)", "np.astype(a, a.dtype)",
    "np.astype(a, a.dtype, copy=False)", "np.full_like(a, a)", "np.full_like(a, a[0])", "np.positive(a)", "+a",
    "a * 1", "a + 0", "a ** 1", "np.abs(a)", "np.where(True, a, a)", "np.where(a == a, a, 0)",
    "np.select([a == a], [a])", "np.choose(0, [a, a])", "np.clip(a, None, None)", "np.clip(a, -np.inf, np.inf)",
    "a.clip(-9)", "np.round(a, 9)", "np.around(a, 9)", "np.fix(a)", "np.trunc(a)", "np.floor(a)",
    "np.take(a, [0, 1], 0)", "np.take(a, 0, 0)", "np.take(a, 0)", "a.take([0])", "np.compress([True] * 3, a, 0)",
    "np.extract(a == a, a)", "np.delete(a, [], 0)", "np.insert(a, [], 0, 0)", "np.append(a, [])",
    "np.concatenate([a])", "np.concatenate([a], axis=None)", "np.stack([a])", "np.vstack([a])", "np.hstack([a])",
    "np.dstack([a])", "np.column_stack([a])", "np.block(a)", "np.block([a])", "np.block([[a]])", "np.diag(a)",
    "np.diagonal(a)", "a.diagonal()", "np.diag(a[0])", "np.diagflat(a)", "np.linalg.diagonal(a)", "np.tril(a, 9)",
    "np.triu(a, -9)", "np.trim_zeros(a[0])", "np.trim_zeros(a[0] * (a[0] > 0))", "np.unique(a)", "np.sort(a)",
    "np.sort(a[:1], 0)", "np.partition(a, 0)", "np.cumsum(a[:1], 0)", "np.cumprod(a[:1], 0)", "np.diff(a, 0)",
    "np.ediff1d(a)", "np.gradient(a[0])", "np.sum(a, ())", "np.sum(a[None], 0)", "np.max(a[None], 0)",
    "np.mean(a[None], 0)", "np.prod(a, ())", "np.max(a, ())", "np.mean(a, ())", "np.add.reduce(a, ())",
    "np.add.reduce(a[None])", "np.add.accumulate(a[:1])", "np.linalg.matrix_power(a[:, :3], 1)",
    "np.linalg.matrix_power(a[:, :3], 0)", "np.linalg.multi_dot([a, a.T])", "np.einsum('ij->ij', a)",
    "np.einsum('ij->ji', a)", "np.einsum('ii->i', a[:, :3])", "np.einsum('ij', a)", "np.einsum(a, [0, 1])",
    "np.lib.stride_tricks.sliding_window_view(a, 2, 1)", "np.lib.stride_tricks.sliding_window_view(a, 1, 1)",
    "np.fft.fftshift(a, ())", "np.fft.fftn(a, axes=())", "np.fft.ifft2(a, axes=())", "np.fft.fft2(a)",
    "scipy.fft.dctn(a, axes=())", "scipy.fft.idctn(a, 1, (), ())", "scipy.fft.idctn(a)",
    "scipy.fft.dctn(a, axes=(), orthogonalize=True)",
    "np.fft.ifftshift(a)", "np.angle(a)", "np.interp(a[0], [-9, 9], [-9, 9])",
    "np.unwrap(a)", "np.unwrap(a[:, :1])", "np.nan_to_num(a[0, 0])", "np.polyder(a[0], 0)", "np.polyint(a[0], 0)",
    "np.polyadd(a[0], 0)", "np.convolve(a[0], [1.0])", "np.apply_along_axis(lambda r: r, 0, a)",
    "np.apply_over_axes(np.sum, a, [])", "np.piecewise(a, [a == a], [lambda x: x])",
    "np.take_along_axis(a, np.arange(3)[:, None], 0)", "np.array([a, a], like=a)", "np.stack(list(a))", "list(a)",
    "[*a.flat][:1]", "np.average(a, axis=())", "np.median(a[None], 0)", "np.percentile(a[:1], 50, 0)",
    "np.std(a[None], 0)", "np.copy(a[0])", "np.flipud(a)", "np.fliplr(a)", "np.nanmax(a, ())", "np.nansum(a[None], 0)",
    "np.linalg.matrix_transpose(a)", "np.vander(a[0], 2)", "np.spacing(a)", "np.frexp(a)[0]", "np.modf(a)[0]",
    "np.ldexp(a, 0)", "np.nextafter(a, a)", "np.float_power(a, 1)", "np.power(a, 1)", "np.multiply(a, 1)",
    "np.minimum(a, np.inf)", "np.maximum(a, a)", "np.add(a, 0)", "a.repeat(1)", "a.swapaxes(0, 1)", "a.transpose()",
    "a.sum(())", "a.flat[:]", "a.flat.copy()", "np.ravel(a.flat)", "next(a.flat)",
    "np.take(a, 0, 0, mode='clip')", "np.take(a, 4, 0, mode='wrap')",
]
# fmt: on
REPEATED = ("np.broadcast_arrays", "np.meshgrid")  # numbers in several places, which NumPy lets write into, and warns
OF_REALS = ("fix", "trunc", "floor", "interp", "unwrap", "percentile", "spacing", "frexp", "modf", "ldexp", "nextafter")


def leaves(result):
    return [leaf for part in result for leaf in leaves(part)] if isinstance(result, (tuple, list)) else [result]


def written(array, number):
    """Overwrite an array; what came of it."""
    try:
        array[...] = number
    except (TypeError, ValueError) as error:
        return type(error).__name__
    return "done"


def writes(f, into_result, outcomes):
    """``f``, and then writes into its results or its arguments: all of these as they are then."""

    def program(*arguments):
        results = [r for r in leaves(f(*arguments)) if getattr(r, "dtype", np.dtype(int)).kind in "fc"]
        targets = results if into_result else arguments
        outcomes.append([written(target, 7 + k) for k, target in enumerate(targets)])
        return results, list(arguments)

    return program


def faults(call, f, arguments):
    """Where a write is seen under differentiation otherwise than in the plain run; numbers of the results roughly."""
    found = []
    for into_result in (True, False):
        outcomes = []
        program, given = writes(f, into_result, outcomes), lambda: tuple(map(same_layout, arguments))
        with np.errstate(all="ignore"):
            plain = program(*given())
            reverse = vjp(program, *given())[0]
            forward = jvp(program, given(), tuple(np.ones_like(x) for x in arguments))[0]
            ways = [("reverse", outcomes[1], reverse), ("forward", outcomes[-1], forward)]
            if all(x.ndim and x.flags.c_contiguous for x in arguments):  # as the examples of a batch lie
                with contextlib.suppress(Diverged, NotImplementedError):
                    batch = leaves(vmap(program)(*(np.stack([x, x]) for x in arguments)))
                    ways.append(("a batch", outcomes[-1], [x[1] for x in batch]))
        if "ValueError" in outcomes[0]:  # read-only, there
            continue
        for mode, outcome, result in ways:
            if "ValueError" in outcome and call.startswith(REPEATED):
                continue
            if outcome != outcomes[0]:
                found.append(f"{mode}: writes {outcome}, in NumPy {outcomes[0]}")
            for mine, numpys in zip(leaves(result), leaves(plain), strict=True):
                if mine.dtype != numpys.dtype or not np.allclose(mine, numpys, 1e-3, 1e-3, equal_nan=True):
                    found.append(f"{mode}: {mine!r}, in NumPy {numpys!r}")
                    break
    return found


def same_layout(x):
    return strided(x) if x.ndim and not x.flags.forc else x.copy(order="K")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", IDLE)
def test_calls_with_nothing_to_do(call):
    f = eval(f"lambda a: {call}", {"np": np, "scipy": scipy})
    a = np.array([[0.5, -1.5, 0.0, 2.0], [1.0, 0.25, -0.5, 3.0], [-2.0, 1.5, 0.75, 0.5]])
    for numbers in (a,) if call.startswith(tuple(f"np.{name}(" for name in OF_REALS)) else (a, a + 1j * a[::-1]):
        for layout in (np.array, np.asfortranarray, strided):
            assert not faults(call, f, [layout(numbers)])


@pytest.mark.filterwarnings("ignore")
def test_every_case_of_the_catalogue():
    wrong = []
    for k, case in enumerate(catalogue):
        for dtype in case.dtypes[-2:][:: 1 if k % 2 else -1][:1]:  # one of the two
            wrong += [f"{case} {dtype}: {fault}" for fault in faults(str(case), case.function_in(), case.draw(dtype))]
    assert not wrong


def shown(results, arguments, shows):
    """Of each result, the places of the arguments whose memory it shows."""
    results = [r for r in leaves(results) if getattr(r, "dtype", np.dtype(int)).kind in "fc"]
    return [[k for k, x in enumerate(arguments) if shows(r, x)] for r in results]


def shown_under_jax(f, arguments):
    found = []

    def traced(*arguments):
        found.append(shown(f(*arguments), arguments, lambda r, x: root(r) is x))
        return 0

    jax.eval_shape(lift(traced), *arguments)
    return found[0]


def root(x):
    while is_view(x):
        x = link_of(x).parent
    return x


@pytest.mark.filterwarnings("ignore")
def test_what_shows_an_argument_does_so_under_jax():
    """Nothing is computed: JAX traces each call, and tells what it gives back."""
    a = np.array([[0.5, -1.5, 0.0, 2.0], [1.0, 0.25, -0.5, 3.0], [-2.0, 1.5, 0.75, 0.5]])
    calls = [(call, eval(f"lambda a: {call}", {"np": np, "scipy": scipy}), [a]) for call in IDLE]
    for case in catalogue.of_numpy():
        if "float64" in case.dtypes and all(a.shape for a in case.arguments.values()):  # JAX's are numbers else
            calls.append((str(case), case.function_in(), [x.copy() for x in case.draw("float64")]))
    wrong, refused = [], 0
    for call, f, arguments in calls:
        expected = shown(f(*arguments), arguments, lambda r, x: bool(np.size(r)) and np.shares_memory(r, x))
        try:
            found = shown_under_jax(f, arguments)
        except Exception:  # what JAX does not have, or not without the numbers
            refused += 1
            continue
        if found != expected:
            wrong.append(f"{call}: shows {found}, in NumPy {expected}")
    assert not wrong
    assert refused < len(calls) / 5
