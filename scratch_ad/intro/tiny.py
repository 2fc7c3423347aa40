"""Both modes of automatic differentiation over plain NumPy in a page: five rules, dual numbers, a tape."""

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from optree import tree_leaves, tree_map

RULES = {  # the partial derivatives of each function, one per argument
    np.add: (lambda a, b: 1, lambda a, b: 1),
    np.multiply: (lambda a, b: b, lambda a, b: a),
    np.sin: (lambda x: np.cos(x),),
    np.cos: (lambda x: -1 * np.sin(x),),
    np.exp: (lambda x: np.exp(x),),
}


class Number(NDArrayOperatorsMixin):  # a * b calls np.multiply(a, b), which asks __array_ufunc__
    runs = 0  # a derivative inside another begins later: of the numbers of both, those of the inner one answer first
    shape, dtype = (property(lambda self, name=name: getattr(self.value, name)) for name in ("shape", "dtype"))

    def __array_ufunc__(self, function, method, *args, **kwargs):
        rules = RULES[function] if function in RULES and method == "__call__" and not kwargs else self[function]
        run = max(getattr(a, "run", 0) for a in args)
        mine = [i for i, a in enumerate(args) if getattr(a, "run", 0) == run]
        values = [a.value if i in mine else a for i, a in enumerate(args)]  # the outer one's are constants to this run
        return args[mine[0]].result(function(*values), [(args[i], rules[i](*values)) for i in mine])

    def __getitem__(self, index, *_):
        raise NotImplementedError(f"no rule for {index}")

    __array_function__ = __getitem__  # such as np.sum(a)


class Dual(Number):  # forward mode: a value and its tangent
    def __init__(self, run, value, tangent):
        self.run, self.value, self.tangent = run, value, tangent

    def result(self, value, partials):
        return Dual(self.run, value, sum((partial * a.tangent for a, partial in partials), 0 * value))


class Variable(Number):  # reverse mode: a value, its place on a tape, and edges to what it was computed from
    def __init__(self, run, value, tape, edges=()):
        self.run, self.value, self.tape, self.edges, self.place = run, value, tape, edges, len(tape)
        tape.append(self)

    def result(self, value, partials):
        return Variable(self.run, value, self.tape, partials)


def jvp(f, primals, tangents):  # the value and its derivative along the tangents, in one pass
    Number.runs = run = Number.runs + 1
    inputs = tree_map(lambda x, t: Dual(run, np.multiply(x, 1), np.multiply(t, 1)), tuple(primals), tuple(tangents))
    out = tree_map(lambda y: y if getattr(y, "run", 0) == run else Dual(run, y, 0 * y), f(*inputs))  # or a constant
    return tree_map(lambda y: y.value, out), tree_map(lambda y: y.tangent, out)


def vjp(f, *primals):  # the value, and the way back from a cotangent of it to those of the primals
    Number.runs, tape = (run := Number.runs + 1), []
    inputs = tree_map(lambda x: Variable(run, np.multiply(x, 1), tape), primals)
    out = tree_map(lambda y: y if getattr(y, "run", 0) == run else Variable(run, y, tape), f(*inputs))

    def pullback(cotangent):
        adjoints = [0 * v.value for v in tape]
        for y, g in zip(tree_leaves(out), tree_leaves(cotangent), strict=True):
            adjoints[y.place] = adjoints[y.place] + g
        for v in reversed(tape):  # whatever used v was written after it, so v's adjoint is complete
            for parent, partial in v.edges:  # a value that is used twice gets two contributions: they add up
                adjoints[parent.place] = adjoints[parent.place] + match(adjoints[v.place] * partial, parent)
        return tree_map(lambda x: adjoints[x.place], inputs)

    return tree_map(lambda y: y.value, out), pullback


def match(c, like):  # the transpose of broadcasting is a sum; that of a wider dtype is a narrower one
    if isinstance(c, Dual):
        return Dual(c.run, match(c.value, like), match(c.tangent, like))
    if isinstance(c, Variable):
        return c.result(match(c.value, like), [(c, np.ones(c.shape, c.dtype))])
    axes = tuple(-1 - i for i, n in enumerate(c.shape[::-1]) if i >= len(like.shape) or like.shape[-1 - i] != n)
    return np.sum(c if like.dtype.kind == "c" else c.real, axes).reshape(like.shape)[()].astype(like.dtype)
