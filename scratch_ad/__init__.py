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
holds plain arrays. Why each part is there at all is told in the docstring of ``intro``, from ten lines upwards, by the
smallest programs that fail without it.

    [frames, refusals, foreign, memory, silence]      what takes no tracer; other packages' arrays; copies; no warnings
    tracer, primitives                                how a number answers NumPy's calls, and functions of ours
    [views, layout, scalars, keywords], array         … and feels like an array
    [writing, flat, cells, constants, writers, creation]    arrays that are written into, and made
    tree                                              containers of arrays; what is copied where
    chain, [careful]                                  one edge of the chain rule; the same, with 0·∞ = 0
    registry                                          what an engine asks of the rule for a function
    forward, reverse                                  the two modes, each an idea
    fast                                              the engines that run: the same, written out for most calls
    [poles], modes                                    infinities that cancel; jvp and vjp
    rule, rules/                                      the kinds of rule, and the rules: begin with elementwise's table
    [nodes, duals]                                    what most programs call, written out for both modes
    batch, batching/, mapping                         an array with a hidden axis; how each function acts on a batch
    program, cost                                     recording: a function's calls as a straight-line program
    [picture]                                         programs as tables and graphs, with what each line costs
    [compiling/]                                      replays: recording with guards, clean-up passes, Python source
    linearization, jacobians, transforms, custom      what users call besides
    [implicit]                                        solutions of equations, be they found by whatever solver
    [snapshots, fingerprints], checkpoint             derivatives in bounded memory
    [dependencies], paths, sparse                     whole Jacobians by the cheapest plan
    symbolic, numerical                               derivatives by SymPy and by differences
    observing, nans, tracing/                         the modes, watched: which call first made a nan; all, step by step
    numpy, scipy/, intro/                             names of NumPy's and SciPy's; the lesson

Rules stand above the engines, since a rule given by its jvp alone is transposed by reverse mode.

What was decided where the design left it open:

- **A checkpointed function is run again, so what it depends on are its arguments**: a differentiated value in its
  closure is refused (JAX finds it in the jaxpr), its arrays are read-only inside, and its results are its own.
- **A pattern of zeros belongs to a path**, the calls, shapes and indices of a run, not to a point. A ``Path`` lies
  above the numbers of forward or reverse mode and notes what goes by; it keeps no array, and where it differs from
  those known, the pattern is found anew. ``hessian`` without options stays ``jacfwd(jacrev(f))``; ``jacobian`` plans.
- **Arguments and constants are copied where a pullback keeps them**, so that changing an array later changes no
  derivative. An array with ``flags.writeable = False`` is not copied.
- **0·∞ = 0 in the chain rule's products**, so that nothing leaks from a branch not taken (``np.where(x > 0,
  np.sqrt(x), 0)`` at 0), be it an element, a row or a matrix of a stack. It costs one look at the result: only when
  that holds a nan is the tape walked again, or forward mode run again, with the careful steps; of a function that is
  not elementwise, what the nan depends on is seen from other numbers in the places of those that it kept. A nan that
  stands for the product of a computed zero and a pole (``np.cbrt(x) ** 3`` at 0, ``np.log1p(np.exp(x))`` at 800, both
  1 in truth) becomes 0 with it: no single operation can tell it from a branch not taken. Where the infinities of one
  pole meet and cancel (``np.sqrt(x - x)``), a third walk of the tape finds the finite part; those of two poles, or
  weights that are 0 but for rounding (of ``scipy.fft.dct`` of 5 numbers), stay nan or infinite. Under
  ``jax_ref.jit``, where nobody can look, it stays nan as in JAX.
- **A tracer does not outlive its run.** One kept in a cache or an object and used in a later run raises TypeError, as
  in JAX; so does a custom derivative of a function that also depends on a differentiated number of which its rule
  does not know (closed over, or at ``nondiff_argnums``).
