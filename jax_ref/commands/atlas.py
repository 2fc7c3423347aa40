"""The atlas: where JAX is wrong or gives nan though a finite derivative exists, each point with its evidence.

And the errors found in the peers, which ``cases.peer_errors`` lists.
"""

import importlib.util
import itertools
import json
import re
import warnings
from typing import NamedTuple

import mpmath
import numpy as np

import jax_ref
import scratch_ad
from scratch_ad import scipy
from scratch_ad.registry import rule_of
from scratch_ad.rule import Elementwise

from ..cases.edge_points import EDGE_POINTS
from ..cases.known_bugs import KNOWN_BUGS
from ..cases.peer_errors import FOUND_IN, PEER_ERRORS
from ..checks.lines import written
from ..referee.estimates import jacobian, largest, right, verdict
from ..referee.precise import UFUNCS, Undecided
from ..report.records import Log, checked, whole_lines

TOLERANCE = 64  # units in the last place
FIRST = ("grad", "jac")
_VALUES = (0.0, 1.0, -1.0, np.inf, -np.inf, float(np.finfo(float).max), float(np.finfo(float).tiny))
_PAIRS = sorted({(x, y) for v in _VALUES for c in (v, 0.0, 1.0) for x, y in ((c, v), (v, c))})
_COMPLEX = (0j, -1 + 0j, 1j, -2 + 1j, -40 + 1j, 1 + 400j, 1e-20 * (1 + 1j), 1e160 * (1 + 1j))
NAMES = {"autograd": "autograd", "jax": "JAX", "torch": "PyTorch"}
KINDS = "a wrong number", "nan or infinity, where the derivative is finite", "lost digits"  # from the worst
_ROW = {  # of a file, as records.py tells kinds
    **dict.fromkeys(("function", "at", "dtype", "derivative", "element", "wrong", "referee", "reported", "rerun"), str),
    "kind": KINDS,
    "ordinary": (True, False),
    "off": float,
    "answers": {"*": {"*": [(None, str, True, False)]}},
}


def questions(bugs=KNOWN_BUGS, points=EDGE_POINTS, ufuncs=tuple(UFUNCS)):
    """All that the atlas asks, each once.

    Of the public ``bugs``, of the edge ``points``, and of the differentiable ``ufuncs`` at 0, ±1, ±inf, the largest
    and the smallest number and ties; of those that take complex numbers also of their real parts at some of these,
    which tell the whole derivative.
    """
    asked = itertools.chain(_of_bugs(bugs), _of_points(points), _of_ufuncs(ufuncs))
    return [*{question.name: question for question in asked}.values()]


def survey(path=None, fresh=False, about=None, progress=lambda row, done, total: None):
    """The rows, as ``row`` makes them, of all ``questions`` that JAX has wrong, the most important first.

    What has been answered is kept in the file ``path``, which the next survey goes on from, unless it is ``fresh`` or
    made of other sources or packages, which ``about`` tells: any dict. ``progress`` takes after each answer its row
    or None, and how many of all are answered.

    Raises ValueError if there is something else in the file.
    """
    asked, kept = questions(), {}
    if path and path.exists() and not fresh:
        kept = _kept(path, about)
    log = Log(path, anew=not kept)
    try:
        if not kept:
            log.append([{"about": about}])
        for done, question in enumerate(asked, 1):
            if question.name not in kept:
                record = _record(question)
                kept[question.name] = record and row(record)
                log.append([{"question": question.name, "row": kept[question.name]}])
            progress(kept[question.name], done, len(asked))
    finally:
        log.close()
    return sorted(filter(None, (kept[question.name] for question in asked)), key=_weight)


def _weight(row):
    return KINDS.index(row["kind"]), not row["ordinary"], -row["off"], row["function"]


def _kept(path, about):
    """The rows by question in a file; none if they were made of something else."""
    try:
        header, *answers = map(json.loads, whole_lines(path))
        if header["about"] != about:
            return {}
        return {answer["question"]: None if answer["row"] is None else _read(answer["row"]) for answer in answers}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(f"{path} is no file of the atlas: name another folder, or take --fresh.") from None


def _read(row):
    row = checked(row, _ROW)
    answers = {engine: {mode: Answer(*a) for mode, a in modes.items()} for engine, modes in row["answers"].items()}
    return row | {"answers": answers}


