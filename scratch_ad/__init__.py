"""Automatic differentiation of plain NumPy functions, unchanged: forward and reverse mode, to any order.

One call of ``grad``, from the user down to a rule and back:

    transforms.value_and_grad → modes.vjp_of_leaves     the arguments become Variables on a Tape
    tracer.Tracer, array's operators → Tape.process     each NumPy call of the function …
    registry.rule_of → rule.pull                        … asks its rule for an edge per argument: a node of the tape
    reverse.backward                                    walks the nodes from the end, a step along each edge (chain)
    modes' pull → tree.own → transforms                 the cotangents, looked at for nan, in the user's containers

One of ``jvp``: modes.jvp → forward.run → Forward.process → rule.push, a step along each edge; no tape and no way back.

The files in the order of their imports, each of which imports only from those before it. At a first reading, leave out
what stands in brackets: a ``Cell`` is then an array, ``viewed(result, …)`` is ``result``, and a trace of negative level
holds plain arrays.

    [frames, refusals, foreign, memory]               what takes no tracer; other packages' arrays; copies
    tracer, [layout, keywords, scalars], array        how a number answers NumPy's calls, and feels like an array
    [views, writing, flat, cells, constants, writers, creation]    arrays that are written into, and made
    tree                                              containers of arrays; what is copied where
    chain, [careful]                                  one edge of the chain rule; the same, with 0·∞ = 0
    registry                                          what an engine asks of the rule for a function
    forward, reverse                                  the two modes, each an idea
    fast                                              the engines that run: the same, written out for most calls
    [poles], modes                                    infinities that cancel; jvp and vjp
    rule, rules/                                      the kinds of rule, and the rules: begin with elementwise's table
    batch, batching/                                  an array with a hidden axis; how each function acts on a batch
    program, cost                                     recording: a function's calls as a straight-line program
    [compiling/]                                      replays: recording with guards, clean-up passes, Python source
    linearization, jacobians, transforms, custom      what users call besides
    [snapshots], checkpoint                           derivatives in bounded memory
    [dependencies], sparse                            whole Jacobians by the cheapest plan
    symbolic, numerical                               derivatives by SymPy and by differences
    nans                                              which call first made a nan: the modes, watched
    numpy, scipy/, intro/                             names of NumPy's and SciPy's; the lesson

Rules stand above the engines, since a rule given by its jvp alone is transposed by reverse mode.
"""

from . import batching as _batching  # noqa: F401  (registers the batching rules)
from . import rules as _rules  # noqa: F401  (registers the rules)
from .batch import fallbacks, vmap
from .checkpoint import checkpoint, checkpoint_loop
from .compiling import compile
from .custom import custom_jvp, custom_vjp
from .linearization import linearize
from .modes import jvp, vjp
from .nans import first_nan
from .numerical import numerical_gradient, numerical_jacobian
from .program import record
from .rule import composite, constant, elementwise, explicit, linear, over, refuse
from .sparse import hessian, jacobian
from .symbolic import expression, symbolic_gradient
from .tracer import primitive
from .transforms import grad, hvp, jacfwd, jacrev, stop_gradient, value_and_grad
from .tree import float0

__all__ = [
    "checkpoint",
    "checkpoint_loop",
    "compile",
    "composite",
    "constant",
    "custom_jvp",
    "custom_vjp",
    "elementwise",
    "explicit",
    "expression",
    "fallbacks",
    "first_nan",
    "float0",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linear",
    "linearize",
    "numerical_gradient",
    "numerical_jacobian",
    "over",
    "primitive",
    "record",
    "refuse",
    "stop_gradient",
    "symbolic_gradient",
    "value_and_grad",
    "vjp",
    "vmap",
]
