"""The exercises: what is right earns all, a blank nothing, each mistake loses points and is told what it is."""

import functools
import json
import re
import subprocess
import sys

import pytest

from jax_ref.commands import cli
from jax_ref.lesson import TASKS, graded, here, start
from jax_ref.lesson.answer import answer, refusal
from jax_ref.lesson.grade import judged
from jax_ref.lesson.mistakes import MISTAKES
from jax_ref.lesson.properties import posed
from jax_ref.lesson.start import blanked, solution

pytestmark = pytest.mark.xdist_group("lesson")  # JAX's answers serve all tests here
OF = {task.number: task for task in TASKS}
posed = functools.lru_cache(posed)


def names(text):
    found = {"__name__": "solution"}
    exec(compile(text, "solution.py", "exec"), found)
    return found


class Module:
    def __init__(self, found):
        self.__dict__.update(found)


def verdict(number, text):
    task, found = OF[number], names(text)
    return judged(
        task, posed(task, 0), lambda calls: [answer(found.__getitem__, Module(found), call) for call in calls]
    )


# Of each task: what of the solution is written in which other way, and what a general hint has to say about it
GENERAL = {
    "1.1": [
        ("np.tanh(linear)", "2 * np.tanh(linear)", "constant ratio 2"),
        ("np.tanh(linear)", "-np.tanh(linear)", "wrong sign"),
        ("np.tanh(linear)", "np.tanh(linear).T", "transposed|shape"),
        ("parameters @ v_in", "v_in.T @ parameters.T", "transposed|shape"),
        ("parameters @ v_in", "parameters * v_in", "broadcast|operands"),
        ("parameters @ v_in", "np.sum(parameters @ v_in)", "shape"),
        ("parameters @ v_in", "parameters @ v_in[:, None]", "shape"),
        ("np.tanh(linear)", "(np.exp(2 * linear) - 1) / (np.exp(2 * linear) + 1)", "nan at a special point"),
        ("return np.tanh(linear)", "np.tanh(linear)", "NoneType|None"),
    ],
    "1.2": [
        ("h = 1e-6 * max(1.0, abs(parameters[index]))", "h = 1e-1", "step"),
        ("h = 1e-6 * max(1.0, abs(parameters[index]))", "h = 1e-12", "grow with them"),
        ("h = 1e-6 * max(1.0, abs(parameters[index]))", "h = 1e-10", "grow with them|step"),
        ("/ (2 * h)", "/ h", "constant ratio 2"),
        ("function(parameters - change)", "function(parameters)", "constant ratio 0.5|factor"),
        (
            "(function(parameters + change) - function(parameters - change))",
            "(function(parameters - change) - function(parameters + change))",
            "wrong sign",
        ),
        ("np.zeros(np.shape(parameters))", "np.zeros(np.size(parameters))", "truth value|shape|index"),
        ("return grad_f", "return grad_f[0]", "shape"),
        (
            "change = np.zeros(grad_f.shape)",
            "parameters[index] += 1e-6\n        change = np.zeros(grad_f.shape)",
            "work on a copy",
        ),
    ],
    "1.3": [
        ("np.ones_like(input_value, dtype=float)", "np.zeros_like(input_value, dtype=float)", "all is zero"),
        (
            "return current_value, current_derivative",
            "return current_derivative",
            "a return of a tuple|return a tuple|not tuple",
        ),
        (
            "derivatives[function](current_value) * current_derivative",
            "-derivatives[function](current_value) * current_derivative",
            "wrong sign",
        ),
    ],
    "1.4": [
        ("np.ones_like(input_value, dtype=float)", "np.zeros_like(input_value, dtype=float)", "all is zero"),
        (
            "current_adjoint * derivatives[function](value)",
            "-current_adjoint * derivatives[function](value)",
            "wrong sign",
        ),
    ],
    "2.1": [
        ("return g * np.exp(x)", "return np.exp(x)", "ignored"),
        ("return g * np.exp(x)", "return g * g * np.exp(x)", "squared"),
        ("return g * b, g * a", "return g * b", "tuple"),
        ("-g * a / b**2", "g * a / b**2", "wrong sign"),
        ("np.expand_dims(g, axis)", "g", "broadcast|shape"),
        (
            "np.broadcast_to(g, x.shape).astype(x.dtype)",
            "np.broadcast_to(g / x.size, x.shape).astype(x.dtype)",
            "1/n|constant ratio",
        ),
        ("np.broadcast_to(g, x.shape).astype(x.dtype)", "np.array(g)", "shape"),
        ("return g @ b.T, a.T @ g", "return g @ b, a @ g", "matmul|mismatch|shape"),
        ("return g @ b.T, a.T @ g", "return b @ g.T, g.T @ a", "transposed"),
        ("np.exp(x - np.max(x))", "np.exp(x)", "overflows"),
        ("return g * np.exp(x)", "return g.astype(np.float64) * np.exp(x)", "dtype drift"),
    ],
    "2.2": [
        (
            "np.sum(g, axis=tuple(range(g.ndim - len(shape))))",
            "np.mean(g, axis=tuple(range(g.ndim - len(shape))))",
            "1/n|constant ratio|factor",
        ),
        ("np.sum(g, axis=stretched, keepdims=True)", "g", "un-broadcast sum|shape"),
        ("np.sum(g, axis=stretched, keepdims=True)", "np.sum(g, axis=stretched)", "reshape|shape"),
        ("if n == 1 and g.shape[k] != 1", "if n == 1 and k == 0", "un-broadcast sum"),
        (
            "return np.sum(g, axis=stretched, keepdims=True)",
            "return -np.sum(g, axis=stretched, keepdims=True)",
            "wrong sign",
        ),
    ],
    "3.1": [
        ("[(self, other.value), (other, self.value)]", "[(self, other.value)]", "all is zero"),
        ("[(self, other.value), (other, self.value)]", "[]", "zero|dropped"),
        ("{id(result): 1.0}", "{id(result): 2.0}", "constant ratio 2"),
        ("reversed(order)", "order", "KeyError|before it was whole"),
        (
            "for parent, _ in variable.parents:\n                visit(parent)\n            order.append(variable)",
            "order[:0] = [variable]\n            for parent, _ in variable.parents:\n                visit(parent)",
            "before it was whole",
        ),
        ("adjoints.get(id(variable), 0.0) for", "adjoints[id(variable)] for", "KeyError"),
    ],
    "3.2": [
        ("self.tangent * other.value + self.value * other.tangent", "self.tangent * other.tangent", "all is zero"),
        ("self.tangent * other.value + self.value * other.tangent", "self.tangent * other.value", "constant ratio 0.5"),
        ("(self.tangent - quotient * other.tangent) / other.value", "self.tangent / other.tangent", "ZeroDivision"),
        ("return as_dual(other) - self", "return self - as_dual(other)", "wrong sign|-1"),
        ("Dual(x, 1.0)", "Dual(x)", "zero"),
        ("as_dual(f(Dual(x, 1.0))).tangent", "f(Dual(x, 1.0)).tangent", "no attribute 'tangent'"),
    ],
    "3.3": [
        ('if getattr(z, "level", 0) == level else', "if isinstance(z, Dual) else", "perturbation confusion"),
        ("level = max(", "level = min(", "AttributeError|no attribute|not"),
        ("-1.0 * sin(x.value) * x.tangent", "-1.0 * math.sin(x.value) * x.tangent", "TypeError|must be real"),
        ("Dual(x, 1.0, level)", "Dual(x, 1.0, 1)", "all is zero"),
        (
            'out.tangent if getattr(out, "level", 0) == level else 0.0',
            "out.tangent",
            "perturbation confusion|no attribute",
        ),
        ('out.tangent if getattr(out, "level", 0) == level else 0.0', "out.value", "this is the value"),
        (
            'out.tangent if getattr(out, "level", 0) == level else 0.0',
            'getattr(out, "tangent", 0.0)',
            "perturbation confusion",
        ),
    ],
    "3.4": [
        ("    return True\n", "    return False\n", "a right rule is refused"),
        ("return False\n        scale", "return True\n        scale", "a wrong rule passes"),
        (
            "if not abs(np.sum(found * t) - expected) <= 1e-5 * scale:",
            "if abs(np.sum(found * t) - expected) > 1e-5 * scale:",
            "a wrong rule passes: of sin, nan",
        ),
        ("1e-5 * scale", "0.0", "a right rule is refused"),
        ("1e-5 * scale", "0.1 * scale", "a wrong rule passes: of sin, a factor"),
        ("1e-5 * scale", "1e-5", "a right rule is refused"),
        ("scale = np.sum(np.abs(found * t)) + abs(expected)", "scale = 1e9", "a wrong rule passes"),
        (
            "rng.normal(size=np.shape(f(x)))",
            "np.ones(np.shape(f(x)))",
            "a wrong rule passes: of exp, the cotangent left out",
        ),
        ("rng.normal(size=np.shape(x))", "np.ones(np.shape(x))", "a wrong rule passes"),
        ("rng.normal(size=np.shape(x))", "np.eye(1, np.size(x))[0]", "a wrong rule passes"),
        ("h = 1e-6 *", "h = 1.0 *", "a right rule is refused"),
        ("h = 1e-6 *", "h = 1e-14 *", "a right rule is refused"),
    ],
    "3.5": [
        ("of_x = g.copy()", "of_x = g", "work on a copy"),
        ("of_x = g.copy()", "of_x = np.zeros_like(g)", "zero"),
        ("of_x[index] = 0.0", "of_x[index] *= 2", "a single element"),
        ("np.sum(of_v, axis=tuple(range(of_v.ndim - np.ndim(v))))", "of_v", "un-broadcast sum"),
        ("np.sum(of_v, axis=stretched, keepdims=True)", "of_v", "un-broadcast sum"),
        ("np.sum(of_v, axis=stretched, keepdims=True)", "np.sum(of_v, axis=stretched)", "shape"),
        (
            "return of_x, np.sum(of_v, axis=stretched, keepdims=True)",
            "return np.sum(of_v, axis=stretched, keepdims=True), of_x",
            "shape",
        ),
        ("return of_x, np.sum(of_v, axis=stretched, keepdims=True)", "return of_x", "tuple"),
    ],
}


