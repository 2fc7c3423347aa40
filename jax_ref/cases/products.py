"""Products of vectors, matrices and tensors."""

import numpy as np

from . import DOUBLE, DOUBLES, SHORT, cases

for a, b in (
    ((2, 3), (3, 4)),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 2, 3), (3, 2)),
    ((2, 1, 2, 3), (4, 3, 2)),
    ((2, 0), (0, 3)),
):
    cases(np.matmul, "np.matmul(a, b)", "a @ b", a=a, b=b)
cases(np.matmul, "np.matmul(a, b, axes=[(0, 1), (0, 2), (2, 0)])", a=(3, 2, 4), b=(2, 4, 5), dtypes=DOUBLE)
cases(np.matmul, "np.matmul(a, b, axes=[(-2, -1), (0, 1), (-1, -2)])", a=(2, 3), b=(3, 4), dtypes=DOUBLES)
cases(
    np.vecdot,
    "np.vecdot(a, b, axes=[0, (-1,), ()])",
    a=(3, 2),
    b=(2, 3),
    dtypes=("complex128",),
    differs="JAX has no axes",
)
cases(np.matmul, "a @ a", a=(3, 3))
cases(np.matmul, "a @ b", a=(2, 2), b=(2, 2), dtypes=SHORT)
for a, b in (((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((2, 2, 3), (2, 3, 2)), ((), (3,)), ((2, 3), ())):
    cases(np.dot, "np.dot(a, b)", a=a, b=b)
cases(np.dot, "a.dot([1.0, 2.0, 3.0])", "np.dot(a, [1.0, 2.0, 3.0])", a=(2, 3), dtypes=DOUBLES)
for a, b in (((3,), (3,)), ((2, 3), (4, 3)), ((), (3,))):
    cases(np.inner, "np.inner(a, b)", a=a, b=b)
cases(np.outer, "np.outer(a, b)", a=(2,), b=(3,))
cases(np.outer, "np.outer(a, b)", a=(2, 2), b=(3,))
cases(np.vdot, "np.vdot(a, b)", a=(3,), b=(3,))
cases(np.vdot, "np.vdot(a, b)", a=(2, 3), b=(2, 3))
cases(np.vecdot, "np.vecdot(a, b)", "np.vecdot(b, a)", a=(2, 3), b=(3,))
cases(np.matvec, "np.matvec(a, b)", a=(2, 2, 3), b=(3,))
cases(np.vecmat, "np.vecmat(b, a)", a=(2, 3, 2), b=(3,))
cases(np.tensordot, "np.tensordot(a, b)", "np.tensordot(a, b, axes=1)", a=(2, 3, 3), b=(3, 3, 2))
cases(
    np.tensordot, "np.tensordot(a, b, axes=([0, 1], [1, 0]))", "np.tensordot(a, b, axes=(1, -1))", a=(2, 3), b=(3, 2, 3)
)
cases(np.tensordot, "np.tensordot(a, b, axes=0)", a=(2,), b=(2, 2))
cases(np.kron, "np.kron(a, b)", a=(2,), b=(3,))
cases(np.kron, "np.kron(a, b)", a=(2, 2), b=(2, 3))
cases(np.cross, "np.cross(a, b)", a=(2, 3), b=(3,))
cases(np.cross, "np.cross(a, b, axisa=0, axisb=-1, axisc=0)", a=(3, 2), b=(2, 3), dtypes=DOUBLE)
cases(np.convolve, "np.convolve(a, b)", "np.convolve(a, b, 'same')", "np.convolve(a, b, mode='valid')", a=(5,), b=(3,))
cases(
    np.correlate, "np.correlate(a, b)", "np.correlate(a, b, 'full')", "np.correlate(a, b, mode='same')", a=(5,), b=(3,)
)
cases(
    np.einsum,
    "np.einsum('ij,jk->ik', a, b)",
    "np.einsum('ij,jk', a, b)",
    "np.einsum('ij,jk->', a, b)",
    "np.einsum('ij,kl->kj', a, b)",
    a=(2, 3),
    b=(3, 2),
)
cases(
    np.einsum,
    "np.einsum('ii->i', a)",
    "np.einsum('ii', a)",
    "np.einsum('ij->ji', a)",
    "np.einsum('ij,ji->i', a, a)",
    "np.einsum('ij->', a)",
    a=(3, 3),
)
cases(
    np.einsum,
    "np.einsum('...i,i->...', a, b)",
    "np.einsum('...ij,j', a, b)",
    "np.einsum('bij,j->bi', a, b, optimize=True)",
    a=(2, 2, 3),
    b=(3,),
)
cases(np.einsum, "np.einsum(a, [0, 1], b, [1], [0])", "np.einsum('ij,j->i', a, [1.0, 2.0, 3.0])", a=(2, 3), b=(3,))
cases(np.einsum, "np.einsum('ij,jk,k->i', a, b, c)", a=(2, 3), b=(3, 2), c=(2,))
cases(np.einsum, "np.einsum('...ij,...jk->...ik', a, b)", a=(1, 2, 3), b=(4, 3, 2))

cases(np.linalg.matmul, "np.linalg.matmul(a, b)", a=(2, 3), b=(3, 2))
cases(np.linalg.outer, "np.linalg.outer(a, b)", a=(2,), b=(3,))
cases(np.linalg.tensordot, "np.linalg.tensordot(a, b, axes=1)", a=(2, 3), b=(3, 2))
cases(np.linalg.vecdot, "np.linalg.vecdot(a, b)", a=(2, 3), b=(3,))
cases(np.linalg.cross, "np.linalg.cross(a, b)", a=(2, 3), b=(3,))
cases(np.linalg.trace, "np.linalg.trace(a, offset=1)", a=(2, 3, 3))
cases(np.linalg.diagonal, "np.linalg.diagonal(a)", a=(2, 3, 3))
cases(np.linalg.matrix_transpose, "np.linalg.matrix_transpose(a)", a=(2, 3, 2))
cases(np.linalg.multi_dot, "np.linalg.multi_dot([a, b, c])", a=(2, 3), b=(3, 4), c=(4, 2))
cases(np.linalg.multi_dot, "np.linalg.multi_dot([a, b, c])", a=(3,), b=(3, 4), c=(4,))
