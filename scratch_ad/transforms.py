"""What users call: each transformation from ``jvp``, ``vjp`` and recording alone, with JAX's names and signatures."""

import functools
import itertools
import operator

import numpy as np

from .jacobians import forward_columns, reverse_rows, size_of
from .modes import check_tangents, gradient_of_array, jvp, vjp_of_leaves
from .primitives import detached
from .refusals import check_callable
from .tracer import dtype_of, kind_of, shape_of
from .tree import flatten, is_inexact, is_leaf, leaf_spec, tree_map, typed, unflatten


def stop_gradient(x):
    """``x`` as a constant: its derivative is zero in every mode and order. Containers are kept."""
    return tree_map(detached, x)


def value_and_grad(fun, argnums=0, has_aux=False, holomorphic=False, allow_int=False):
    """A function that gives the value of the scalar function ``fun`` and its gradient by reverse mode.

    ``argnums``: position, or sequence of positions, of the arguments to differentiate; the gradient has their
    containers and shapes (a tuple for a sequence). With ``has_aux``, ``fun`` returns ``(value, aux)`` and the result
    is ``((value, aux), gradient)``. The gradient of a real function of z = x + iy is ∂f/∂x − i ∂f/∂y; ``holomorphic``
    asks for the complex derivative instead. ``allow_int``: integer arguments get float0 gradients.
    Raises TypeError for an integer input, a non-scalar output, or complex numbers without ``holomorphic``.
    """
    check_callable("value_and_grad", fun)
    argnums = positions(argnums)

    usual = type(argnums) is int and not (has_aux or holomorphic)

    @functools.wraps(fun)
    def differentiated(*args, **kwargs):
        if usual and 0 <= argnums < len(args) and type(x := args[argnums]) is np.ndarray and x.dtype.kind == "f":
            spec = leaf_spec
            found, general = gradient_of_array(fun, args, argnums, kwargs)
            if found:
                return found
            out, out_spec, pull, aux = general
        else:
            leaves, spec, on_leaves = _choose(fun, argnums, args, kwargs)
            for leaf in leaves:
                _check_reverse_input("grad", leaf, holomorphic, allow_int)
            out, out_spec, pull, aux = vjp_of_leaves(on_leaves, leaves, has_aux)
        if not is_leaf(out_spec):
            raise TypeError(
                "Gradient only defined for scalar-output functions. Output was a "
                f"{type(unflatten(out_spec, out)).__name__}; return a number, and the rest with has_aux=True."
            )
        value = typed(out[0])
        if value.shape != ():
            remedy = "return out[0]" if value.shape == (1,) else "return np.sum(out), or use jacrev"
            raise TypeError(
                f"Gradient only defined for scalar-output functions. Output had shape: {value.shape}; {remedy}."
            )
        _check_reverse_output("grad", value, holomorphic)
        gradient = unflatten(spec, pull([value.dtype.type(1)]))
        return ((value, aux) if has_aux else value), gradient

    return differentiated


