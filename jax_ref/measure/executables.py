"""Compiled programs kept, in this process and in a folder, so that what was compiled once is not compiled again.

In a folder they are kept by name, so that they are not even traced again. JAX's own persistent cache is asked with a
traced and lowered program, and that is most of the work here; and what came out of it cannot be kept, as XLA writes it
incompletely. A file holds the program of one name, with a digest of all that it depends on; where that has changed the
file is overwritten.
"""

import functools
import hashlib
import os
import pickle
import tempfile
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

import jax
from jax.experimental import serialize_executable


@functools.cache
def _know_lapack():
    """JAX tells XLA of LAPACK's functions no sooner than it lowers one; a program loaded before that would crash."""
    jax.jit(jax.numpy.linalg.cholesky).lower(jax.ShapeDtypeStruct((1, 1), "float32"))


@dataclass(frozen=True)
class _Program:
    """A lowered program, which is what its text is, its constants in it, with XLA's options and its device."""

    text: str
    options: tuple
    device: object
    lowered: jax.stages.Lowered = field(compare=False)


def once(lowered, options):
    """The lowered program as compiled with these ``options`` of XLA's, or as it was compiled lately."""
    here = jax.config.jax_default_device or jax.devices()[0]
    return _compiled(_Program(lowered.as_text(), tuple(options.items()), here, lowered))


@functools.lru_cache(maxsize=64)
def _compiled(program):
    return program.lowered.compile(dict(program.options))


def afresh(compile):
    """What ``compile()`` gives, not kept."""
    return compile()


def kept(name, depends_on, compile):
    """``compile()``, an executable of JAX's, or what it gave before for this name and these ``depends_on`` (a text).

    The folder is ``SCRATCH_AD_CACHE`` of the environment; without it, or where JAX has a cache, nothing is kept. A file
    that cannot be read is replaced.
    """
    folder = os.environ.get("SCRATCH_AD_CACHE")
    if not folder or jax.config.jax_compilation_cache_dir:
        return compile()
    path = Path(folder) / urllib.parse.quote(name, safe=" ")
    digest = hashlib.sha256(depends_on.encode()).digest()
    try:
        before, *program = pickle.loads(path.read_bytes())
        if before == digest:
            _know_lapack()
            return serialize_executable.deserialize_and_load(*program)
    except Exception:  # whatever a broken file may raise, or one of another version
        pass
    compiled = compile()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        pickle.dump((digest, *serialize_executable.serialize(compiled)), file)
    os.replace(file.name, path)
    return compiled