def disagreements(bugs=KNOWN_BUGS, points=EDGE_POINTS, ufuncs=tuple(UFUNCS)):
    """Where JAX is wrong or gives nan though a finite derivative exists: a record, a dict, of each, one by one.

    Looked at are all ``questions``. A record has ``source``, ``expression``, ``point`` (the arguments),
    ``argument`` (which one is differentiated), ``order``, ``dtype``; ``jax``, ``ours``: ``{"forward": …, "reverse":
    …}``, each an array of shape output + inputs or the text of an error; ``autograd`` and ``torch``: such an array or
    text, or None where it is not installed or has no such expression; ``referee``: the ``Estimate``; ``verdict``: for
    either mode that of ``verdict``, ours being "mine"; ``issue``: the repository and number of a bug, else "".
    """
    yield from filter(None, map(_record, questions(bugs, points, ufuncs)))


class Answer(NamedTuple):
    """What an engine gives in words, and whether that is right: None where it raised an error, or nobody knows."""

    text: str
    right: bool | None


def row(record):
    """A record of ``disagreements`` for the page: the first element that JAX has wrong in either mode, in words.

    A dict: ``function``, ``at`` (the point, shortened), ``dtype``, ``derivative``, ``element``, ``wrong`` (how many
    elements are), ``kind`` (one of ``KINDS``), ``ordinary`` (whether no argument is tiny, huge or infinite), ``off``
    (by how much JAX is, 1 for more), ``referee`` (the true value), ``answers`` (by engine and mode, each an
    ``Answer``), ``reported`` (repository and number) and ``rerun`` (lines of Python that show JAX's answer and ours).
    """
    verdicts, estimate, dtype = record["verdict"], record["referee"], record["dtype"]
    wrong_in = {mode: np.isin(verdicts[mode].astype(str), ("mine", "neither")) for mode in MODES}
    wrong = np.logical_or(*wrong_in.values())
    index = tuple(map(int, np.argwhere(wrong)[0])) if wrong.any() else (0,) * wrong.ndim
    true = complex(estimate.value[index])

    def at(answer):
        if isinstance(answer, str):
            return Answer(answer.partition(":")[0], None)
        if np.shape(answer) != wrong.shape:
            return Answer("another shape", False)
        value, is_right = np.asarray(answer)[index], _right(answer, estimate, dtype)[index]
        near = not is_right and abs(value - true) < 1e-4 * abs(true)  # so that both would look alike
        return Answer(f"{_short(value)} (off by {abs(value - true):.0e})" if near else _short(value), is_right)

    peers = {name: {"reverse": record[key]} for name, key in (("autograd", "autograd"), ("PyTorch", "torch"))}
    engines = {"ours": record["ours"], "JAX": record["jax"], **peers}
    point = ", ".join(" ".join(str(np.asarray(x).tolist()).split()) for x in record["point"])
    names, _, function = (
        record["expression"].rpartition(": ") if record["expression"].startswith("lambda") else ("", "", "")
    )
    name = names.removeprefix("lambda ") or "ab"[record["argument"]]
    return {
        "function": function or record["expression"],
        "at": point if len(point) < 60 else f"{point[:57]}…",
        "dtype": dtype,
        "derivative": f"∂/∂{name}" if record["order"] == 1 else f"∂²/∂{name}²",
        "element": str(list(index)) if index else "",
        "wrong": f"{np.sum(wrong)} of {wrong.size}",
        **_fault([record["jax"][mode] for mode in MODES if wrong_in[mode][index]], index, true),
        "ordinary": all(map(_ordinary, record["point"])),
        "referee": estimate.text()[index],
        "answers": {
            engine: {mode: at(answer) for mode, answer in by_mode.items() if answer is not None}
            for engine, by_mode in engines.items()
        },
        "reported": record["issue"],
        "rerun": _code(record, name, "reverse" if wrong_in["reverse"][index] else "forward"),
    }


def found(errors=PEER_ERRORS, now=None):
    """The rows of the errors found in the peers for the page, the most important first.

    A dict: ``function``, ``at``, ``derivative``, ``kind``, ``ordinary`` and ``off`` as of ``row``; ``peer`` (with the
    version that it was found in), ``referee`` (the true value), ``got``, ``cause``, ``near``, ``line``, and ``now``:
    what became of it in another version, in words, by the answers of ``checks.peer_lines.now``.
    """
    return sorted((_found(error, (now or {}).get(error.line)) for error in errors), key=_weight)


