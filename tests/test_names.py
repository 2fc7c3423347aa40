"""What a user's words mean."""

import subprocess
import sys

import pytest

from jax_ref.cases.names import named, names


@pytest.mark.parametrize(
    "word, name",
    [
        ("tanh", "np.tanh"),
        ("np.tanh", "np.tanh"),
        ("numpy.tanh", "np.tanh"),
        ("inv", "np.linalg.inv"),
        ("linalg.inv", "np.linalg.inv"),
        ("fft.fft", "np.fft.fft"),
        ("trace", "np.trace"),
        ("abs", "np.absolute"),
        ("np.conj", "np.conjugate"),
        ("concat", "np.concatenate"),
        ("acos", "np.arccos"),
        ("add.reduce", "np.add.reduce"),
        ("getitem", "getitem"),
        ("scipy.special.erf", "scipy.special.erf"),
        ("erf", "scipy.special.erf"),
    ],
)
def test_a_word_means_a_function(word, name):
    assert named([word]) == {name}


@pytest.mark.parametrize("word", ["linalg", "np.linalg", "fft", "numpy.fft"])
def test_a_submodule_means_all_in_it(word):
    part = word.rpartition(".")[2]
    assert named([word]) == {name for name in names() if name.startswith(f"np.{part}.")} != set()


def test_scipys_package_means_all_in_it():
    assert named(["scipy.special"]) == {name for name in names() if name.startswith("scipy.special.")} != set()


def test_every_name_means_itself_and_no_word_means_all():
    assert all(name in named([name]) and len(named([name])) <= 2 for name in names())
    assert named() == set(names())


@pytest.mark.parametrize(
    "word, message",
    [
        ("tanhh", r"no function tanhh \(did you mean np.tanh"),
        ("linalg.inf", "did you mean np.linalg.inv"),
        ("floor", "np.floor has derivative zero"),
        ("numpy.argmax", "np.argmax has derivative zero"),
        ("packbits", "np.packbits has no"),
        ("", "no function ''"),
        ("np.", "no function np."),
        ("random", "no function random"),
        ("pi", "no function pi"),
    ],
)
def test_a_word_that_means_none_is_told_why(word, message):
    with pytest.raises(ValueError, match=message.replace(".", "[.]")):
        named(["tanh", word])


def test_a_function_of_numpys_needs_no_import_of_scipys_parts():
    code = """
import sys
from jax_ref.cases.names import cases_of, named
found = [name for word in ("tanh", "abs", "linalg", "numpy.fft.fft") for name in named([word])]
assert found and all(map(cases_of, found))
parts = {"scipy.fft", "scipy.linalg", "scipy.signal", "scipy.special", "scipy.stats", "scipy.integrate"}
unasked = {*parts, "scipy.optimize"}  # of which JAX has none
print(unasked & {*sys.modules}, parts <= {".".join(name.split(".")[:2]) for name in named(["scipy"])})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "set() True"