def grad(fun, argnums=0, has_aux=False, holomorphic=False, allow_int=False):
    """A function that gives the gradient of the scalar function ``fun`` by reverse mode; see ``value_and_grad``.

    With ``has_aux`` the result is ``(gradient, aux)``.
    """
    check_callable("grad", fun)
    differentiated = value_and_grad(fun, argnums, has_aux, holomorphic, allow_int)

    @functools.wraps(fun)
    def gradient(*args, **kwargs):
        value, result = differentiated(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return gradient


def jacfwd(fun, argnums=0, has_aux=False, holomorphic=False):
    """A function that gives the Jacobian of ``fun`` by columns: ``fun`` once, then one pushforward per input element.

    The result has the containers of the output, each leaf holding those of the argument, with arrays of shape
    ``output.shape + input.shape``; with ``has_aux`` it is ``(jacobian, aux)``. Raises TypeError for inputs that are
    not real (not complex, with ``holomorphic``).
    """
    check_callable("jacfwd", fun)
    argnums = positions(argnums)

    @functools.wraps(fun)
    def jacobian(*args, **kwargs):
        leaves, spec, on_leaves = _choose(fun, argnums, args, kwargs)
        for leaf in leaves:
            _check_forward_input(leaf, holomorphic)
        out_leaves, out_spec, columns, aux = forward_columns(on_leaves, leaves, has_aux)
        for leaf in out_leaves:
            if holomorphic and dtype_of(leaf).kind != "c":
                raise TypeError(
                    f"jacfwd with holomorphic=True requires outputs with complex dtype, but got {dtype_of(leaf)}."
                )
        blocks = []
        for k, y in enumerate(out_leaves):
            parts = _parts(columns[k] if columns else None, leaves)
            last = *range(1, len(shape_of(y)) + 1), 0
            row = [_block(part.transpose(last) if size_of(x) else None, y, x, y) for part, x in zip(parts, leaves)]
            blocks.append(unflatten(spec, row))
        result = unflatten(out_spec, blocks)
        return (result, aux) if has_aux else result

    return jacobian


def jacrev(fun, argnums=0, has_aux=False, holomorphic=False, allow_int=False):
    """A function that gives the Jacobian of ``fun`` row by row: ``fun`` once, then one pullback per output element.

    The result is that of ``jacfwd``. Raises TypeError for integer inputs (without ``allow_int``) and for complex
    outputs (without ``holomorphic``).
    """
    check_callable("jacrev", fun)
    argnums = positions(argnums)

    @functools.wraps(fun)
    def jacobian(*args, **kwargs):
        leaves, spec, on_leaves = _choose(fun, argnums, args, kwargs)
        for leaf in leaves:
            _check_reverse_input("jacrev", leaf, holomorphic, allow_int)
        out_leaves, out_spec, pull, aux = vjp_of_leaves(on_leaves, leaves, has_aux)
        for leaf in out_leaves:
            _check_reverse_output("jacrev", leaf, holomorphic)
        rows = reverse_rows(pull, out_leaves)
        of_inputs = [_parts(rows[k] if rows else None, out_leaves) for k in range(len(leaves))]
        blocks = []
        for j, y in enumerate(out_leaves):
            row = [_block(parts[j] if size_of(y) else None, y, x, x) for parts, x in zip(of_inputs, leaves)]
            blocks.append(unflatten(spec, row))
        result = unflatten(out_spec, blocks)
        return (result, aux) if has_aux else result

    return jacobian


def hessian(fun, argnums=0):
    """A function that gives the second derivatives of ``fun``: ``jacfwd(jacrev(fun))``, in its shapes."""
    check_callable("hessian", fun)
    argnums = positions(argnums)
    return jacfwd(jacrev(fun, argnums), argnums)


def hvp(fun, primals, tangents):
    """The Hessian of the scalar function ``fun`` of one or more arguments times ``tangents``, forward over reverse.

    ``primals`` and ``tangents``: tuples with one entry per argument. Returns an entry shaped like the argument, or a
    tuple of them for several arguments. The cost is a small multiple of that of ``fun``.
    """
    check_callable("hvp", fun)
    check_tangents("hvp", primals, tangents)
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(fun, argnums), primals, tangents)[1]


def _choose(fun, argnums, args, kwargs):
    """The leaves and spec of the arguments at ``argnums``, and ``fun`` as a function of a list of such leaves."""
    single = isinstance(argnums, int)
    places = (argnums,) if single else argnums
    if not single or not -len(args) <= argnums < len(args):
        _check_argnums(argnums, places, len(args))
    leaves, spec = flatten(args[argnums] if single else tuple(args[i] for i in places))

    def on_leaves(leaves):
        chosen, full = unflatten(spec, leaves), list(args)
        if single:
            full[argnums] = chosen
        else:
            for i, value in zip(places, chosen):
                full[i] = value
        return fun(*full, **kwargs)

    return leaves, spec, on_leaves


