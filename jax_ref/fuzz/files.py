"""A finding as a file of its own: the program, its arguments, and the check of an engine that fails there."""

import re
import textwrap

from ..checks.lines import listed
from .programs import MAKERS

_FILE = '''\
"""{words}

To blame: {blamed}
Found by: {command}
"""

import numpy as np

import jax_ref
from jax_ref.engines import ready
{imports}
engine = ready.engine({engine!r})


def written(np):
    """The program in calls of a namespace."""
{known}{program}
    return program


arguments = ({arguments},)
f, reference = written(engine.namespace), written(np)
print(jax_ref.check(f, *arguments, engine=engine, reference=reference, order={order}, reference_by={by!r}))
'''
_IMPORT = "from scratch_ad import scipy as numpys_scipy\n"
_SCIPY = 'scipy = getattr(np, "scipy", numpys_scipy)'
_BOX = "box = __import__('types').SimpleNamespace()"
_PULLED = """\
def pulled(f, x):
    out, pullback = engine.vjp(f, x)
    return pullback(out)[0]
"""
_PUSHED = """\
def pushed(f, x):
    return engine.jvp(f, (x,), (x,))[1]
"""


def text(program, engine, order, words, command, by="differences"):
    """The file's text; ``by``: what check is to ask."""
    source = program.source
    used = lambda name: re.search(rf"\b{name}\b", source)
    makers = [name for name in MAKERS if used(name)]
    imports = [f"from {MAKERS[name].__module__} import {name} as {name}_in\n" for name in makers]
    known = [f"{name} = {name}_in(np)" for name in makers]
    for name, code in {"scipy": _SCIPY, "box": _BOX, "pulled": _PULLED, "pushed": _PUSHED}.items():
        known += [code] * bool(used(name))
    return _FILE.format(
        words=words.replace("\\", "/").replace('"""', "'''"),
        blamed=program.lines[-1].code.replace("\\", "/").replace('"""', "'''"),
        command=command,
        imports="".join([*imports, _IMPORT * bool(used("scipy"))]),
        engine=engine,
        known="".join(textwrap.indent(code, "    ") + "\n\n" for code in known),
        program=textwrap.indent(source, "    "),
        arguments=listed((*program.arguments.values(),)),
        order=order,
        by=by,
    )
