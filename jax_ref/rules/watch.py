"""Notes the calls of custom rules while a test suite runs, with the arguments that they meet.

The classes' own call is wrapped as soon as their library is imported, by whomever, and nothing is imported for it. Of
each rule a few calls are kept per signature of shapes and dtypes, as NumPy arrays. Where an argument is a tracer, its
number is what is differentiated, or the first of a batch; what a compiled program or a loop computes on the way, a
callback in it tells when it runs. Programs that are traced to be looked at only (``jax.make_jaxpr``, ``lower``) are
left as they are; then, and where the number is not to be had, random ones stand in for it.
"""

import contextlib
import functools
import importlib.abc
import inspect
import os
import sys
import threading
import weakref
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from . import closures

# Kept of each derivative: so many functions that have it, of these so many signatures, of these so many calls
OWNERS, SIGNATURES, VALUES = 12, 4, 3
SIZE = 2**18  # numbers in the arguments of a call that is kept
LOOKED_AT = {"jit_trace", "jit_lower", "make_jaxpr_f", "eval_shape", "linear_transpose"}  # of JAX: not run as they are


RECORD = "scratch-ad/rules"  # what a run leaves, in pytest's cache
TORCH = "torch.autograd.Function"  # the kind of rule; others are such as "jax.custom_vjp"


class Rule(NamedTuple):
    """A custom rule as it stands in the source; ``name`` within the module, ``line`` of the function or class."""

    kind: str
    module: str
    name: str
    file: str
    line: int

    def __str__(self):
        return f"{self.module}.{self.name} ({self.kind}, {self.place})"

    @property
    def place(self):
        return place(self.file, self.line)


def place(file, line):
    """``file:line``, relative to where the command runs if it lies there."""
    inside = file.startswith(os.getcwd() + os.sep)
    return f"{os.path.relpath(file) if inside else file}:{line}"


class Hole(NamedTuple):
    """Stands for the number that a tracer had: the ``k``-th leaf of a call."""

    k: int


class Unknown(NamedTuple):
    """A leaf of which only this is known."""

    shape: tuple
    dtype: object


@dataclass
class Call:
    """A call of a custom rule: the ``leaves`` of its arguments, then what it closes over.

    ``owner``: the function with the rule, or the class. ``spec``: the containers of the arguments. ``fixed``: for each
    leaf whether the rule takes it for no variable. ``test``: in which it was. ``x64``: whether JAX had 64-bit numbers.
    """

    kind: str
    owner: object
    spec: object
    leaves: list
    fixed: list
    test: str
    x64: bool = True
    random: bool = False  # whether random numbers stand for some


@dataclass
class Noted:
    """What is known of one rule after a run: where it was called, the calls, why others are not kept.

    A function that makes rules gives many of one place in the source: ``owners`` counts them by where their derivative
    stands. ``calls``: lists by that place, the number of the owner, and the signature.
    """

    tests: set = field(default_factory=set)
    calls: dict = field(default_factory=dict)
    problems: set = field(default_factory=set)
    owners: dict = field(default_factory=dict)


# Where a rule stands


def source(function):
    """The function that a user wrote, of what is made of it."""
    for _ in range(100):
        if isinstance(function, functools.partial):
            function = function.func
        elif inspect.ismethod(function):
            function = function.__func__
        elif inspect.isfunction(function) and not hasattr(function, "__wrapped__"):
            inner = [c for c in _functions_in(function) if not _is_librarys(c.__module__)]
            if not (inner and _is_librarys(function.__module__)):  # as what jax.custom_gradient makes
                break
            function = inner[0]
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif not isinstance(function, type) and hasattr(type(function), "__call__"):  # noqa: B004
            function = type(function).__call__
        else:
            break
    return function


def _functions_in(function):
    cells = closures.contents(function)
    return [c for c in cells if inspect.isfunction(c)]


def _is_librarys(module):
    return (module or "").partition(".")[0] in ("jax", "jaxlib", "torch", "scratch_ad")