- **``isinstance`` answers as in the plain run**: a tracer is an ``np.ndarray``, an ``np.float64`` (and so a ``float``
  and a ``numbers.Number``) or what else NumPy would have there, also for ``np.isscalar``,
  ``functools.singledispatch`` and ``match``. ``type(x)`` is the kind of number: write ``isinstance(x, np.ndarray)``
  for ``type(x) is np.ndarray``. Over another package's arrays, a tracer is none of NumPy's. JAX knows no arrays of
  no dimension apart from numbers. What asks ``isinstance`` and then takes the memory or the type in C still raises
  TypeError: ``json``, ``pandas.cut``, ``jax.numpy.array``, and ``np.ma.sin`` of a constant array.
- **Python's numbers stay Python's**: what those among the arguments do with each other is one of them, with Python's
  arithmetic and its errors; under ``jax_ref.jit``, which raises none, a division by zero is infinite. Their
  derivatives are NumPy's numbers.
- **Floating-point warnings** are NumPy's own for the function's values in reverse mode; the derivative's arithmetic
  is silent, and so is all of ``jvp``.
- **A partial may be given by its divisor** (``over``): ``g / x`` is one operation fewer than ``g * (1 / x)``, and
  exact.
- **``linearize`` is forward mode with recorded tangents**: the pushforward replays a program of linear NumPy calls.
- **A Jacobian runs the function once.** Where a nan comes out of forward mode, it runs a second time with careful
  steps; where an array of the batch turns out larger than the limit, recorded, to go in blocks. Reverse mode looks at
  the rows, and pulls again what holds a nan.
- **The cotangents of einsum are products of matrices**, two operands at a time: the same sums in another order.
- **Systems in a pullback go by the LAPACK that SciPy hands out, where SciPy is installed** (of solve, slogdet, cholesky
  and qr of single matrices): in less time, and with other last digits than NumPy's own solver would give.
- **A call that a batching rule does not cover loops over the examples**, whatever the reason: so the loop gives
  NumPy's own error, or the right result, and a missing rule costs time alone. Below a batch, a ``custom_jvp`` or
  ``custom_vjp`` function that is differentiated loops too, so that its own derivative holds.
- **A solver is called, not differentiated**: its result has the derivatives of the equation that it solves, at the
  solution next to where it stopped (implicit.py). So unrolled iterations of ``scipy.optimize`` are nowhere, and where a
  search starts has slope 0. A function that closes over differentiated numbers is called, as a copy, with their values.
- **Degenerate matrices.** Determinants, inverses, norms and solutions have rules without eigenvectors and are right
  at any rank, ``det`` to third order. Derivatives of eigen- or singular vectors at values that are the same but for
  rounding are nan or infinite, on purpose, and so are those of factors that divide by a pivot that is 0 but for
  rounding; ``polar`` at a singular matrix has the slope that keeps its rank. Where a tolerance is given (``rcond``,
  ``rtol``, ``atol``) and cuts more than rounding, ``pinv``, ``lstsq``, ``null_space`` and ``orth`` have the derivative
  of what is left, on which what is cut has an influence; JAX's ``pinv`` leaves that out. Nan or infinite are also
  second derivatives of smooth functions of repeated eigenvalues (``np.sum(np.linalg.eigvalsh(a) ** 2)`` at the
  identity), as in JAX.
- **Functions of Hermitian matrices** (``cholesky``, ``eigh``, ``pinvh``, ``solve(assume_a="pos")``, …) read one
  triangle, and of complex numbers the real part of the diagonal. At an argument that is not its own adjoint, to the
  last bit, the derivative is that of what is read, and zero for all else; each matrix of a stack is looked at by
  itself. At one that is, it is JAX's: the cotangent of ``cholesky``, ``eigh``, ``ldl`` and ``pinvh`` is the symmetric
  one, of which a difference along one element alone shows half or twice. Under ``jax_ref.jit`` it is JAX's
  everywhere, whose functions take the Hermitian part. A recorded program decides anew at each replay.