def _found(error, now):
    got, true = np.asarray(error.got), np.asarray(error.true)
    fault = {"kind": KINDS[0], "off": 1.0}
    if got.shape == true.shape:
        index = np.unravel_index(np.argmax(np.nan_to_num(np.abs(got - true), nan=np.inf)), true.shape)
        fault = _fault([got], index, true[index])
    said = ""
    if now and now.version != FOUND_IN[error.peer]:
        said = f"raises {now.raised}" if now.raised else "still so" if error.wrong(now.got) else "mended"
    return {
        "function": error.torch or error.expression,
        "peer": f"{NAMES[error.peer]} {FOUND_IN[error.peer]}",
        "at": error.at,
        "derivative": {"grad": "∂/∂x", "second": "∂²/∂x²", "mixed": "∂²/∂x², mixed", "forward": "along x"}[error.how],
        **fault,
        "ordinary": bool(_ordinary(error.point())),
        "referee": f"{_listed(error.true)} ± {error.error or 0:.1g}",
        "got": _listed(error.got),
        "cause": error.cause,
        "near": error.near,
        "line": error.line,
        "now": said and f"{said} in {now.version}",
    }


def _listed(value):
    if isinstance(value, list):
        return f"[{', '.join(map(_listed, value))}]"
    value += 0  # no -0
    return f"{value.real:.15g}{value.imag:+.15g}j" if isinstance(value, complex) else f"{value:.15g}"


def _ordinary(x):
    """Whether no number is tiny, huge or infinite."""
    return np.all((x == 0) | ((np.abs(x) > 1e-3) & (np.abs(x) < 1e3)))


def _fault(answers, index, true):
    """The worst kind of what is wrong with JAX's answers, and by how much they are off."""
    values = [np.asarray(a)[index] if np.ndim(a) == len(index) and not isinstance(a, str) else np.nan for a in answers]
    off = max(min(1.0, float(abs(value - true))) if np.isfinite(value - true) else 1.0 for value in values)
    if not np.all(np.isfinite(values)):
        kind = KINDS[1]
    else:
        kind = KINDS[2] if off <= max(1e-3 * abs(true), 1e-15 * (true == 0)) else KINDS[0]
    return {"kind": kind, "off": off}


def _short(value):
    if not np.iscomplexobj(value):
        return f"{value:.6g}"
    return f"{value.real:.6g} {'-' if np.signbit(value.imag) else '+'} {abs(value.imag):.6g}j"


def _code(record, name, mode):
    """Lines of Python that show JAX's derivatives and ours."""
    point, k = [written(np.asarray(x)[()]) for x in record["point"]], record["argument"]
    fixed = "".join(f", {other}={x}" for i, (other, x) in enumerate(zip("ab", point)) if i != k)
    expression = record["expression"]
    f = expression if expression.startswith("lambda") else f"lambda {name}{fixed}: {expression}"
    derivative = "f"
    for _ in range(record["order"]):
        if not np.iscomplexobj(record["point"][k]):
            derivative = f"ad.{'jacrev' if mode == 'reverse' else 'jacfwd'}({derivative})"
        elif mode == "reverse":
            derivative = f"ad.grad({derivative})"
        else:
            pushed = f"ad.jvp({derivative}, (x,), (%s,))[1]"
            derivative = f"(lambda x: {pushed % '1 + 0j'} - 1j * {pushed % '1j'})"
    shown = f"for ad in (jax_ref, scratch_ad): print({derivative}(x))"
    imports = ["import numpy as np, jax_ref, scratch_ad", *["from scratch_ad import scipy"] * ("scipy." in f)]
    return "\n".join([*imports, f"f = {f}", f"x = {point[k]}", shown])


class _Question(NamedTuple):
    source: str
    expression: str
    arguments: tuple
    argument: int
    order: int
    issue: str = ""
    torch: str = ""

    @property
    def name(self):
        """What tells it from other questions, in words."""
        return f"{self.expression} at {self.arguments!r} by {self.argument}, order {self.order}"

    def function(self, namespace=np):
        """The expression as a function of all its arguments."""
        return _written(self.expression, len(self.arguments), np=namespace, scipy=scipy)

    def of_one(self, namespace=np):
        """The expression as a function of the argument in question alone."""
        f, k = self.function(namespace), self.argument
        return lambda x: f(*self.arguments[:k], x, *self.arguments[k + 1 :])


def _written(expression, count, **namespace):
    if not expression.startswith("lambda "):
        expression = f"lambda {', '.join('ab'[:count])}: {expression}"
    return eval(expression, namespace)


def _of_bugs(bugs):
    for bug in bugs:
        order = 1 if bug.what in FIRST else 2
        yield _Question("public bug", bug.expression, (bug.point(),), 0, order, f"{bug.repository}#{bug.number}")


def _of_points(points):
    for p in points:
        unknown = re.search(r"scipy\.(?!special)", p.expression)  # in high precision
        if unknown or (p.exception and p.ours is None):
            continue
        arguments = tuple(np.array(x)[()] for x in p.point)
        for k in range(len(arguments)):
            yield _Question(p.group, p.expression, arguments, k, 1, "", p.torch)
        if p.second is not None:
            yield _Question(p.group, p.expression, arguments, 0, 2)


