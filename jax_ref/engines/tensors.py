"""Functions of PyTorch's tensors that call a ``torch.autograd.Function``: which ones, and their derivatives by those.

PyTorch's pullback is the adjoint; as in ``peers``, cotangents and results are conjugated to give the transpose.
"""

# pyright: reportMissingImports=false
# (PyTorch comes with the extra `bench`, which not everybody has)

import functools
import sys
import warnings

import numpy as np
import optree

from .protocol import Engine


@functools.cache
def load_forward_mode():
    """Load PyTorch's forward mode, as its first use does, without what it says of its own deprecated calls."""
    import torch

    with warnings.catch_warnings(), torch.autograd.forward_ad.dual_level():
        warnings.simplefilter("ignore")
        torch.autograd.forward_ad.make_dual(torch.ones(1), torch.ones(1))


def is_imported():
    """Whether PyTorch is: without it nobody has a function of tensors."""
    return "torch" in sys.modules


def tensor(x):
    """A tensor of the dtype of ``x`` in memory of its own; PyTorch has no negative strides."""
    import torch

    return torch.from_numpy(np.array(x, order="C"))


def conjugate(x):
    return x.conj() if x.is_complex() else x


def applied(f):
    """What ``f`` calls: a class of rules is called by its ``apply``."""
    return f.apply if isinstance(f, type) and _is_function(f) else f


def class_of(f):
    """The class of rules that ``f`` is, or whose ``apply`` it is, be some of its arguments bound; None of others."""
    f = f.func if isinstance(f, functools.partial) else f
    f = f if isinstance(f, type) else getattr(f, "__self__", None)
    return f if isinstance(f, type) and _is_function(f) else None


def _is_function(f):
    """By name, so that nobody has to import PyTorch to ask."""
    return any(f"{c.__module__}.{c.__qualname__}" == "torch.autograd.function.Function" for c in f.__mro__)


def on_tensors(f):
    """``f``, a function of tensors, that takes arrays among them."""
    return lambda *args: f(*optree.tree_map(as_tensor, args, none_is_leaf=True))


def on_arrays(f):
    """``f``, a function of tensors, as one of NumPy's arrays."""
    return lambda *args: _given_back(on_tensors(f)(*args))


def as_tensor(x):
    """An array as a tensor; other things as they are."""
    return tensor(x) if isinstance(x, (np.ndarray, np.generic)) else x


def _is_tensor(x):
    import torch

    return isinstance(x, torch.Tensor)


def _given_back(tree):
    return optree.tree_map(lambda x: x.numpy(force=True) if _is_tensor(x) else x, tree)


def rules_met(f, primals):
    """The classes of rules through which derivatives of ``f`` go at these arrays.

    Raises what ``f`` raises, which may be no function of tensors at all.
    """
    import torch

    moving = optree.tree_map(lambda x: tensor(x).requires_grad_(), primals)
    out = filter(_is_tensor, optree.tree_leaves(f(*optree.tree_map(torch.clone, moving))))
    rules = filter(lambda node: isinstance(node, torch.autograd.function.BackwardCFunction), _nodes(out))
    return {type(node)._forward_cls for node in rules}


def _nodes(results):
    """All nodes of the graph behind these tensors."""
    left, seen = [y.grad_fn for y in results], set()
    while left:
        node = left.pop()
        if node is not None and node not in seen:
            seen.add(node)
            yield node
            left += [before for before, _ in node.next_functions]


def engine(name, rules):
    """PyTorch's derivatives of functions that call these rules: reverse mode, and forward mode if all of them have it.

    They nest in reverse mode.
    """
    import torch

    pushes = all(rule.jvp is not torch.autograd.Function.jvp for rule in rules)
    return Engine(name, _jvp if pushes else None, _vjp, outer=(Engine(name, vjp=_vjp),))


def _are_tensors(*trees):
    return any(map(_is_tensor, optree.tree_leaves(trees)))


def _jvp(f, primals, tangents):
    import torch

    load_forward_mode()
    inside = _are_tensors(primals, tangents)
    given = functools.partial(optree.tree_map, lambda x: x if _is_tensor(x) else tensor(x))
    dual = lambda x, t: torch.autograd.forward_ad.make_dual(x.clone(), t)
    with torch.autograd.forward_ad.dual_level():
        out = f(*optree.tree_map(dual, given(primals), given(tangents)))
        pairs = optree.tree_map(torch.autograd.forward_ad.unpack_dual, out)
        is_pair = lambda x: hasattr(x, "primal")
        value = optree.tree_map(lambda pair: pair.primal, pairs, is_leaf=is_pair)
        t = lambda pair: torch.zeros_like(pair.primal) if pair.tangent is None else pair.tangent
        tangent = optree.tree_map(t, pairs, is_leaf=is_pair)
    return (value, tangent) if inside else (_given_back(value), _given_back(tangent))


def _vjp(f, *primals):
    import torch

    leaf = lambda x: x.view_as(x) if _is_tensor(x) else tensor(x).requires_grad_()
    moving = optree.tree_map(leaf, primals)
    out = f(*optree.tree_map(torch.clone, moving))

    def pullback(cotangent):
        inside = _are_tensors(primals, cotangent)
        given = optree.tree_leaves(optree.tree_map(lambda g: g if _is_tensor(g) else tensor(g), cotangent))
        pairs = zip(optree.tree_leaves(out), map(conjugate, given), strict=True)
        pairs = [(y, g) for y, g in pairs if y.requires_grad]
        leaves, spec = optree.tree_flatten(moving)
        found = [torch.zeros_like(x) for x in leaves]
        if pairs:
            ys, gs = zip(*pairs, strict=True)
            options = {"create_graph": inside, "retain_graph": True, "allow_unused": True, "materialize_grads": True}
            found = torch.autograd.grad(ys, leaves, gs, **options)
            if inside:
                _require_graph(found)
        found = optree.tree_unflatten(spec, [conjugate(c) for c in found])
        return found if inside else _given_back(found)

    return (out if _are_tensors(primals) else _given_back(out)), pullback


def _require_graph(found):
    """Raise where cotangents cannot be differentiated once more; PyTorch itself may give zeros."""
    if any(node.name().endswith("::Error") for node in _nodes(found)):
        raise RuntimeError("backward is marked @once_differentiable")
    if not any(c.requires_grad for c in found):
        raise RuntimeError(
            "backward leaves PyTorch's graph by detach, data or numpy, so that second derivatives through it are "
            "dropped without a word; mark it @once_differentiable, and PyTorch refuses them"
        )