def positions(argnums, name="argnums", remedy="For an argument given by name write grad(lambda b: f(a, b=b))"):
    """A position or several, of whatever integer type, as an int or a tuple of ints; taken once, if from an iterator.

    Raises TypeError for all else: a set has no order, and bytes or the keys of a dict are numbers by accident.
    """
    try:
        if isinstance(argnums, (set, frozenset, dict, bytes, bytearray)):
            raise TypeError
        is_one = hasattr(argnums, "__index__") and not getattr(argnums, "ndim", 0)
        return operator.index(argnums) if is_one else tuple(map(operator.index, argnums))
    except TypeError:
        raise TypeError(
            f"{name} must be the position of an argument or a sequence of positions, but got {argnums!r}. {remedy}."
        ) from None


def _check_argnums(argnums, places, count):
    if max(places, default=-1) >= count:
        raise TypeError(
            f"differentiating with respect to {argnums=} requires at least {max(places) + 1} positional arguments "
            f"to be passed by the caller, but got only {count} positional arguments."
        )
    if min(places, default=0) < -count or len({i % count for i in places}) < len(places):
        raise ValueError(f"Positional argument indices must differ and be at least -{count}, but got {argnums=}.")


def _parts(stacked, leaves):
    """What belongs to each leaf, of results for the unit vectors of all leaves together, along the first axis."""
    if len(leaves) == 1:
        return [stacked]
    ends = list(itertools.accumulate(map(size_of, leaves)))
    return [stacked[end - size_of(x) : end] if size_of(x) else None for x, end in zip(leaves, ends)]


def _block(part, y, x, like):
    """The Jacobian of one output leaf with respect to one input leaf; zeros of the dtype of ``like`` without a part."""
    shape = shape_of(y) + shape_of(x)
    if part is None:
        return np.zeros(shape, dtype_of(like), like=kind_of(x))
    return part if part.shape == shape else part.reshape(shape)


def _check_reverse_input(name, leaf, holomorphic, allow_int):
    dtype = dtype_of(leaf)
    if dtype.kind == "f" and not holomorphic:
        return
    inexact = is_inexact(leaf)
    if holomorphic and dtype.kind != "c":
        raise TypeError(f"{name} with holomorphic=True requires inputs with complex dtype, not {dtype}: give x + 0j.")
    if not inexact and not allow_int:
        raise TypeError(
            f"{name} requires real- or complex-valued inputs (input dtype was {dtype}). "
            "Give floats, x.astype(float) or 1.0 for 1, or set allow_int=True for gradients of nothing (float0)."
        )


def _check_reverse_output(name, leaf, holomorphic):
    dtype = dtype_of(leaf)
    if dtype.kind == "f" and not holomorphic:
        return
    inexact = is_inexact(leaf)
    if holomorphic and dtype.kind != "c":
        raise TypeError(f"{name} with holomorphic=True requires outputs with complex dtype, not {dtype}: leave it out.")
    if not inexact:
        raise TypeError(
            f"{name} requires real-valued outputs (output dtype was {dtype}). Integers and booleans have no "
            "derivative: return floats, as before a rounding, a count or a comparison, or use vjp."
        )
    if not holomorphic and dtype.kind == "c":
        raise TypeError(
            f"{name} requires real-valued outputs (output dtype was {dtype}). "
            "Pass holomorphic=True for a holomorphic function of complex arguments, "
            "return real numbers such as np.abs(z), or use vjp."
        )


def _check_forward_input(leaf, holomorphic):
    dtype = dtype_of(leaf)
    if dtype.kind == "f" and not holomorphic:
        return
    inexact = is_inexact(leaf)
    if holomorphic and dtype.kind != "c":
        raise TypeError(f"jacfwd with holomorphic=True requires inputs with complex dtype, not {dtype}: give x + 0j.")
    if not holomorphic and (dtype.kind == "c" or not inexact):
        raise TypeError(
            f"jacfwd requires real-valued inputs (input dtype was {dtype}). "
            "Pass holomorphic=True for a holomorphic function of complex arguments, "
            "floats such as 1.0 in place of integers, or use jvp."
        )