def _of_ufuncs(ufuncs):
    for ufunc in ufuncs:
        if (
            getattr(np, ufunc.__name__, None) is ufunc
            and ufunc.nout == 1
            and isinstance(rule_of.get(ufunc), Elementwise)
        ):
            call = f"np.{ufunc.__name__}({', '.join('ab'[: ufunc.nin])})"
            for arguments in _PAIRS if ufunc.nin == 2 else [(v,) for v in _VALUES]:
                for k in range(ufunc.nin):
                    yield _Question("elementwise", call, tuple(map(np.float64, arguments)), k, 1)
            if "D->D" in ufunc.types:
                for z in _COMPLEX:
                    yield _Question("complex", f"np.real({call})", (np.complex128(z),), 0, 1)


def _record(question):
    """The record of ``disagreements`` for one question; None where JAX is right, or nobody knows."""
    f, x = question.of_one(), question.arguments[question.argument]
    try:
        estimate = jacobian(question.function(), question.arguments, question.argument, question.order)
    except (Undecided, IndexError):
        return None
    most = float(np.finfo(np.result_type(x)).max)
    bounded = np.frompyfunc(lambda *parts: any(mpmath.isfinite(part) and abs(part) <= most for part in parts), 3, 1)
    finite = estimate.decided & np.asarray(bounded(estimate.value, estimate.left, estimate.right), bool)
    if not finite.any():
        return None
    dtype = np.result_type(x)

    def answers(ad):
        return {mode: _answer(differentiate, ad, f, x, question.order) for mode, differentiate in MODES.items()}

    jax = answers(jax_ref)
    judged = [_right(answer, estimate, dtype) for answer in jax.values() if not isinstance(answer, str)]
    if not any(np.any(of[finite] == False) for of in judged):  # noqa: E712
        return None
    ours = answers(scratch_ad)
    return {
        "source": question.source,
        "expression": question.expression,
        "point": question.arguments,
        "argument": question.argument,
        "order": question.order,
        "dtype": dtype.name,
        "jax": jax,
        "ours": ours,
        "autograd": _of_autograd(question),
        "torch": _of_torch(question),
        "referee": estimate,
        "verdict": {
            mode: verdict(
                *(_filled(side[mode], estimate, dtype) for side in (ours, jax)), estimate, *_allowed(estimate, dtype)
            )
            for mode in MODES
        },
        "issue": question.issue,
    }


def _forward(ad, fun):
    def derivative(x):
        if not np.iscomplexobj(x):
            return ad.jacfwd(fun)(x)
        return ad.jvp(fun, (x,), (1 + 0j,))[1] - 1j * ad.jvp(fun, (x,), (1j,))[1]

    return derivative


def _reverse(ad, fun):
    return lambda x: ad.grad(fun)(x) if np.iscomplexobj(x) else ad.jacrev(fun)(x)


MODES = {"forward": _forward, "reverse": _reverse}


def _answer(differentiate, ad, fun, x, order):
    """An engine's derivatives, or the text of its error."""
    for _ in range(order):
        fun = differentiate(ad, fun)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(fun(x))
    except Exception as error:  # whatever an engine raises is its answer
        return f"{type(error).__name__}: {error}".partition("\n")[0]


def _allowed(estimate, dtype):
    """How far from the true value an answer may be, relative to that or to the size of the terms whose sum it is."""
    return TOLERANCE * np.finfo(dtype).eps, float(largest(estimate.value))


def _right(answer, estimate, dtype):
    return right(answer, estimate, *_allowed(estimate, dtype))


def _filled(answer, estimate, dtype):
    return np.full(estimate.value.shape, np.nan, dtype) if isinstance(answer, str) else answer


def _of_autograd(question):
    if "scipy." in question.expression or not importlib.util.find_spec("autograd"):
        return None
    autograd = importlib.import_module("autograd")
    f = question.of_one(importlib.import_module("autograd.numpy"))
    at = question.arguments[question.argument]
    return _answer(lambda _, fun: autograd.jacobian(fun), autograd, f, at, question.order)


def _of_torch(question):
    if not question.torch or not importlib.util.find_spec("torch"):
        return None
    torch = importlib.import_module("torch")
    f = _written(question.torch, len(question.arguments), torch=torch)

    def derivative(*arguments):
        tensors = tuple(map(torch.as_tensor, arguments))
        return torch.autograd.functional.jacobian(f, tensors)[question.argument].resolve_conj().numpy()

    return _answer(lambda _, fun: lambda _x: derivative(*question.arguments), torch, f, None, 1)
