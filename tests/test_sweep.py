"""The sweep: in processes, killed and resumed, in shards, by any executor, with units that crash or hang."""

import itertools
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest

import scratch_ad
from jax_ref.cases import catalogue
from jax_ref.engines.ready import Engine
from jax_ref.engines.ready import engine as engine_named
from jax_ref.measure import tolerances
from jax_ref.report.records import Expectation, Log, expectations, lines, results, text
from jax_ref.sweep import runs, sweep
from jax_ref.sweep.processes import Crew
from jax_ref.sweep.sweep import Asked, Task
from scratch_ad.registry import rule_of
from scratch_ad.rule import Composite
from scratch_ad.tracer import name_of

QUICK = ("exp", "log", "negative", "positive", "square")


def in_single_precision(misbehave):
    """Our reverse mode, but for what it does in float32."""

    def vjp(f, *primals):
        return misbehave() if primals[0].dtype == np.float32 else scratch_ad.vjp(f, *primals)

    return Engine("of a test", vjp=vjp)


def doubled(f, *primals):
    out, pullback = scratch_ad.vjp(f, *primals)
    return out, lambda g: tuple(2 * c for c in pullback(g))


def lacking():
    raise NotImplementedError("no single precision")


def slow(f, *primals):
    time.sleep(0.01)
    return scratch_ad.vjp(f, *primals)


CRASHES = in_single_precision(lambda: os._exit(3))
HANGS = in_single_precision(lambda: time.sleep(600))
RAISES = in_single_precision(lambda: 1 / 0)
LACKS = in_single_precision(lacking)
DOUBLES = Engine("doubles", vjp=doubled)
SLOW = Engine("slow", vjp=slow)
REVERSE = Asked(modes=("rev",), order=1)


def comparable(records):
    """What must be the same in every run."""
    return sorted(({**r, "seconds": 0} for r in records), key=lambda r: (r["unit"], r["number"]))


def statuses(result):
    return {tuple(r["unit"]): r["status"] for r in result.records}


def test_a_sweep_in_processes_finds_what_one_in_this_process_finds():
    units = sweep.units(["negative", "square"])
    with Crew(2, 120) as crew:
        found = sweep.sweep(units, by=crew)
    here = [result for unit in units for result in runs.run(unit)]
    assert [r["case"] for r in found.records] == [result.shapes for result in here]
    assert set(statuses(found).values()) == {"right"} and all(result.ok for result in here)
    assert found.header["device"] == "cpu" and "x64 on" in found.header["precision"]


def test_killed_in_the_middle_and_resumed_it_ends_with_the_same_results(tmp_path):
    command = [sys.executable, "-m", "jax_ref", "check", *QUICK, "--engine", "test_sweep:SLOW", "--order", "1"]
    command += ["--mode", "rev", "--jobs", "1", "--cache", "", "--device", "cpu", "--out"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, os.path.dirname(__file__)])}
    path = tmp_path / "killed" / "results.jsonl"
    running = subprocess.Popen([*command, path.parent], env=environment, stdout=subprocess.DEVNULL)
    while not path.exists() or path.read_text().count("\n") < 6:
        assert running.poll() is None
        time.sleep(0.02)
    running.kill()
    running.wait()
    with path.open("a") as file:
        file.write('{"run": "torn in the mi')
    again = subprocess.run([*command, path.parent], env=environment, capture_output=True, text=True)
    assert again.returncode == 0 and "resumed: " in again.stdout and " there already" in again.stdout, again.stderr

    units = sweep.units(QUICK)
    (resumed,) = results(lines(path))
    whole = sweep.sweep(units, REVERSE._replace(engine="test_sweep:SLOW"), ThreadPoolExecutor(8), tmp_path / "whole")
    ran = [r for r in lines(path) if "unit" in r]
    assert len(ran) == len({(*r["unit"], r["number"]) for r in ran}), "a finished unit was run again"
    without_run = lambda records: [{**r, "run": ""} for r in comparable(records)]  # other settings, another run
    assert without_run(resumed.records) == without_run(whole.records)
    assert len(statuses(resumed)) == len(units)