def rule_at(kind, function):
    """The ``Rule`` of this function, or of this subclass of ``torch.autograd.Function``."""
    if isinstance(function, type):
        code = getattr(source(vars(function).get("forward", function.forward)), "__code__", None)
        file = getattr(code, "co_filename", "?")
        return Rule(
            kind, function.__module__, function.__qualname__, os.path.realpath(file), class_line(function, code)
        )
    function = source(function)
    code = getattr(function, "__code__", None)
    file, line = (os.path.realpath(code.co_filename), code.co_firstlineno) if code else ("?", 0)
    name = getattr(function, "__qualname__", type(function).__name__)
    return Rule(kind, getattr(function, "__module__", None) or "?", name, file, line)


def derivative_at(owner):
    """Where the derivative of a function with a rule stands, as ``file:line``; empty where that is not known."""
    names = ("bwd", "backward", "jvp")
    function = next((f for name in names if (f := getattr(owner, name, None)) is not None), None)
    code = getattr(source(function), "__code__", None)
    return place(os.path.realpath(code.co_filename), code.co_firstlineno) if code else ""


def class_line(cls, code):
    """The line where a class begins; that of its function ``code`` where the source is not to be had."""
    try:
        return inspect.getsourcelines(cls)[1]
    except (OSError, TypeError):
        return code.co_firstlineno if code else 0


# Watching


