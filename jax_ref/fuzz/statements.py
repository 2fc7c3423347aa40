"""What a line of a random program may be: templates, as data.

In a template ``{n}`` is the array that the line makes, ``{a}`` and ``{b}`` are arrays that are there, ``{c}`` is a
number, ``{i}`` an index of ``a``, ``{k}`` one of all its elements in a row, ``{o}`` an operator, ``{f}`` a function,
``{v}`` something to be written, ``{e}`` a formula of ``z``. The first of each table is the simplest. Besides these a
line may be any expression of the catalogue.
"""

import ast
import functools

import numpy as np

from scratch_ad.scipy import linalg

from ..cases import catalogue

SHAPES = ((3,), (2, 3), (), (4,), (2,), (3, 4), (5,), (3, 3))
LARGEST = 60  # numbers in an argument of the catalogue's
OF_OWN_SHAPES = (  # functions whose results hold a basis that is open where their cases' arrays are of other shapes
    *(np.linalg.svd, np.linalg.qr),
    *(linalg.svd, linalg.qr, linalg.rq, linalg.null_space),
)

OPERATORS = (
    *("{a} + {b}", "{a} * {b}", "{a} - {b}", "{c} * {a}", "{a} ** 2", "-{a}", "{a} / (1.5 + {b} * {b})", "{a} @ {b}"),
    *("{a} ** 3", "{c} - {a}", "{c} / (2 + {a} ** 2)", "{a} * {a}", "+{a}", "abs({a})", "({a} * {a} + 0.5) ** {c}"),
    *("2.0 ** {a}", "{a}[{i}]", "{a} if {a}.sum() > {c} else {b}", "{a}.sum()", "{a}.T", "{a} * {b} - {b} / 3"),
)
COMPLEX = ("{a} * 1j", "{a} + 1j * {b}", "{a}.real", "{a}.imag", "{a}.conj() * {a}", "1 / ({a} + 2j)", "1j ** {a}")
FORMULAS = ("z * z", "z * {b}", "np.sin(z)", "{b} * np.exp(-z)", "z / (1 + z * z)", "z @ {b}", "np.sum(z * z) * z")
CONTAINERS = (
    *("[{a}, ({b}, {{'k': {a}}})][1][1]['k'] * {b}", "sum([{a}, {b}, {a}])", "dict(p={a}, q={b})['p'] + {a}"),
    *("[z * {b} for z in ({a}, {b})][0]", "(lambda z: z * {a} + z)({b})", "[*map(lambda z: z - {a}, [{b}, {a}])][-1]"),
    *("max(({a}, {b}), key=lambda z: abs(z).sum())", "(*({a},), {b})[0] * 2", "[{a}][-1:][0]"),
)
BLOCKS = (
    "{n} = {a}\nfor _ in range(3): {n} = {c} * {n} * {b}",
    "{n} = {a}\nfor k in range(2): {n} = np.sin({n}) + k * {b}",
    "{n} = {a}\nwhile abs({n}).sum() > 2: {n} = {n} / 2",
    "if {a}.sum() > {c}: {n} = {a} * {b}\nelse: {n} = {a} - {b}",
    "def step(z, depth): return z if depth == 0 else step(z * {a} + {c}, depth - 1)\n{n} = step({b}, 3)",
    "{n} = {a}\nfor z in ({b}, {a}): {n} = {n} + z * {n}",
)
REVERSE = ("pulled(lambda z: {e}, {a})", "pulled(lambda z: {e} + {a}, {b})")
FORWARD = ("pushed(lambda z: {e}, {a})", "pushed(lambda z: {e} * {a}, {b})")

