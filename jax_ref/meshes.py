"""Arrays spread over the devices of a mesh.

A NumPy function says nothing of devices, and neither does its derivative. So what is compiled sees automatic axes
alone: XLA lays out what is between. Explicit axes, part of JAX's types, where each ambiguous call wants
an ``out_sharding``, are automatic inside and explicit again in the results.
"""

import functools

import jax
from jax.sharding import AxisType, Mesh, NamedSharding


def mesh_of(leaves):
    """The mesh over whose devices the arrays among ``leaves`` are spread; None where each lies on one device."""
    return next((x.sharding.mesh for x in leaves if is_spread(x)), None)


def is_spread(x):
    """Whether ``x`` is an array, known and not only traced, on several devices."""
    if not isinstance(x, jax.Array) or isinstance(x, jax.core.Tracer):
        return False
    return isinstance(x.sharding, NamedSharding) and x.sharding.num_devices > 1


@functools.cache
def automatic(mesh):
    """The mesh with automatic axes in place of explicit ones."""
    types = tuple(AxisType.Auto if t is AxisType.Explicit else t for t in mesh.axis_types)
    return mesh if types == mesh.axis_types else Mesh(mesh.devices, mesh.axis_names, axis_types=types)


def placed(tree, mesh=None):
    """The arrays and shardings in ``tree`` on ``mesh``, which has their devices; by default on their own, automatic."""
    return jax.tree.map(lambda x: _placed(x, mesh), tree)


def _placed(x, mesh):
    if isinstance(x, NamedSharding):
        return NamedSharding(mesh or automatic(x.mesh), x.spec)
    return jax.device_put(x, NamedSharding(mesh, x.sharding.spec)) if is_spread(x) else x  # nothing is copied


def run(function, mesh, args, kwargs):
    """``function(*args, **kwargs)`` where the axes of ``mesh`` are automatic; None: where there is no mesh."""
    if mesh is None:
        return function(*args, **kwargs)
    inside = automatic(mesh)
    with jax.set_mesh(inside):
        if inside is mesh:
            return function(*args, **kwargs)
        result = function(*placed(args, inside), **placed(kwargs, inside))
    return placed(result, mesh)
