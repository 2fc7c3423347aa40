"""What a user's words mean: functions of the catalogue."""

import difflib
import functools
import operator
import warnings
from types import ModuleType

import numpy as np

from scratch_ad.registry import rule_of
from scratch_ad.rule import Constant, Refused
from scratch_ad.tracer import name_of

from . import catalogue


def names():
    """Those of the functions that are checked against JAX."""
    return sorted(_by_name())


def cases_of(name):
    """The cases of a function that JAX answers."""
    return [*_by_name(of_numpy=not name.startswith("scipy.")).get(name, ())]


@functools.cache
def _by_name(of_numpy=False):
    """The cases that JAX answers by the names of their functions, or of NumPy's alone."""
    found = {}
    for case in catalogue.of_numpy() if of_numpy else catalogue:
        if not case.differs:
            found.setdefault(name_of(case.function), []).append(case)
    return found


def named(words=()):
    """The names of the functions that these words mean, by default of all.

    A word is a name (``np.linalg.inv``, ``numpy.linalg.inv``, ``linalg.inv``, ``inv``), NumPy's other name for a
    function (``abs``), or a submodule (``linalg``, ``scipy.linalg``), which means all in it; without a module, NumPy's.
    Raises ValueError for a word that means none, saying why.
    """
    if not words:
        return {*names()}
    meant = [(word, _meant(word, _by_name(of_numpy=True).keys()) or _meant(word, {*names()})) for word in words]
    if unknown := [_why_none(word, {*names()}) for word, found in meant if not found]:
        raise ValueError("; ".join(unknown) + ". `scratch-ad list` names those that are checked.")
    return set().union(*(found for _, found in meant))


def _meant(word, every):
    path = _path(word)
    function = _of_numpy(path)
    if isinstance(function, ModuleType):
        return {name for name in every if name.startswith(f"np.{path}.")}
    within = {name for name in every if name.startswith(f"{path}.")}  # a submodule of SciPy
    of_this_name = {word, f"np.{path}", name_of(function)} & every
    ending = {name for name in every if name.endswith(f".{path}")}
    return within or of_this_name or {name for name in ending if name.startswith("np.")} or ending


def _path(word):
    return word.removeprefix("numpy.").removeprefix("np.")


def _of_numpy(path):
    """NumPy's function or submodule at this path, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return operator.attrgetter(path)(np)
        except AttributeError:
            return None


def _why_none(word, every):
    path = _path(word)
    function = _of_numpy(path)
    rule = rule_of.get(function) if callable(function) else None
    if isinstance(rule, Constant):
        return f"np.{path} has derivative zero, wherever it has one: there is nothing to check"
    if isinstance(rule, Refused):
        return f"np.{path} has no derivative: {rule.reason}"
    if callable(function):
        return f"np.{path} has no {'case that JAX answers' if rule else 'rule'}"
    shorter = {name.rpartition(".")[2]: name for name in every} | {_path(name): name for name in every}
    near = dict.fromkeys(shorter[match] for match in difflib.get_close_matches(path, shorter))
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    return f"the catalogue has no function {word or repr(word)}{hint}"
