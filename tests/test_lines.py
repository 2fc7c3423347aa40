"""Lines that run a check again: each is pasted into a namespace where nothing is known, and says what it said."""

import collections
import functools
import shlex

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import scratch_ad
from jax_ref.checks.check import check, check_custom, check_grads, check_jvp, check_vjp
from jax_ref.checks.lines import line, listed
from jax_ref.commands import cli
from jax_ref.engines.protocol import Engine
from jax_ref.sweep import sweep

X = np.array([0.5, -1.25, 2.0])


def sine(x):
    return np.sin(x)


def wrong_vjp(x):
    return np.sin(x), lambda g: (2 * g * np.cos(x),)


def wrong_jvp(primals, tangents):
    return np.sin(primals[0]), 2 * tangents[0] * np.cos(primals[0])


@jax.custom_jvp
def of_jax(x):
    return jnp.sin(x)


of_jax.defjvp(lambda primals, tangents: (jnp.sin(primals[0]), 2 * tangents[0] * jnp.cos(primals[0])))


class Rules:
    """A namespace."""

    @staticmethod
    def wrong(x):
        return wrong_vjp(x)


def doubled(f, *args):
    out, pullback = scratch_ad.vjp(f, *args)
    return out, lambda g: tuple(2 * x for x in pullback(g))


DOUBLED = Engine("doubled", vjp=doubled)


pytestmark = pytest.mark.usefixtures("unvaried")


def line_of(check, *args, **options):
    with pytest.raises(AssertionError) as raised:
        check(*args, **options)
    (result,) = raised.value.args
    return result.rerun


@pytest.mark.parametrize(
    "check, args, options",
    [
        (check, (sine, X), {"engine": DOUBLED}),
        (check, (np.sin, X), {"engine": DOUBLED, "seed": "it's \" odd", "order": 1}),
        (check, (sine, X), {"engine": DOUBLED, "reference": jnp.sin}),
        (check, (of_jax, X), {}),
        (check_vjp, (wrong_vjp, sine, X), {}),
        (check_vjp, (Rules.wrong, np.sin, X), {"reference_by": "differences"}),
        (check_vjp, (wrong_vjp, jnp.sin, np.float32(0.5)), {}),
        (check_jvp, (wrong_jvp, sine, X), {"vary": False}),
        (check_custom, (of_jax, sine, X), {}),
        (check_grads, (of_jax, (X,)), {}),
    ],
)
def test_a_line_runs_as_it_is_and_says_the_same(check, args, options):
    written = line_of(check, *args, **options)
    assert "#" not in written, written
    with pytest.raises(AssertionError, match="ratio 2"):
        exec(written, {})


def test_a_line_of_a_class_of_pytorchs_rules():
    torch = pytest.importorskip("torch", reason="torch comes with the extra bench")

    class Local(torch.autograd.Function):
        pass

    globals()["Named"] = named = type(
        "Named", (torch.autograd.Function,), {"__module__": __name__, "__qualname__": "Named"}
    )
    assert line("check_custom", [named.apply, sine], {}, (X,)).endswith(
        f"{__name__}.Named, {__name__}.sine, np.array([0.5, -1.25, 2.0], np.float64))"
    )
    assert "check_custom(Local, " in (written := line("check_custom", [Local.apply, sine], {}, (X,)))
    assert written.endswith("# fill in Local, a FunctionMeta")


def test_what_has_no_name_is_to_be_filled_in():
    def sine(x):  # not the one of the module
        return np.sin(x)

    def missing(*functions, call="check_vjp", args=(X,), **options):
        written = line(call, functions, options, args)
        compile(written, "pasted", "exec")
        return written.partition("  # fill in ")[2]

    at = f"the function at test_lines.py:{sine.__code__.co_firstlineno}"
    assert missing(wrong_vjp, sine) == f"sine, {at}"
    assert missing(lambda x: x, lambda x: x).startswith("f, the function at test_lines.py:")
    assert "; reference, the function at test_lines.py:" in missing(lambda x: x, lambda x: x)
    assert missing(sine, sine) == f"sine, {at}; reference, {at}"
    assert missing(functools.partial(sine), np.sin) == "f, a partial at test_lines.py:" + at.rpartition(":")[2]
    assert missing(np.sin, call="check", engine=Engine("of a test", vjp=doubled)) == "engine, of a test"
    assert missing(np.sin, call="check", reference=sine) == f"sine, {at}"
    assert missing(wrong_vjp, np.sin) == missing(np.linalg.inv, jnp.sin) == ""
    assert "*args" in line("check", [np.sin], {}, (np.ones((8, 16), "float32"),))
    for call in ("check", "check_grads"):
        assert missing(np.sin, call=call, args=(np.ones((8, 16), "float32"),)).endswith("arguments: float32 (8, 16)")


Pair = collections.namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    "args",
    [
        (np.array([np.nan, -np.inf, -0.0, 1e-320]),),
        (np.array([complex(np.nan, np.inf), complex(-np.inf, -0.0), complex(-0.0, 2)]),),
        (np.zeros((0, 3), "float32"), np.zeros((2, 0)), np.float32(np.inf), np.longdouble(1) / 3),
        ({"a": [X, (np.arange(3), None)], "b": "nan"}, 3, True, slice(1, None)),
        (np.array([0.1, 2.0], np.float16), np.array(["nan", "inf"])),
        (Pair(X, 1.0), X),
        (jnp.ones(3, jnp.bfloat16),),
        (object(), X),
    ],
)
def test_arguments_are_written_to_the_bit_or_not_at_all(args):
    written = line("check", [np.sin], {}, args)
    if "# fill in args" in written:
        assert "jax_ref.check(np.sin, *args)" in written
        return
    made = eval(f"({listed(args)},)", {"np": np})
    assert str(jax.tree.structure(made)) == str(jax.tree.structure(args))
    for a, b in zip(jax.tree.leaves(made), jax.tree.leaves(args), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype and np.shape(a) == np.shape(b)
        assert np.asarray(a).tolist().__repr__() == np.asarray(b).tolist().__repr__()


def test_only_what_cannot_be_written_is_left_out():
    left = lambda *args: "# fill in" in line("check", [np.sin], {}, args)
    assert not left(np.array([np.nan, -0.0]), np.zeros((0, 3)), complex(np.inf, 1), {"a": (X, None)}, slice(1, 2))
    assert left(Pair(X, 1.0)) and left(object()) and left(jnp.ones(3, jnp.bfloat16))


def test_a_command_of_a_sweep_runs_as_it_is(capsys):
    task = sweep.Task(sweep.Unit("np.square", "float32"), sweep.Asked(f"{__name__}:DOUBLED", ("rev",), 1, "a 'seed'"))
    wrong = [record for record in task.records() if record["status"] == "wrong"]
    name, *words = shlex.split(wrong[-1]["rerun"])
    assert name == "scratch-ad" and cli.main(words) == cli.MISMATCH
    assert f"rerun: {wrong[-1]['rerun']}\n" in capsys.readouterr().out
