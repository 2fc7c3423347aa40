"""Compiled programs kept in this process and in a folder."""

import jax
import numpy as np
import pytest

from jax_ref.measure import executables
from jax_ref.sweep import sweep
from jax_ref.sweep.sweep import Unit


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SCRATCH_AD_CACHE", str(tmp_path))
    return tmp_path


def compiled(calls):
    def compile():
        calls.append("compiled")
        return jax.jit(lambda x: x + 1).lower(np.ones(3)).compile()

    return compile


def test_what_was_compiled_once_in_a_process_is_not_compiled_again(monkeypatch):
    compiled, compile = [], jax.stages.Lowered.compile
    monkeypatch.setattr(
        jax.stages.Lowered, "compile", lambda self, *a, **k: compiled.append(1) or compile(self, *a, **k)
    )
    factor = np.linspace(0.1, 0.9, 1000, dtype=np.float32)  # as large as none that a text abridges
    other = np.where(np.arange(1000) == 500, np.nextafter(factor, np.float32(1)), factor)
    for f, options, expected in (
        (lambda x: x * factor, {}, 1),
        (lambda y: y * factor, {}, 1),
        (lambda x: x * other, {}, 2),
        (lambda x: x * other, {"xla_backend_optimization_level": 0}, 3),
        (lambda x: x * factor, {}, 3),
    ):
        x = np.ones(1000, np.float32)
        np.testing.assert_array_equal(executables.once(jax.jit(f).lower(x), options)(x), f(x))
        assert len(compiled) == expected


def test_a_program_is_kept_until_what_it_depends_on_changes(folder):
    calls = []
    for depends_on, expected in (("a", 1), ("a", 1), ("b", 2), ("b", 2), ("a", 3)):
        program = executables.kept("np.f float64", depends_on, compiled(calls))
        np.testing.assert_array_equal(program(np.ones(3)), np.full(3, 2.0))
        assert len(calls) == expected
    assert [path.name for path in folder.iterdir()] == ["np.f float64"]


def test_a_broken_file_is_replaced(folder):
    calls = []
    executables.kept("f", "", compiled(calls))
    (folder / "f").write_bytes((folder / "f").read_bytes()[:100])
    for _ in range(2):
        executables.kept("f", "", compiled(calls))
    assert len(calls) == 2


def test_without_a_folder_nothing_is_kept(monkeypatch):
    monkeypatch.delenv("SCRATCH_AD_CACHE", raising=False)
    calls = []
    for _ in range(2):
        executables.kept("f", "", compiled(calls))
    assert len(calls) == 2


def test_a_fresh_process_runs_kept_programs_also_of_lapack(folder):
    units, times = [Unit("np.linalg.inv", "float64"), Unit("np.tanh", "float32")], []
    for _ in range(2):
        found = sweep.sweep(units)
        assert found.records and {record["status"] for record in found.records} == {"right"}, found.failures()
        times.append({path.name: path.stat().st_mtime_ns for path in folder.iterdir()})
    assert len(times[0]) == 2 and times[0] == times[1]
