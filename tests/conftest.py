"""What several files of tests of the checks ask for, so that they take no time for what others test."""

import pytest


@pytest.fixture
def unvaried(monkeypatch):
    """Nothing is varied unasked: what that finds, and what it takes, is in ``test_variants``."""
    from jax_ref.checks import question

    every = question.variants
    monkeypatch.setattr(question, "variants", lambda given, thorough: every(given, thorough) if thorough else ())
    monkeypatch.setattr(question, "larger", lambda given: ())


@pytest.fixture
def as_it_is(monkeypatch):
    """No smaller case is looked for."""
    from jax_ref.checks import shrink

    monkeypatch.setattr(shrink, "SHRINKING", 0.0)