class Watch:
    """Notes calls from ``start`` to ``stop``; ``test``: the name of the one that runs."""

    def __init__(self):
        self.noted: dict[Rule, Noted] = {}
        self.test = ""
        self.paused = False
        self.aside = None  # which rules are to be their own bodies: a function of them
        self._lock, self._originals, self._rules = threading.Lock(), [], weakref.WeakKeyDictionary()
        self._owners = weakref.WeakKeyDictionary()
        self._libraries = {"jax": self._watch_jax, "torch": self._watch_torch, "scratch_ad.custom": self._watch_ours}

    def start(self):
        self._imports = _Imports(self._libraries)
        sys.meta_path.insert(0, self._imports)
        for name, watch in self._libraries.items():
            if name in sys.modules:
                watch(sys.modules[name])

    def stop(self):
        """Leave everything as it was."""
        sys.meta_path.remove(self._imports)
        for owner, name, original in reversed(self._originals):
            setattr(owner, name, original)

    def flush(self):
        """Wait for what programs that still run have to tell, and note no more."""
        if jax := sys.modules.get("jax"):
            jax.effects_barrier()
        self.paused = True

    def _replace(self, owner, name, new):
        self._originals.append((owner, name, vars(owner).get(name, getattr(owner, name))))
        setattr(owner, name, new)

    def _watch_jax(self, jax):
        library = _Jax(jax)
        for name in ("custom_jvp", "custom_vjp"):
            self._watch_calls(getattr(jax, name), f"jax.{name}", library)

    def _watch_ours(self, custom):
        library = _Ours()
        for name in ("custom_jvp", "custom_vjp"):
            self._watch_calls(getattr(custom, name), f"scratch_ad.{name}", library)

    def _watch_calls(self, cls, kind, library):
        original = cls.__call__
        if hasattr(original, "ad_watched"):
            return

        @functools.wraps(original)
        def __call__(owner, *args, **kwargs):
            __tracebackhide__ = True
            if self.aside and self.aside(owner):
                return owner.fun(*args, **kwargs)
            if not self.paused:
                self._note(kind, library, owner, args, kwargs)
            return original(owner, *args, **kwargs)

        __call__.ad_watched = True
        self._replace(cls, "__call__", __call__)

    def _watch_torch(self, torch):
        cls, library = torch.autograd.Function, _Torch(torch)
        original = vars(cls)["apply"]
        function = getattr(original, "__func__", original)  # of C since PyTorch 2.14
        if hasattr(function, "ad_watched"):
            return

        @functools.wraps(function)
        def apply(owner, *args, **kwargs):
            __tracebackhide__ = True
            if not self.paused:
                self._note(TORCH, library, owner, args, kwargs)
            return original.__get__(None, owner)(*args, **kwargs)

        apply.ad_watched = True
        self._replace(cls, "apply", classmethod(apply))

    @contextlib.contextmanager
    def others_aside(self, rule):
        """While this lasts, the rules of JAX but this one and JAX's own are their bodies; gives a list of those met."""
        jax, met = sys.modules["jax"], []

        def aside(owner):
            other = self.rule(rule.kind, owner)
            if other[1:] == rule[1:] or _is_librarys(other.module):
                return False
            met.append(other)
            return True

        self.aside = aside
        jax.clear_caches()  # of programs with the rules in them
        try:
            yield met
        finally:
            self.aside = None
            jax.clear_caches()

    def rule(self, kind, owner):
        """The ``Rule`` of a function with one."""
        if owner not in self._rules:
            self._rules[owner] = rule_at(kind, owner if isinstance(owner, type) else owner.fun)
        return self._rules[owner]

    def _note(self, kind, library, owner, args, kwargs):
        """Never raises: what a test does is its own business."""
        try:
            rule = self.rule(kind, owner)
            if _is_librarys(rule.module):
                return
            noted = self.noted.setdefault(rule, Noted())
            noted.tests.add(self.test)
        except Exception:
            return
        try:
            self._keep(noted, kind, library, owner, args, kwargs)
        except Exception as error:
            noted.problems.add(f"{type(error).__name__}: {error}".partition("\n")[0])

    def _keep(self, noted, kind, library, owner, args, kwargs):
        leaves, spec, fixed = library.flat(owner, args, kwargs)
        inner = closures.found(owner, library.is_tracer, library.leaves) if library.is_jax else []
        derivative, number = self._owner(noted, owner)
        if number >= OWNERS:
            return
        signature = derivative, number, str(spec), tuple(map(_kind, [*leaves, *inner]))
        calls = noted.calls.get(signature)
        if calls is None:
            if sum(other[:2] == signature[:2] for other in noted.calls) >= SIGNATURES:
                return
            calls = noted.calls[signature] = []
        if len(calls) >= VALUES:
            return
        if (size := sum(int(np.prod(np.shape(x))) for x in leaves if hasattr(x, "shape"))) > SIZE:
            noted.problems.add(f"its arguments of {size:,} numbers are too large to keep")
            return
        if inner:  # no tracer may be kept
            holes = {id(x): Hole(len(leaves) + k) for k, x in enumerate(inner)}
            owner = closures.replaced(owner, lambda x: holes.get(id(x), x), library.mapped)
        values = [library.seen(x) for x in [*leaves, *inner]]
        hidden = [k for k, x in enumerate(values) if library.is_tracer(x)]
        asked = [values[k] for k in hidden]
        values = [Unknown(tuple(x.shape), library.dtype(x)) if library.is_tracer(x) else x for x in values]
        fixed = [*fixed, *[True] * len(inner)]
        call = Call(kind, owner, spec, values, fixed, self.test, library.x64, bool(hidden))
        with self._lock:
            calls.append(call)
        if hidden and library.can_tell(asked):
            library.tell(functools.partial(self._told, calls, call, hidden), asked)

    def _owner(self, noted, owner):
        """Where the derivative of a function with a rule stands, and how many of it came before this one."""
        if owner not in self._owners:
            derivative = derivative_at(owner)
            with self._lock:
                number = noted.owners[derivative] = noted.owners.get(derivative, -1) + 1
            self._owners[owner] = derivative, number
        return self._owners[owner]

    def _told(self, calls, call, hidden, *values):
        """Take the numbers of a program that runs: those of the call, and of later ones at the same place."""
        if self.paused:
            return
        leaves = list(call.leaves)
        for k, x in zip(hidden, values, strict=True):
            leaves[k] = np.array(x)
        with self._lock:
            if call.random:
                call.leaves, call.random = leaves, False
            elif len(calls) < VALUES:
                calls.append(Call(call.kind, call.owner, call.spec, leaves, call.fixed, call.test, call.x64))


def _kind(x):
    """What of a leaf makes a signature."""
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return tuple(x.shape), str(x.dtype)
    return repr(x) if isinstance(x, (bool, int, str, bytes, type(None))) else type(x).__qualname__


def _copied(x):
    return np.array(x) if isinstance(x, np.ndarray) else x


