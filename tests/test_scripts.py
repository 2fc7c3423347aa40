"""The scripts, run as a person runs them, on their small sizes; and what their results say."""

import csv
import itertools
import json
import re
import runpy
import signal
import subprocess
import sys

import _environment
import _page
import numpy as np
import pytest
import rule_costs
import sympy
import train_data_parallel
from PIL import Image
from running import NAMES, command, output

from jax_ref.cases import catalogue
from scratch_ad.intro import repeated_layers
from scratch_ad.tracer import name_of

pytestmark = pytest.mark.xdist_group("scripts")  # one run of everything serves all tests here


@pytest.fixture(autouse=True, scope="module")
def warnings_are_errors():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONWARNINGS", "error")
        yield


def numbers(results, name):
    return json.loads((results / name / "numbers.json").read_text())


def rows(results, name, table):
    with (results / name / f"{table}.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_second_run_has_nothing_to_do(results):
    printed = output("reproduce", "--quick", "--out", results)
    assert printed.count("already there") == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_files(results, name):
    files = list((results / name).iterdir())
    pictures = [f for f in files if f.suffix == ".png"]
    assert pictures
    for picture in pictures:
        assert picture.with_suffix(".svg").read_text().rstrip().endswith("</svg>")
        with Image.open(picture) as image:
            assert min(image.size) > 200
            assert len(np.unique(np.asarray(image.convert("L")))) > 20, f"{picture} is blank"
    assert {f.suffix for f in files} >= {".png", ".svg", ".csv", ".json"}
    assert numbers(results, name)["settings"]["quick"] is True


def test_every_exact_method_trains_as_jax_does(results):
    trained = numbers(results, "train_classifier")
    for data, exact in (("mock", ["symbolic", "forward", "reverse"]), ("digits", ["forward", "reverse"])):
        apart = {name: run["largest relative difference from JAX"] for name, run in trained[data].items()}
        assert max(apart[name] for name in exact) <= 1e-12
        assert 1e-12 < apart["numerical"] < 1e-5
        assert len({run["steps"] for run in trained[data].values()}) == 1
    for right in (trained["mock_labels_right"], trained["digits_right"]):
        assert right["after"] > max(0.8, right["before"]) or trained["settings"]["quick"]
    costs = [float(row["cost, reverse"]) for row in rows(results, "train_classifier", "mock")]
    assert np.all(np.diff(costs) < 0)


def test_only_differences_have_a_step_to_get_wrong(results):
    found = numbers(results, "step_size_error")
    best = {scheme: b["error"] for scheme, b in found["best_relative_error"].items()}
    assert best["complex"] < 1e-15 < best["central"] < 1e-10 < best["forward"] < 1e-6
    assert all(0 < error < 4 * np.finfo(float).eps for error in found["engines_worst_relative_error"].values())
    errors = rows(results, "step_size_error", "errors")
    assert float(errors[0]["forward"]) > 1e-3
    assert float(errors[-1]["forward"]) > 1e-3


def test_expressions_swell_and_programs_do_not(results):
    found = numbers(results, "expression_swell")
    for row in found["rows"]:
        assert row["expression of the derivative"] == sympy.count_ops(repeated_layers(row["layers"]).diff("x"))
    assert found["growth_per_layer"] > 2
    for mode in ("forward mode executes", "reverse mode executes"):
        assert len(set(np.diff([row[mode] for row in found["rows"]]))) == 1  # the same for each layer
    assert found["largest_relative_difference_from_JAX"] < 1e-12


def test_costs_follow_theory(results):
    for row in rows(results, "cost_scaling", "costs"):
        n, m = int(row["n"]), int(row["m"])
        passes = {"numerical": n, "forward": n, "reverse": m, "jax.jacfwd": n, "jax.jacrev": m}[row["method"]]
        assert int(row["evaluations"]) == (n + 1 if row["method"] == "numerical" else 1)
        assert passes <= float(row["operations ratio"]) <= 1.05 * passes + 2
        assert float(row["seconds"]) > 0
    found = numbers(results, "cost_scaling")
    twice = found["counted_twice"]
    assert twice["unexplained operations"] == 0 and twice["explained"] == twice["programs"] > twice["identical"]
    for name, theory in found["theory"].items():
        fitted = found["exponents"]["operations ratio"][name]
        assert [fitted["n"], fitted["m"]] == pytest.approx(theory, abs=0.05)
    assert found["crossover"]["operations"]["n/m"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("kind", "evaluations"), [("numerical", 5), ("forward", 5), ("backward", 3)])
def test_animations(results, kind, evaluations):
    with Image.open(results / "evaluation_animation" / f"{kind}.gif") as gif:
        assert gif.n_frames == evaluations
        frames = []
        for k in range(gif.n_frames):
            gif.seek(k)
            frames.append(np.asarray(gif.convert("RGB")))
    assert all(not np.array_equal(a, b) for a, b in itertools.pairwise(frames))


def test_the_page_holds_everything(results):
    page = (results / "index.html").read_text()
    assert "Not finished yet" not in page
    sources = re.findall(r'src="([^"]{0,40})', page)
    assert len(sources) > 10
    assert all(source.startswith("data:image/") for source in sources)
    assert set(re.findall(r'href="([^"]*)', page)) == {"evaluations.html"} and (results / "evaluations.html").exists()
    assert "last bit" not in page and "does not explain" not in page
    tallest = numbers(results, "cost_scaling")["tangent"]  # one input: as it was timed, for better or worse
    for method in ("forward", "numerical"):
        assert f"<b>{_page.short(tallest[method]['time ratio'])}×</b>" in page
    takeaways = page[page.index("<h2>Takeaways</h2>") :]
    assert takeaways.count('class="takeaway') == 5
    assert "1,001" in takeaways  # evaluations for a gradient of 1000 parameters


def test_a_script_that_fails_leaves_its_message_and_the_others_go_on(results, tmp_path):
    for name in NAMES:
        (tmp_path / name).symlink_to(results / name)
    (tmp_path / "evaluation_animation").unlink()
    (tmp_path / "evaluation_animation").write_text("a file where the folder should be")
    done = subprocess.run(command("reproduce", "--quick", "--out", tmp_path), capture_output=True, text=True)
    assert done.returncode == 1
    assert "Name a place that can be written to." in " ".join(done.stdout.split())
    assert "not finished: evaluation_animation" in done.stderr
    assert "Not finished yet: evaluation_animation" in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize("name", [*NAMES, "reproduce", "bench", "train_data_parallel"])
def test_help(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit, match=r"^0$"):
        runpy.run_path(command(name)[1], run_name="__main__")
    assert "--seed" in capsys.readouterr().out


def test_data_parallel_training_over_two_processes(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONWARNINGS")  # those of JAX's own start of processes
    printed = output("train_data_parallel", "--quick", "--devices", 4, "--processes", 2, "--out", tmp_path)
    assert "4 devices of 2 processes" in printed
    found = numbers(tmp_path, ".")
    for axes in ("automatic", "explicit"):
        counted = found["collectives"][axes]
        assert counted["ours"] == counted["JAX"] == {"all-reduce": 1}
        assert found["runs"][axes]["largest relative difference of costs"] < 1e-14
        assert 0 < found["runs"][axes]["largest relative difference of gradients"] < 1e-13
        costs = [float(row["ours"]) for row in rows(tmp_path, ".", axes)]
        assert len(costs) == 5
        assert np.all(np.diff(costs) < 0)


WRONG = {
    "--devices 3 --processes 2": "--devices has to be a multiple of --processes",
    "--devices 2000": "--devices has to be at most 1797",
    "--processes 2 --coordinator here": "--coordinator is written HOST:PORT",
    "--seed -1": "argument --seed: -1 is no whole number from 0 on",
    f"--out {__file__}": "File exists. Name a place that can be written to.",
    f"--out {__file__}/folder": "Not a directory. Name a place that can be written to.",
}


@pytest.mark.parametrize("options", WRONG)
def test_options_that_cannot_be_are_told_before_anything_is_computed(options, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["train_data_parallel.py", "--out", str(tmp_path), *options.split()])
    with pytest.raises(SystemExit, match=r"^2$"):
        train_data_parallel.options()
    assert WRONG[options] in capsys.readouterr().err


def test_each_of_many_devices_has_a_sample(tmp_path):
    output("train_data_parallel", "--quick", "--devices", 256, "--out", tmp_path)
    assert all(np.isfinite(run["last cost"]) for run in numbers(tmp_path, ".")["runs"].values())


def test_seed_of_random_points(results, tmp_path):
    for seed in (0, 1):
        output("step_size_error", "--quick", "--seed", seed, "--out", tmp_path / str(seed))
    same, other = (numbers(tmp_path / seed, ".")["engines_worst_relative_error"] for seed in "01")
    assert same == numbers(results, "step_size_error")["engines_worst_relative_error"]
    assert other != same


class TestEnvironment:
    @pytest.fixture(autouse=True)
    def elsewhere(self, tmp_path, monkeypatch):
        """An environment that has nothing, and a stand-in for the Python of .venv."""
        monkeypatch.setattr(_environment, "VENV", tmp_path)
        monkeypatch.setattr(_environment, "PYTHON", tmp_path / "python")
        monkeypatch.setattr(_environment, "STAMP", tmp_path / "installed")
        monkeypatch.setattr(_environment, "_installed", lambda name: False)
        monkeypatch.setattr(sys, "path", sys.path[:])
        monkeypatch.setattr(sys, "argv", ["scripts/some.py", "--quick"])
        self.calls = []
        monkeypatch.setattr(subprocess, "call", lambda arguments: self.calls.append(arguments) or 3)
        monkeypatch.setattr(subprocess, "run", lambda arguments, check: self.calls.append(arguments))
        self.handlers = []
        monkeypatch.setattr(signal, "signal", lambda number, handler: self.handlers.append(handler))

    def enter(self):
        with pytest.raises(SystemExit) as stopped:
            _environment.enter()
        return stopped.value.code

    def test_an_environment_with_the_packages_is_used_as_it_is(self, monkeypatch):
        monkeypatch.setattr(_environment, "_installed", lambda name: True)
        _environment.enter()
        assert self.calls == []

    def test_the_first_run_installs_and_the_second_does_not(self):
        assert self.enter() == 3
        make, install, run = self.calls
        assert make[1:3] == ["-m", "venv"]
        assert {_environment.CONSTRAINTS, f"{_environment.ROOT}[test]"} <= set(install)
        assert run == [_environment.PYTHON, "scripts/some.py", "--quick"]
        _environment.PYTHON.touch()
        self.calls.clear()
        assert self.enter() == 3
        assert self.calls == [run]
        assert all(map(callable, self.handlers))  # SIG_IGN would be inherited, and nothing could be broken off

    def test_other_requirements_are_installed(self, tmp_path, monkeypatch):
        self.enter()
        _environment.PYTHON.touch()
        (tmp_path / "pyvenv.cfg").touch()
        changed = tmp_path / "constraints.txt"
        changed.write_text("numpy==2.4.0")
        monkeypatch.setattr(_environment, "CONSTRAINTS", changed)
        self.calls.clear()
        self.enter()
        assert len(self.calls) == 3

    def test_packages_missing_inside_it_are_named(self, tmp_path, monkeypatch):
        self.enter()
        _environment.PYTHON.touch()
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
        assert re.search(r"lacks numpy, optree, .*delete that folder", str(self.enter()))

    def test_every_requirement_is_pinned(self):
        pinned = re.findall(r"^([\w.-]+)==", _environment.CONSTRAINTS.read_text(), re.MULTILINE)
        assert {name.lower() for name in _environment._required()} <= {name.lower() for name in pinned}


def test_dearer_rules_are_shown_with_their_reason():
    printed = output("rule_costs", "subtract", "exp2", "linalg.solve")
    assert "6 programs of 3 functions: 3 cost at most JAX's" in printed
    assert "Dearer without a reason given: 0 functions." in printed
    assert {
        word for row in re.findall(r"^│ (np\S+).*(JAX's overflows|a second time)", printed, re.M) for word in row
    } == {*("np.exp2", "JAX's overflows", "np.linalg.solve", "a second time")}


def test_every_reason_is_that_of_functions_that_exist():
    named_there = [name for names in rule_costs.REASONS.values() for name in names.split()]
    assert len(named_there) == len(set(named_there))
    assert {name_of(case.function).removeprefix("np.") for case in catalogue}.issuperset(named_there)
