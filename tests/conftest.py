"""What several files of tests ask for, so that they take no time for what others test."""

import gc
import importlib.metadata
import os
import re
import signal
import subprocess
import sys

import pytest

# As derivatives.SMALL, for all of JAX's programs and before it is imported: most of those here run once.
SMALL = "xla_backend_optimization_level=0 xla_cpu_parallel_codegen_split_count=1 xla_cpu_use_fusion_emitters=false"
if importlib.metadata.version("jax") < "0.11":
    os.environ["XLA_FLAGS"] = " --".join([os.environ.get("XLA_FLAGS", ""), *SMALL.split()])

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it, and so their children


def pytest_collection_finish():
    """What is there now stays to the end: no collection goes through it again."""
    gc.freeze()


@pytest.fixture
def unvaried(monkeypatch):
    """Nothing is varied unasked: what that finds, and what it takes, is in ``test_variants``."""
    from jax_ref.checks import question

    every = question.variants
    monkeypatch.setattr(question, "variants", lambda given, thorough: every(given, thorough) if thorough else ())
    monkeypatch.setattr(question, "larger", lambda given: ())


@pytest.fixture(autouse=True)
def as_it_is(monkeypatch):
    """No smaller case is looked for, which takes most of the time of a check that fails."""
    if shrink := sys.modules.get("jax_ref.checks.shrink"):
        monkeypatch.setattr(shrink, "SHRINKING", 0.0)


@pytest.fixture
def made_small(as_it_is, monkeypatch):
    """A smaller case is looked for all the same, however busy the machine is."""
    from jax_ref.checks import shrink

    monkeypatch.setattr(shrink, "SHRINKING", 60.0)


@pytest.fixture(scope="module")
def tab():
    """A tab of a headless browser; without one the tests that ask for it are skipped, and say so."""
    import browser

    if why := browser.missing():
        print(why)
        pytest.skip(why)
    with browser.browser() as tab:
        yield tab


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """All results of a quick run that was broken off after its first script, and then went on."""
    from running import command, output

    folder = tmp_path_factory.mktemp("results")
    arguments = command("reproduce", "--quick", "--out", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONWARNINGS", "error")
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout and process.stderr
            assert re.fullmatch(r"train_classifier: \d+ s\n", process.stdout.readline())
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            assert "not finished" in process.stderr.read()
        assert process.returncode == 1
        broken_off = (folder / "index.html").read_text()
        assert "One classifier" in broken_off
        assert "Not finished yet: step_size_error" in broken_off
        assert "train_classifier: already there" in output("reproduce", "--quick", "--out", folder)
    return folder
