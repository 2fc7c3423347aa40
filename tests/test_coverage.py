"""The table of what can be differentiated: complete, and each function in one column."""

import pathlib
import re

import numpy as np
import pytest
import scipy
from numpy.testing import overrides

from jax_ref.commands.coverage import MODULES, STATUSES, entries, table
from scratch_ad.tracer import name_of


@pytest.fixture(scope="module")
def found():
    return [*entries()]


def test_every_function_that_can_be_overridden_has_an_answer(found):
    names = {f"{e.module.replace('numpy', 'np', 1)}.{e.name}" for e in found if e.status != "plain"}
    functions = {*overrides.get_overridable_numpy_ufuncs(), *overrides.get_overridable_numpy_array_functions()}
    public = {f for f in functions if f.__name__ in dir(np) and getattr(np, f.__name__) is f}
    assert len(public) > 300
    assert sorted({name_of(f) for f in public} - names) == []


def test_what_some_functions_are(found):
    status = {f"{e.module}.{e.name}": e.status for e in found}
    assert {name: status[name] for name in WELL_KNOWN} == WELL_KNOWN
    assert {e.status for e in found} == {*STATUSES} and {e.module for e in found} >= {*MODULES}
    assert all(e.reason for e in found if e.status in ("refused", "plain"))


WELL_KNOWN = {
    "numpy.sin": "rule",
    "numpy.hypot.reduce": "rule",
    "numpy.floor": "constant",
    "numpy.packbits": "refused",
    "numpy.get_include": "plain",
    "numpy.linalg.svd": "rule",
    "numpy.ndarray.sum": "rule",
    "numpy.ndarray.argmax": "constant",
    "numpy.ndarray.fill": "rule",
    "operator.__pow__": "rule",
    "operator.__float__": "refused",
}


def test_other_engines_are_asked():
    by_name = {e.name: e for e in entries(["numpy.fft"])}
    assert "jax" in by_name["fft"].engines and not by_name["test"].engines
    assert table(by_name.values())[2].startswith("| numpy.fft | 19 | 16 | 0 | 0 | 3 | 16 |")


def test_the_guide_shows_what_is_counted(found):
    guide = (pathlib.Path(__file__).parents[1] / ".readme" / "guide.md").read_text(encoding="utf-8")
    counted = re.search(r"`scratch-ad coverage` counts \(NumPy ([\d.]+), SciPy ([\d.]+)", guide)
    if counted.groups() != (np.__version__, scipy.__version__):
        pytest.skip("the guide's table is of other versions")
    cut = lambda line: line.strip("| ").split(" | ")[:7]  # without the peers, which are not installed everywhere
    assert [cut(line) for line in table(found) if cut(line) not in map(cut, guide.splitlines())] == []


def test_an_unknown_module_is_refused():
    with pytest.raises(ValueError, match="no module nump: take numpy"):
        next(entries(["nump"]))