def test_what_is_finished_is_not_run_again_but_when_asked_to_or_changed(tmp_path):
    units, executor = sweep.units(["negative"]), ThreadPoolExecutor(2)
    counted = []

    def again(order=2, **options):
        counted.clear()
        progress = lambda records, done, total: counted.append((len(records), done, total))
        return sweep.sweep(units, Asked(order=order), executor, tmp_path, progress=progress, **options)

    first = again()
    assert [done for _, done, _ in counted] == [*range(len(units) + 1)]
    second = again()
    assert counted == [(1, len(units), len(units))] and comparable(second.records) == comparable(first.records)
    again(order=1)
    assert len(counted) == 1 + len(units)
    again(order=1, fresh=True)
    assert len(counted) == 1 + len(units) and len(results(lines(tmp_path / "results.jsonl"))) == 1


def test_a_unit_of_which_only_a_part_was_written_is_run_again(tmp_path):
    units, executor = sweep.units(["negative"], ["float64"]), ThreadPoolExecutor(1)
    whole = sweep.sweep(units, by=executor, out=tmp_path)
    path = tmp_path / "results.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]) + '{"run"')
    assert comparable(sweep.sweep(units, by=executor, out=tmp_path).records) == comparable(whole.records)
    assert comparable(results(lines(path))[0].records) == comparable(whole.records)


def test_shards_merge_by_joining_their_files(tmp_path):
    units, executor = sweep.units(QUICK), ThreadPoolExecutor(2)
    for i in (1, 2, 3):
        sweep.sweep(units[i - 1 :: 3], REVERSE, executor, tmp_path / str(i))
    (merged,) = results([line for i in (3, 1, 2) for line in lines(tmp_path / str(i) / "results.jsonl")])
    whole = sweep.sweep(units, REVERSE, executor)
    assert comparable(merged.records) == comparable(whole.records)


@pytest.mark.parametrize(
    "engine, status, timeout", [("CRASHES", "crashed", 60), ("HANGS", "timeout", 10), ("RAISES", "error", 60)]
)
def test_a_unit_that_crashes_hangs_or_raises_takes_nothing_else_along(engine, status, timeout):
    units = sweep.units(["negative"], ["float32", "float64", "complex128"])
    with Crew(2, timeout) as crew:
        found = sweep.sweep(units, REVERSE._replace(engine=f"test_sweep:{engine}"), crew)
    assert statuses(found) == {unit: status if unit.dtype == "float32" else "right" for unit in units}
    (record, *_) = found.failures()
    assert record["rerun"].startswith(
        f"scratch-ad check np.negative --dtype float32 --engine test_sweep:{engine} --mode rev --order 1"
    )


class Echo(NamedTuple):
    number: int

    def records(self):
        return self.number

    def accepted(self, answer):
        return json.loads(answer)

    def lost(self, status, words):
        return status


def test_tasks_without_end_are_taken_when_their_turn_comes():
    taken = []
    with Crew(1, 60) as crew:
        outcomes = crew.outcomes(taken.append(k) or Echo(k) for k in itertools.count())
        assert [outcome for _, outcome in itertools.islice(outcomes, 3)] == [0, 1, 2] == taken


def test_one_case_that_raises_does_not_end_its_unit():
    calls = iter(range(100))

    def vjp(f, *primals):
        return 1 / 0 if next(calls) == 0 else scratch_ad.vjp(f, *primals)

    first, *others = runs.run(sweep.Unit("np.negative", "float64"), Engine("of a test", vjp=vjp), ("rev",), 1)
    assert "of a test raised ZeroDivisionError: division by zero" in str(first)
    assert others and all(result.ok for result in others)


def test_any_executor_will_do():
    distributed = pytest.importorskip("distributed", reason="the extra test installs it")
    units = sweep.units(["negative", "square"])
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        found = sweep.sweep(units, REVERSE, client.get_executor())
    assert comparable(found.records) == comparable(sweep.sweep(units, REVERSE, ThreadPoolExecutor(1)).records)