- **A kink has the slope of least norm where JAX has none, and no curvature**: ``np.linalg.norm(x) ** 2`` at 0 has
  first derivative 0, which is right, and second derivative 0, where 2 would be.
- **Results lie in memory as NumPy's own**, so that ``order="K"`` and ``"A"``, and whether ``ravel`` gives a view,
  mean what they mean without; of SciPy's results the order of the axes is kept, not gaps. A recorded program in which
  ``order="K"`` or ``"A"`` occurs takes only arrays that lie in memory as those it was recorded with.
- **The sign of an infinite sum** is known of up to 256 infinities; beyond, the derivative is nan.
- **A refusal names the call that the user wrote**, found in the innermost frame that is not a library's, in the
  bytecode where C leaves no frame; where it cannot be told, the message says so. Remedies are a table, by name and by
  package, and each is executed in a test.
- **Other packages' arrays are refused by name** (np.matrix, masked arrays, pandas, xarray, objects, subclasses),
  unless NumPy itself makes the same plain array of them, as ``np.dot(x, series)`` does; ``Fraction`` and ``Decimal``
  likewise. ``A @ x`` and ``x @ A`` take SciPy's sparse arrays and matrices as constants, in both modes and to any
  order; those of ``scratch_ad.scipy.sparse`` may have tracers as data.
- **``first_nan`` watches the plain steps**, without the care for 0·∞ = 0, so that it shows what JAX's steps do as
  well, and says if nothing of it comes out; what follows from a nan already there, in the arguments or the values, is
  no origin.
- **A tracer is not hashed or pickled**: a cache would take equal numbers with different derivatives for one. A copy
  of it is a copy with the same derivative. ``round(x)`` is a constant.
- **A ``custom_jvp`` rule must be linear in its tangents**: reverse mode refuses any other.
- **An entry costs a little, and large arrays are kept**: importing the package has the C library of Linux keep freed
  arrays of up to 8 MB for reuse, as any program that has freed one as large.
- **A refusal comes before NumPy's own error**: where NumPy covers one ("setting an array element with a sequence"),
  the run raises the refusal, with the user's line; what gives no cause (``arr.flat[1] = x[0]``, ``"%d" % x``,
  ``np.nditer(x)``) keeps NumPy's or Python's words.
- **An ``out=`` of a wider dtype** is computed in that dtype, as NumPy does; where NumPy mixes both (var, std, ptp,
  median, a narrower mean) it is refused. ``ufunc.at`` into a read-only view is refused, although NumPy writes there.
- **Numbers that are no arrays have operators of their own**, as in NumPy, where ``x[0] ** 3`` is the C library's
  power, not ``np.power``, and complex products and moduli round in another way. Whether a NumPy number on the left
  (``np.float64(2) ** x[0]``) met the operator or ``np.power`` is read off the calling frame; one hidden in C, as by
  ``functools.reduce``, is taken for ``np.power``.
"""

from . import batching as _batching  # noqa: F401  (registers the batching rules)
from . import duals as _duals  # noqa: F401  (gives dual numbers their operators)
from . import nodes as _nodes  # noqa: F401  (gives them their quick nodes)
from . import rules as _rules  # noqa: F401  (registers the rules)
from .batch import fallbacks
from .checkpoint import checkpoint, checkpoint_loop
from .compiling import compile
from .custom import custom_jvp, custom_vjp
from .implicit import implicit
from .linearization import linearize
from .mapping import vmap
from .modes import jvp, vjp
from .nans import first_nan
from .numerical import numerical_gradient, numerical_jacobian
from .program import record
from .rule import composite, constant, elementwise, explicit, linear, over, refuse
from .sparse import hessian, jacobian
from .symbolic import expression, symbolic_gradient
from .tracer import primitive
from .tracing import trace
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
    "implicit",
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
    "trace",
    "value_and_grad",
    "vjp",
    "vmap",
]