class _Jax:
    """How to look into a call of JAX's; what it needs is fetched now, as tests may put other things in its place."""

    is_jax = True

    def __init__(self, jax):
        self.jax, self._array, self._tracer = jax, jax.Array, jax.core.Tracer
        self._flatten, self._callback, self._extended = jax.tree.flatten, jax.debug.callback, jax.dtypes.extended
        self._issubdtype, self._first = jax.dtypes.issubdtype, jax.lax.index_in_dim
        self.leaves, self.mapped = jax.tree.leaves, jax.tree.map

    @property
    def x64(self):
        return bool(self.jax.config.jax_enable_x64)

    def dtype(self, x):
        return x.dtype

    def is_tracer(self, x):
        return isinstance(x, self._tracer)

    def flat(self, owner, args, kwargs):
        """Leaves, containers and which leaves belong to arguments that are no variables; JAX itself does so too."""
        args = positional(owner.fun, args, kwargs)
        leaves, spec = self._flatten(args)
        fixed = [i in owner.nondiff_argnums for i, arg in enumerate(args) for _ in self.leaves(arg)]
        return leaves, spec, fixed

    def seen(self, x):
        """The number below the tracers of ``grad``, ``jvp`` and ``vmap``; a tracer of a program stays one."""
        try:
            while isinstance(x, self._tracer):
                if hasattr(x, "primal"):
                    x = x.primal
                elif hasattr(x, "batch_dim"):
                    x = x.val if x.batch_dim is None else self._first(x.val, 0, x.batch_dim, keepdims=False)
                else:
                    return x
        except Exception:
            return x
        if isinstance(x, self._array) and not self._issubdtype(x.dtype, self._extended):
            return np.array(x)
        return _copied(x)

    def can_tell(self, asked):
        """Whether a callback can: the program will run here, as it is, and takes no keys of random numbers."""
        if any(self._issubdtype(x.dtype, self._extended) for x in asked):
            return False
        frame = sys._getframe(1)
        while frame:
            module = frame.f_globals.get("__name__", "")
            if module.startswith("jax.") and (frame.f_code.co_name in LOOKED_AT or ".pallas." in module):
                return False
            frame = frame.f_back
        return True

    def tell(self, told, asked):
        def quietly(*values):
            try:
                told(*values)
            except Exception:
                return

        self._callback(quietly, *asked)


class _Torch:
    """How to look into a call of PyTorch's."""

    is_jax, x64 = False, True

    def __init__(self, torch):
        self._tensor = torch.Tensor

    def is_tracer(self, x):
        return isinstance(x, self._tensor)  # one that ``seen`` could not turn into an array

    def dtype(self, x):
        name = str(x.dtype).removeprefix("torch.")
        return np.dtype("float32" if name.startswith(("bfloat", "float8")) else name)

    def flat(self, owner, args, kwargs):
        return list(args), None, [False] * len(args)

    def seen(self, x):
        if not isinstance(x, self._tensor):
            return x
        try:
            return np.array((x.detach() if x.dtype.itemsize > 2 else x.detach().float()).cpu().numpy())
        except Exception:
            return x

    def can_tell(self, asked):
        return False


class _Ours:
    """How to look into a call of ours, whose tracers hold their number."""

    is_jax, x64 = False, True

    def __init__(self):
        from scratch_ad import tracer, tree

        self._tracer, self._flatten, self.dtype = tracer.Tracer, tree.flatten, tracer.dtype_of

    def is_tracer(self, x):
        return isinstance(x, self._tracer)

    def flat(self, owner, args, kwargs):
        args = owner.positional(args, kwargs)
        leaves, spec = self._flatten(tuple(args))
        fixed = [i in owner.nondiff_argnums for i, arg in enumerate(args) for _ in self._flatten(arg)[0]]
        return leaves, spec, fixed

    def seen(self, x):
        inner = x
        while isinstance(inner, self._tracer):
            inner = inner.value
        return _copied(inner) if isinstance(inner, (np.ndarray, np.generic, int, float, complex)) else x

    def can_tell(self, asked):
        return False


def positional(function, args, kwargs):
    """All arguments by position, with their defaults. Raises TypeError where they do not fit."""
    if isinstance(function, functools.partial):  # JAX takes its signature for unknown
        return args
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args


# Imports


class _Imports(importlib.abc.MetaPathFinder):
    """Calls ``then[name](module)`` once a module of that name is imported."""

    def __init__(self, then):
        self.then = then

    def find_spec(self, name, path=None, target=None):
        if name not in self.then:
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec and spec.loader:
            spec.loader = _Loader(spec.loader, self.then[name])
        return spec


class _Loader:
    """A loader, after which ``then(module)`` is called; a loader may serve several modules, as pytest's own does."""

    def __init__(self, loader, then):
        self._loader, self._then = loader, then

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._then(module)
