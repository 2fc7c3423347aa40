"""Clean-up: each pass takes a ``Code`` and gives one that does the same in less."""


def cleaned(code):
    for clean in PASSES:
        code = clean(code)
    return code


PASSES = ()
