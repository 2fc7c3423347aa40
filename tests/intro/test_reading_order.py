"""From ten lines to the engine: the programs of the reading order do what it says, and fail where it says so."""

import doctest

import scratch_ad.intro


def test_each_step_fails_where_the_next_one_does_not():
    """Those of the docstring, as they stand there; a step without a failing program would add nothing."""
    options = doctest.ELLIPSIS
    test = doctest.DocTestFinder(recurse=False).find(scratch_ad.intro, "intro")[0]
    failing = [example for example in test.examples if example.exc_msg]
    result = doctest.DocTestRunner(optionflags=options).run(test)
    assert len(failing) == 4 and result.attempted == len(test.examples) > 15
    assert result.failed == 0