def test_a_record_says_what_is_wrong_and_how_to_run_it_again():
    units, asked = sweep.units(["square"], ["float64"]), Asked("test_sweep:DOUBLES")
    found = sweep.sweep(units, asked, ThreadPoolExecutor(1))
    wrong = found.failures()
    assert json.loads(json.dumps(wrong)) == wrong
    number = wrong[0]["number"]
    finding = next(f for r in wrong for f in r["findings"] if f["what"] == "vjp")
    assert float(finding["got"]) == pytest.approx(2 * float(finding["expected"]))
    assert wrong[0]["rerun"].endswith(f"np.square --dtype float64 --engine test_sweep:DOUBLES --case {number}")
    again = sweep.sweep(units, asked._replace(case=number), ThreadPoolExecutor(1))
    assert [r["findings"] for r in again.records] == [wrong[0]["findings"]]


def test_the_seed_changes_the_vectors_and_nothing_else():
    case = sweep.Unit("np.square", "float64").cases()[0]
    first, same, other = (runs.problem(case, "float64", seed=seed).vectors for seed in ("", "", "1"))
    np.testing.assert_array_equal(first.tangents, same.tangents)
    np.testing.assert_array_equal(first.primals, other.primals)
    assert not np.array_equal(first.tangents, other.tangents)


def test_a_composite_is_blocked_by_what_it_is_made_of():
    case = sweep.Unit("np.linalg.cond", "float64").cases()[0]
    assert "np.linalg.cond" not in sweep.callees(case, "float64")
    primitive = sweep.callees(case, "float64")[-1]
    header = {"run": "r", "engine": "e", "expect": []}
    record = lambda name, status, **more: {
        "run": "r",
        "unit": [name, "float64"],
        "case": "",
        "number": 0,
        "status": status,
        "findings": [],
        **more,
    }
    composite = lambda status: record("np.linalg.cond", status, calls=[primitive])
    for of_primitive, of_composite, final in (
        ("wrong", "error", "blocked"),
        ("missing", "missing", "blocked"),
        ("missing", "wrong", "wrong"),  # a wrong number has another reason
        ("right", "wrong", "wrong"),
    ):
        (result,) = results([header, record(primitive, of_primitive), composite(of_composite)])
        assert statuses(result) == {(primitive, "float64"): of_primitive, ("np.linalg.cond", "float64"): final}


def test_every_composite_can_be_asked_what_it_calls():
    composites = [case for case in catalogue if isinstance(rule_of.get(case.function), Composite)]
    calls = {name_of(case.function): sweep.callees(case, case.dtypes[-1]) for case in composites}
    assert "np.mean" in calls["np.nanmedian"] and "np.where" in calls["np.piecewise"]


def test_a_composite_that_fails_says_what_it_calls():
    found = sweep.sweep(sweep.units(["std"], ["float32"]), Asked("test_sweep:LACKS"), ThreadPoolExecutor(1))
    assert {r["status"] for r in found.records} == {"missing"}
    assert all(r["calls"] for r in found.records)


def test_expected_failures_need_a_reason_and_something_to_match(tmp_path):
    path = tmp_path / "expected"
    path.write_text("# a comment\n\nnp.square float32 # too short\nnp.negative -a  [a: # part of a case\n")
    expected = expectations(path)
    assert expected == [
        Expectation("np.square", "float32", "", "too short"),
        Expectation("np.negative", "", "-a  [a:", "part of a case"),
    ]
    found = sweep.sweep(
        sweep.units(["square", "exp"], ["float32", "float64"]),
        REVERSE._replace(engine="test_sweep:RAISES"),
        ThreadPoolExecutor(1),
        expect=[*expected, Expectation("np.exp", "float64", "", "but it is right")],
    )
    assert statuses(found) == {
        ("np.exp", "float32"): "error",
        ("np.exp", "float64"): "right",
        ("np.square", "float32"): "expected",
        ("np.square", "float64"): "right",
    }
    assert [e.function for e in found.unmatched] == ["np.exp"]  # np.negative was not run
    path.write_text("np.square float32\n")
    with pytest.raises(ValueError, match="no reason"):
        expectations(path)


