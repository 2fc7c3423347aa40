"""The short way into a program: the checks of its arguments written out, in place of a search for it."""

import numpy as np

from ..tree import unflatten
from .code import bytecode
from .source import Missed

_CHECKS = "type({x}) is not ndarray or {x}.dtype is not {k}d or {x}.shape != {k}s or {x}.strides != {k}t"


class Entry:
    """``function(args, kwargs)`` gives the result for arguments that the program is for, else it raises ``Missed``."""

    def __init__(self, program, changed, spec, leaves, out_spec, count):
        self.namespace = {"Missed": Missed, "ndarray": np.ndarray, "program": program, "changed": changed}
        self.lines, self.names, self.floats, self.leaves = [], {}, [], leaves  # names: by place among the leaves
        (args, kwargs), self.function = unflatten(spec, list(range(len(leaves)))), None
        if kwargs or not self._take_all([f"a{k}" for k in range(len(args))], args):
            return  # containers for which there is no short way
        outputs = [f"o{k}" for k in range(count)]
        self.namespace |= {"unflatten": unflatten, "out_spec": out_spec}
        result = _shown(unflatten(out_spec, outputs)) or f"unflatten(out_spec, [{', '.join(outputs)}])"
        if len(self.floats) > 1:
            self._miss(f"not {' is '.join(f'type({x})' for x in self.floats)} is float")
        elif self.floats:
            self._miss(f"type({self.floats[0]}) is not float")
        self._miss("changed()")
        numbers = ", ".join(name for _, name in sorted(self.names.items()))
        lines = [
            f"if kwargs or len(args) != {len(args)}: raise Missed",
            f"{''.join(f'a{k}, ' for k in range(len(args))) or '()'} = args",
            *self.lines,
            f"{''.join(f'{o}, ' for o in outputs) or '()'} = program({numbers})",
            f"return {result}",
        ]
        exec(bytecode("def enter(args, kwargs):\n    " + "\n    ".join(lines)), self.namespace)
        self.function = self.namespace["enter"]

    def _miss(self, condition):
        self.lines.append(f"if {condition}: raise Missed")

    def _take(self, x, place):
        """Check the argument that is called ``x``; whether that could be written out."""
        if type(place) is int:
            leaf, kind = self.leaves[place], f"k{place}"
            if type(leaf) is np.ndarray and leaf.dtype.kind in "US":
                return False
            if type(leaf) is np.ndarray:
                self.namespace |= {f"{kind}d": leaf.dtype, f"{kind}s": leaf.shape, f"{kind}t": leaf.strides}
                self._miss(_CHECKS.format(x=x, k=kind) + f" or {x}.flags.writeable is not {leaf.flags.writeable}")
            elif type(leaf) is float:
                self.floats.append(x)
            elif isinstance(leaf, (int, str, bytes)) and not isinstance(leaf, np.generic):
                self.namespace |= {kind: leaf, f"{kind}t": type(leaf)}
                self._miss(f"type({x}) is not {kind}t or {x} != {kind}")
                return True
            else:
                self.namespace[f"{kind}t"] = type(leaf)
                self._miss(f"type({x}) is not {kind}t")
            self.names[place] = x
            return True
        if place is None:
            self._miss(f"{x} is not None")
            return True
        if type(place) not in (tuple, list, dict):
            return False
        parts = [f"{x}_{k}" for k in range(len(place))]
        if type(place) in (tuple, list) and place and all(self._is_float(part) for part in place):
            kinds = f"{x}_kinds"
            self.namespace[kinds] = [float] * len(place)
            self._miss(f"type({x}) is not {type(place).__name__} or [*map(type, {x})] != {kinds}")
            self.names[place[0]] = f"*{x}"
            return True
        if type(place) in (tuple, list):
            self._miss(f"type({x}) is not {type(place).__name__} or len({x}) != {len(place)}")
            self.lines.append(f"{''.join(f'{part}, ' for part in parts) or '()'} = {x}")
            return self._take_all(parts, place)
        if type(place) is dict and all(type(key) is str for key in place):
            self._miss(f"type({x}) is not dict or [*{x}] != {list(place)!r}")
            self.lines += [f"{part} = {x}[{key!r}]" for part, key in zip(parts, place)]
            return self._take_all(parts, place.values())
        return False

    def _is_float(self, place):
        return type(place) is int and type(self.leaves[place]) is float

    def _take_all(self, names, places):
        return all(map(self._take, names, places))


def _shown(x):
    """The text of a container of texts; None of one for which there is none."""
    if type(x) is str:
        return x
    if type(x) not in (tuple, list):
        return None
    parts = list(map(_shown, x))
    if None in parts:
        return None
    return f"({''.join(part + ', ' for part in parts)})" if type(x) is tuple else f"[{', '.join(parts)}]"