FUNCTIONS = ("np.sin", "np.tanh", "np.cos", "0.5 * ", "-", "1.0 + ", "np.square", "np.sort", "np.cumsum", "np.abs")
VALUES = (
    *("{c}", "{a}", "{f}({a})", "{a}[{i}]", "np.sin({a}[{i}])", "{a}[0] * {b}[-1]", "[{a}[0], 1.0, {b}[-1]]"),
    *("{a}[::-1]", "{a}.T", "{a}[0] @ {b}[-1]", "np.float32(0.5)", "({a}[-1], 2.0)", "1"),
)
VIEWS = (
    *("{a}", "{a}.T", "{a}.reshape(-1)", "{a}.ravel()", "np.ravel({a}, 'F')", "{a}[::-1]", "{a}[..., None]"),
    *("{a}[None]", "{a}.swapaxes(0, -1)", "np.moveaxis({a}, 0, -1)", "np.split({a}, 2)[1]", "{a}.real"),
    *("np.squeeze({a})", "np.atleast_2d({a})", "np.flip({a})", "np.rot90({a})", "np.diagonal({a})", "{a}[{i}]"),
    *("{a}[{i}]", "{a}.reshape(2, -1)", "{a}.reshape(-1, 2)", "{a}.conj()", "np.array_split({a}, 3)[0]"),
    *("np.real({a})", "{a}[...]", "np.transpose({a})", "np.expand_dims({a}, 0)", "list({a})[0]"),
    *("np.broadcast_to({a}, (2, *{a}.shape))", "np.reshape({a}, {a}.shape[::-1])", "np.unstack({a})[-1]"),
    *("np.swapaxes({a}, 0, 1)[0]", "{a}.imag", "{a}.T.T[{i}]", "{a}.view()", "np.array({a}, copy=None, like={a})"),
    *("np.asarray({a}, like={a})[1:]", "{a}[:0]", "np.einsum('ij->ji', {a})", "np.rollaxis({a}, -1)"),
    *("np.matrix_transpose({a})", "np.array_split({a}.T, 2)[0][::-1]", "np.reshape({a}, -1)[::2]"),
    *("np.real({a}).T", "{a}[..., 0, None]", "{a}[0, ...]"),
)
NEW = (
    *("{a}.copy()", "{a} * {c}", "np.zeros_like({a})", "np.ones_like({a})", "np.zeros((3, 2), like={a})"),
    *("{f}({a})", "np.full_like({a}, {c})", "{a} + {b}", "{a} * {b}", "np.stack([{a}, {a}])"),
    *("np.concatenate([{a}, {b}])", "{a}.astype('float32')", "{a}.flatten()", "np.tile({a}, 1)"),
    *("np.repeat({a}, 1)", "np.array([{a}, {a}], like={a})", "np.pad({a}, 1)"),
    *("np.zeros({a}.shape, 'float32', like={a})", "np.diff({a})", "np.ones_like({a}) * 2.0"),
    *("np.where({a} > {c}, {a}, 0)", "{a} @ {b}", "np.asarray({a}, like={a})", "{a} * 1j"),
    *("np.nan_to_num({a}, copy=False)", "np.zeros_like({a}, order='F')", "np.copy({a})"),
    *("{a}.astype('float64', copy=False)", "np.zeros((), like={a})", "np.array({c}, like={a})"),
    *("{a}.astype('complex128')", "np.zeros((2, 0), like={a})", "np.sum({a}, -1)", "np.max({a}, 0)"),
    *("np.roll({a}, 1)", "np.full({a}.shape, {c}, like={a})", "{a}[{a} > {c}]", "np.asarray([{a}, {b}], like={a})"),
    *("np.linalg.norm({a}, axis=-1)", "{a}[[1, 0, 1]]", "np.outer({a}, {c})"),
)
LAYOUTS = ("{a}.copy(order='F')", "np.repeat({a}, 2, -1)[..., ::2]", "np.repeat({a}, 2, -1)[..., ::-2]")
WRITES = (
    *("{a}[{i}] = {v}", "{a}[{i}] = {v}", "{a}[{i}] {o}= {v}", "{a}[{i}] {o}= {v}", "{a} {o}= {v}", "{a} **= 2"),
    *("np.add.at({a}, {i}, {a}[{i}] * {c})", "np.multiply.at({a}, {i}, {c})", "np.copyto({a}, {v})", "{a}.sort()"),
    *("{a}.fill({c})", "np.sin({b}, out={a})", "np.multiply({a}, {b}, out={a})", "np.cumsum({a}, 0, out={a})"),
    *("{a}.flat[{k}] = {v}", "np.put({a}, [0, 2, 0], {v})", "np.place({a}, {a} > {c}, {v})"),
    *("np.putmask({a}, {a} > {c}, {v})", "{a}.sort(0)", "np.fill_diagonal({a}, {v})", "{a}[[0, 1]] = {a}[[1, 0]]"),
    *("{a}[:, 0], {a}[:, 1] = {a}[:, 1], {a}[:, 0].copy()", "np.copyto({a}, {v}, where={a} > {c})"),
    *("np.add({a}, {v}, out={a}, where={a} > {c})", "{a}[{a} > {c}] {o}= {c}"),
    *("np.put_along_axis({a}, np.argsort({a}, -1), {v}, -1)", "{a}.T[{i}] = {v}", "{a}.reshape(-1)[{k}] {o}= {v}"),
    *("for row in {a}: row *= {c}", "{a}.put([1, 0], {v})", "{a}.partition(1)", "np.add.reduce({b}, 0, out={a})"),
    *("box.a = {a}; box.a {o}= {v}", "table = [{a}]; table[0] {o}= {v}", "np.matmul({a}, {b}, out={a})"),
    *("{a}.real = {v}", "{a}.flat = {v}", "{a}[{i}][{k}] = {c}", "np.modf({b}, out=({a}, None))"),
    *("np.clip({a}, -1, {c}, out={a})", "{a} **= 3", "{a} **= 0.5", "{a} **= {c}", "{a} **= np.abs({v})"),
    *("{a} //= {c}", "{a} %= {c}", "{a} @= {b}", "def change(): {a}[{i}] {o}= {v}\nchange()"),
    "(lambda z: z.__setitem__(np.s_[{i}], {v}))({a})",
    *("def change(z):\n    z {o}= {v}\n    return z\n{a} = change({a})", "{a}[...] = {v}"),
    *("{a}[()] = {v}", "box.a = {a}; box.a[{i}] {o}= {v}", "table = dict(k={a}); table['k'] {o}= {v}"),
    *("table = ({a},); table[0][{i}] = {v}", "{a}[1:] {o}= {a}[:-1]", "{a}[:-1] = {a}[1:]", "{a}[...] = {a}[::-1]"),
    *("{a}[::-1] = {a}", "{a}[[1, 0]] {o}= {a}[:2]", "{a}[[0, 0, 1]] {o}= {c}", "{a}[[0, 0, 1]] = {v}"),
    *("{a}[0], {a}[1] = {a}[1].copy(), {a}[0].copy()", "{a}, {b} = {b}, {a}", "{a}[0], {a}[-1] = {a}[-1], {a}[0]"),
    *("for i in range(1, len({a})): {a}[i] {o}= {a}[i - 1]", "{a}.real {o}= {c}"),
    *("for i in np.ndindex({a}.shape): {a}[i] {o}= {c}", "for i, e in enumerate({a}.flat): {a}.flat[i] = e * {c}"),
    *("for e in {a}.T: e[...] = e[::-1] * {c}", "{a}.imag = {v}", "np.add.at({a}, np.s_[{i}], {f}({a}[{i}]))"),
    *("np.subtract.at({a}, [0, 0, -1], {a}[:3])", "np.divide.at({a}, np.s_[{i}], {c})", "np.copyto({a}, {b}.T)"),
    *("np.copyto({a}, {a}[::-1])", "np.putmask({a}, {a} > {c}, {a}[::-1])", "{a}.imag[...] {o}= {c}"),
    *("np.fill_diagonal({a}, {c}, wrap=True)", "np.put({a}, [1, -1, 5], {v}, mode='wrap')"),
    *("np.nan_to_num({a}, copy=False)", "{a}.T.sort()", "{a}[::-1].sort(0)", "{a}.ravel().sort()"),
    *("{a}[0].partition(1)", "{a}[{i}].fill({c})", "{a}[{i}].sort()", "np.add({a}, {v}, {a})"),
    *("np.subtract({a}, {a}[::-1], out={a})", "np.clip({a}, -1, 1, {a})", "np.mean({b}, 0, out={a}[0])"),
    *("np.add.accumulate({a}, 0, out={a})", "{a}.cumsum(0, out={a})", "np.stack([{b}], out={a}[None])"),
    *("np.dot({b}, {b}.T, out={a})", "np.take({b}, [0], 0, out={a}[:1])", "np.maximum({a}, {c}, out={a})"),
    *("np.multiply.outer({b}, {c}, out={a})", "np.einsum('...i->i...', {a})[...] = {c}", "{a}.T.flat[{k}] = {v}"),
    "{a}.flat[::2] {o}= {c}",
)


def calls_of(cases):
    """Those of the catalogue's cases of which a line can be made, by function."""
    found = {}
    for case in cases:
        drawn = all(a.values is None and 0 not in a.shape for a in case.arguments.values())
        small = sum(_size(a.shape) for a in case.arguments.values()) <= LARGEST
        if drawn and small and {"float64", "complex128"} & {*case.dtypes}:
            found.setdefault(case.function, []).append(case)
    return [*found.values()]


@functools.cache
def calls():
    """``calls_of`` the whole catalogue."""
    return calls_of(catalogue)


def _size(shape):
    return functools.reduce(int.__mul__, shape, 1)


def renamed(expression, names):
    """The expression with other names for its arrays."""

    class Renamed(ast.NodeTransformer):
        def visit_Name(self, node):
            return ast.parse(names[node.id], mode="eval").body if node.id in names else node

    return ast.unparse(Renamed().visit(ast.parse(expression, mode="eval")))