def test_a_broken_line_in_the_middle_is_an_error(tmp_path):
    path = tmp_path / "results.jsonl"
    log = Log(path)
    log.append([{"run": "a"}, {"run": "b"}])
    log.close()
    path.write_text(path.read_text().replace('"a"}', '"a'))
    with pytest.raises(ValueError, match=r"results\.jsonl:1 is no record"):
        lines(path)


def test_unknown_functions_dtypes_and_engines_are_refused():
    for names, dtypes in ((["nothing"], []), ([], ["float8"])):
        with pytest.raises(ValueError, match="the catalogue has no"):
            sweep.units(names, dtypes)
    with pytest.raises(ValueError, match="no engine nobody"):
        sweep.sweep([], Asked("nobody"))


# On other devices


def test_jax_on_the_cpu_is_a_second_witness(monkeypatch):
    unit = sweep.Unit("np.square", "float64")
    assert all(result.ok for result in runs.run(unit, beside_cpu=True))
    assert not any(result.beside_cpu for result in runs.run(unit, DOUBLES, ("rev",), 1))
    wrong = runs.run(unit, DOUBLES, ("rev",), 1, beside_cpu=True)[0]
    assert [f.what for f in wrong.beside_cpu] == [f.what for f in wrong.findings]
    assert "beside JAX on the CPU, vjp, argument 0" in str(wrong)
    monkeypatch.setattr(wrong, "findings", [])
    assert not wrong.ok
    (record, *_) = Task(unit, REVERSE._replace(engine="test_sweep:DOUBLES", beside_cpu=True)).records()
    assert "beside JAX on the CPU, vjp" in text(record)


@pytest.mark.parametrize("engine", ["scratch_ad-jax", "scratch_ad-compiled"])
def test_ours_run_by_jax_is_right_to_second_order_and_its_faults_are_found(engine, monkeypatch):
    unit = sweep.Unit("np.matmul", "float32")
    assert [str(result) for result in runs.run(unit, engine_named(engine), case=0) if not result.ok] == []
    monkeypatch.setitem(rule_of, np.matmul, rule_of[np.multiply])
    assert not any(result.ok for result in runs.run(unit, engine_named(engine), case=0))


def test_a_wider_tolerance_is_one_devices_and_one_functions(monkeypatch):
    unit = sweep.Unit("np.square", "float64")
    monkeypatch.setitem(tolerances.WIDER, ("cpu", "np.square"), (1e6, "a reason"))
    monkeypatch.setitem(tolerances.WIDER, ("gpu", "np.negative"), (1e6, "a reason"))

    def nearly(f, *primals):
        out, pullback = scratch_ad.vjp(f, *primals)
        return out, lambda g: tuple(c * (1 + 1e-10) for c in pullback(g))

    engine = Engine("nearly", vjp=nearly)
    assert all(result.ok for result in runs.run(unit, engine, ("rev",), 1))
    assert not all(result.ok for result in runs.run(sweep.Unit("np.negative", "float64"), engine, ("rev",), 1))
    assert not all(result.ok for result in runs.run(unit, DOUBLES, ("rev",), 1))


def test_every_wider_tolerance_has_its_reason():
    known = {*sweep.named(), "default precision"}
    for (platform, what), (factor, reason) in tolerances.WIDER.items():
        assert platform == "gpu" and what in known and factor > 1 and len(reason) > 20


def test_what_jax_lacks_on_a_device_is_missing(monkeypatch):
    def lacking(*_):
        raise NotImplementedError("no eig here")

    monkeypatch.setattr(runs, "references", lacking)
    for result in runs.run(sweep.Unit("np.square", "float64")):
        assert result.missing == "JAX on cpu: no eig here" and not result.findings


def test_what_is_not_finished_in_time_is_left():
    tasks = [Task(sweep.Unit("np.square", dtype), Asked("test_sweep:HANGS")) for dtype in ("float32", "float64")]
    start = time.monotonic()
    assert [*sweep.by_processes(tasks, 1, 600, start + 5)] == []
    assert time.monotonic() - start < 40