@pytest.mark.parametrize("number", OF)
def test_the_solution_earns_all_and_the_blank_nothing(number):
    right, blank = verdict(number, solution(OF[number])), verdict(number, blanked(OF[number]))
    assert [each.words for each in right.properties if each.words] == []
    assert blank.points == 0 and blank.untouched and right.most == len(OF[number].properties)


@pytest.mark.parametrize("number", OF)
def test_each_mistake_loses_points_and_is_told(number):
    known = [(old, new, re.escape(words)) for old, new, words in MISTAKES[number]]
    assert len(known) + len(GENERAL[number]) >= 10
    for old, new, said in [*known, *GENERAL[number]]:
        text = solution(OF[number])
        assert old in text, old
        found = verdict(number, text.replace(old, new))
        words = "\n".join(each.words for each in found.properties)
        assert 0 <= found.points < found.most, new
        assert re.search(said, words), (new, words)


# In words of a student's own: what is wrong is what is often made wrong
OWN = {
    "1.1": (
        "def model(parameters, v_in):\n    return np.einsum('ij,j...->i...', parameters, v_in)",
        "tanh of the linear",
    ),
    "1.3": (
        "def forward_automatic_differentiation(expression, input_value):\n"
        "    v, d = input_value, np.ones(np.shape(input_value))\n"
        "    for f in reversed(expression):\n"
        "        v = f(v)\n"
        "        d = d * derivatives[f](v)\n"
        "    return v, d",
        "at the value that comes out",
    ),
    "2.1": ("def vjp_softmax(g, x):\n    p = np.exp(x) / np.exp(x).sum()\n    return g * (p - p * p)", "the diagonal"),
    "3.2": ("def exp(x):\n    return Dual(math.exp(x.value), math.exp(x.value))", "the tangent of exp's argument"),
    "3.5": (
        "def vjp_write(g, x, index, v):\n    g = g.copy()\n    old = 1.0 * g[index]\n    g[index] = 0\n"
        "    return g, old * v",
        "what was written is v itself",
    ),
}


