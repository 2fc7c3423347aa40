import numpy as np

from ..rule import composite, constant, explicit, linear
from ..tracer import astype, getitem, scatter


def _expand(g, axis, keepdims, shape):
    if axis is not None and keepdims in (False, np._NoValue): g = np.expand_dims(g, axis)
    if isinstance(g, np.generic): return np.ndarray(shape, g.dtype, g, 0, (0,)*len(shape))
    return np.broadcast_to(g, shape)
linear(np.sum, lambda g, _a, axis=None, dtype=None, out=None, keepdims=False: _expand(g, axis, keepdims, _a.shape))
linear(getitem, lambda g, _a, index: scatter(g, index, _a.shape))
linear(scatter, lambda g, _g, index, shape: getitem(g, index))
linear(astype, lambda g, _a, dtype: g)
linear(np.matmul, lambda g, _a, b: np.matmul(g, b.mT), lambda g, a, _b: np.matmul(a.mT, g))
linear(np.transpose, lambda g, _a, axes=None: np.transpose(g, axes if axes is None else np.argsort(axes)))
linear(np.reshape, lambda g, _a, shape, order="C": np.reshape(g, _a.shape, order))
linear(np.expand_dims, lambda g, _a, axis: np.reshape(g, _a.shape))
linear(np.broadcast_to, lambda g, _a, shape: g)
from ..rule import primitive

concat = primitive(lambda *arrays, axis: np.concatenate(arrays, axis))
def _split(g, *arrays, axis):
    out, start = [], 0
    for a in arrays:
        stop = start + a.shape[axis]
        out.append(g[(slice(None),) * (axis % a.ndim) + (slice(start, stop),)])
        start = stop
    return out
linear(concat, _split, jointly=True)
composite(np.stack, lambda arrays, axis=0: np.concatenate([np.expand_dims(a, axis) for a in arrays], axis))
composite(np.concatenate, lambda arrays, axis=0: concat(*arrays, axis=axis))
class V:
    pass
constant(np.greater, np.less, np.equal, np.ones_like, np.zeros_like, np.iscomplexobj)