@pytest.mark.parametrize("number", OWN)
def test_a_mistake_is_known_by_its_numbers(number):
    code, said = OWN[number]
    assert said in "\n".join(each.words for each in verdict(number, f"{solution(OF[number])}\n\n{code}\n").properties)


# In processes


def folder_with(tmp_path, number, text):
    (tmp_path / f"{OF[number].file}.py").write_text(text)
    return tmp_path


HOSTILE = {
    "an endless loop": ("while True:\n        pass", "not finished in time"),
    "sys.exit": ("raise SystemExit(0)", "SystemExit"),
    "the process ended": ("__import__", "uses __import__"),
    "too much memory": ("return np.ones(10**12)", "Memory|memory"),
    "without end": ("return model(parameters, v_in)", "calls itself without end"),
    "what is no number": ("return 'all right'", "returned a str, where numbers are asked for"),
    "a crash": ("import os; os.kill(os.getpid(), 11)", "ended abruptly, by SIGSEGV"),
    "a loud one": ("print('3 of 3 points' * 10**5); return np.nan", "shape|not"),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_what_a_file_does_is_told(how, tmp_path):
    body, said = HOSTILE[how]
    text = blanked(OF["1.1"]).replace('raise NotImplementedError("Task 1.1: the model")', body)
    found = graded(folder_with(tmp_path, "1.1", text), ["1.1"], seed=1, seconds=3)
    assert found.points == 0 and re.search(said, str(found)), str(found)


def test_one_file_that_ends_its_process_costs_one_task_and_no_more(tmp_path):
    folder_with(tmp_path, "1.3", solution(OF["1.3"]))
    first, other = graded(folder_with(tmp_path, "1.1", "import os\nos._exit(0)\n"), ["1.1", "1.3"], seed=1).tasks
    assert first.points == 0 and other.points == other.most > 0


@pytest.mark.parametrize(
    "code", ["import jax.numpy as jnp", "from scratch_ad import grad", "import torch", "exec('1')"]
)
def test_a_file_that_imports_an_engine_is_not_run(code, tmp_path):
    text = f"{code}\nopen('/dev/full', 'w').write('ran')\n" if "exec" in code else f"{code}\n{solution(OF['1.1'])}"
    assert refusal(text)
    found = graded(folder_with(tmp_path, "1.1", text), ["1.1"])
    assert found.points == 0 and str(found).count("line 1 ") == 1


def test_an_engine_cannot_be_had_by_another_name(tmp_path):
    call = "getattr(np, '__builtins__')['__imp' + 'ort__']('jax').numpy.tanh(p @ v)"
    hidden = f"import numpy as np\n\ndef model(p, v):\n    return {call}\n"
    assert not refusal(hidden)
    assert "ModuleNotFoundError: import of jax halted" in str(graded(folder_with(tmp_path, "1.1", hidden), ["1.1"]))


def test_the_commands(tmp_path, capsys):
    folder = tmp_path / "mine"
    assert cli.main(["lesson", "start", str(folder)]) == cli.GOOD
    assert cli.main(["lesson", "start", str(folder)]) == cli.USAGE and "is there already" in capsys.readouterr().err
    assert cli.main(["grade", str(folder), "--task", "1.1"]) == cli.MISMATCH
    assert "not begun" in capsys.readouterr().out
    (folder / "task_11_model.py").write_text(solution(OF["1.1"]))
    report = tmp_path / "results.json"
    assert cli.main(["grade", str(folder), "--task", "1.1", "--seed", "3", "--json", str(report)]) == cli.GOOD
    assert "3 of 3 points (seed 3)" in capsys.readouterr().out
    found = json.loads(report.read_text())
    assert found["score"] == 3 and [test["max_score"] for test in found["tests"]] == [1, 1, 1]
    (folder / "task_13_forward.py").write_text("def forward(:")
    assert cli.main(["grade", str(folder), "--task", "1.3"]) == cli.USAGE
    assert capsys.readouterr().out.count("task_13_forward.py, line 1: Python cannot read it: invalid syntax") == 1
    assert cli.main(["grade", str(folder), "--task", "9"]) == cli.USAGE
    assert cli.main(["grade", str(tmp_path / "nothing")]) == cli.USAGE
    command = [sys.executable, "-m", "pytest", "-q", "-m", "task_1_1 or task_1_2", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert "5 failed, 3 passed" in done.stdout and "not filled in yet" in done.stdout, done.stdout


def test_the_notebook_grades_its_cells_and_is_the_same_each_time(tmp_path):
    texts = [(start(tmp_path / name) / "tasks.ipynb").read_bytes() for name in "ab"]
    assert texts[0] == texts[1]
    cells = json.loads(texts[0])["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells) == 2 + 3 * len(TASKS)
    assert "".join(cells[3]["source"]) == blanked(OF["1.1"]).rstrip()
    assert here("1.1", names(solution(OF["1.1"]))).points == 3 and here("1.1", {}).points == 0
