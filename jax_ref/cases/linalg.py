"""Linear algebra, on matrices well away from singular ones and from equal eigenvalues."""

import numpy as np

from . import DOUBLES, REAL, cases, nonzero


def regular(np):
    """Far from singular."""
    return lambda a: a / 4 + np.eye(*a.shape[-2:], dtype=a.dtype)


def apart(np):
    """Of any shape, with singular values that are not equal."""

    def of(a):
        sizes = np.arange(1, a.shape[-1] + 1, dtype=a.dtype)
        return a / 8 + np.eye(*a.shape[-2:], dtype=a.dtype) * sizes

    return of


def hermitian(np):
    """Its own adjoint, with eigenvalues apart."""

    def of(a):
        n = a.shape[-1]
        return (a + np.conjugate(np.swapaxes(a, -1, -2))) / 8 + np.diag(np.arange(n, dtype=a.dtype))

    return of


def definite(np):
    """Hermitian with positive eigenvalues."""
    return lambda a: hermitian(np)(a) + 2 * np.eye(a.shape[-1], dtype=a.dtype)


NAMES = {"regular": regular, "apart": apart, "hermitian": hermitian, "definite": definite}


def matrices(function, *expressions, shapes=((3, 3), (2, 3, 3)), **options):
    for shape in shapes:
        cases(function, *expressions, a=shape, names=NAMES, **options)


TALL = ((4, 3), (2, 3, 2))
matrices(np.linalg.det, "np.linalg.det(regular(a))")
matrices(np.linalg.det, "np.linalg.det(a)", shapes=((1, 1), (2, 2)))
matrices(np.linalg.slogdet, "np.linalg.slogdet(regular(a))")
matrices(np.linalg.inv, "np.linalg.inv(regular(a))")
matrices(np.linalg.inv, "np.linalg.inv(a)", shapes=((2, 2),))
cases(np.linalg.slogdet, "np.linalg.slogdet(a)", a=nonzero(2, 2))
matrices(np.linalg.matrix_power, "np.linalg.matrix_power(a, 3)", shapes=((2, 2),))
matrices(np.linalg.cond, "np.linalg.cond(a, 1)", shapes=((2, 2),))
matrices(np.linalg.tensorinv, "np.linalg.tensorinv(a, ind=1)", shapes=((4, 2, 2),))
matrices(np.linalg.pinv, "np.linalg.pinv(regular(a))")
matrices(np.linalg.pinv, "np.linalg.pinv(a)", "np.linalg.pinv(a.mT)", shapes=TALL)
matrices(np.linalg.cholesky, "np.linalg.cholesky(definite(a))", "np.linalg.cholesky(definite(a), upper=True)")
matrices(np.linalg.eigvalsh, "np.linalg.eigvalsh(hermitian(a))", "np.linalg.eigvalsh(hermitian(a), 'U')")
matrices(np.linalg.eigh, "np.linalg.eigh(hermitian(a)).eigenvalues")
matrices(np.linalg.eigh, "np.abs(np.linalg.eigh(hermitian(a))[1]) ** 2")
TRIANGLE = {"differs": "NumPy reads one triangle, JAX the Hermitian part", "dtypes": ("float64", "complex128")}
matrices(np.linalg.cholesky, "np.linalg.cholesky(a / 4 + 3 * np.eye(3), upper=True)", **TRIANGLE)
matrices(np.linalg.eigvalsh, "np.linalg.eigvalsh(a / 4 + np.diag([0, 2, 5]), 'U')", **TRIANGLE)
matrices(np.linalg.eigh, "np.abs(np.linalg.eigh(a / 4 + np.diag([0, 2, 5]))[1]) ** 2", **TRIANGLE)
matrices(np.linalg.pinv, "np.linalg.pinv(a / 4 + np.diag([2, -3, 5]), hermitian=True)", shapes=((3, 3),), **TRIANGLE)
REAL_WHERE_REAL = "JAX's results are complex for every matrix"
matrices(np.linalg.eigvals, "np.linalg.eigvals(a)", dtypes=("complex128",))
matrices(np.linalg.eig, "np.linalg.eig(a)", dtypes=("complex128",))
matrices(
    np.linalg.eig,
    "np.linalg.eig(a + np.diag([0.0, 4.0, 8.0]))",
    "np.linalg.eig(a + [[0.0, 3.0, 0.0], [-3.0, 0.0, 0.0], [0.0, 0.0, 9.0]])[1]",
    dtypes=("float64",),
    differs=REAL_WHERE_REAL,
)
matrices(
    np.linalg.eigvals,
    "np.linalg.eigvals(a + np.diag([0.0, 4.0, 8.0]))",
    "np.linalg.eigvals(a + [[0.0, 3.0, 0.0], [-3.0, 0.0, 0.0], [0.0, 0.0, 9.0]])",
    dtypes=("float64",),
    differs=REAL_WHERE_REAL,
)
matrices(np.linalg.svdvals, "np.linalg.svdvals(apart(a))")
matrices(np.linalg.svdvals, "np.linalg.svdvals(a)", shapes=TALL)
matrices(np.linalg.svd, "np.linalg.svd(apart(a), compute_uv=False)")
matrices(np.linalg.svd, "np.abs(np.linalg.svd(apart(a), False).U) ** 2")
matrices(np.linalg.svd, "np.abs(np.linalg.svd(apart(a), full_matrices=False)[2]) ** 2", shapes=TALL)
matrices(np.linalg.svd, "np.linalg.svd(a, False)[1]", shapes=TALL)
matrices(np.linalg.qr, "np.linalg.qr(regular(a))", "np.linalg.qr(regular(a), mode='r')")
COMPLEMENT = "JAX has none for a full matrix of vectors"
for shape in ((4, 2), (2, 2, 4)):
    matrices(
        np.linalg.svd,
        "[(lambda u: u[..., 2:] @ np.conjugate(u[..., 2:].mT))(np.linalg.svd(a).U), np.linalg.svd(a).S]",
        "(lambda v: np.conjugate(v[..., 2:, :].mT) @ v[..., 2:, :])(np.linalg.svd(a).Vh)",
        shapes=(shape,),
        dtypes=("float64", "complex128"),
        differs=COMPLEMENT,
    )
matrices(
    np.linalg.qr,
    "(lambda q: q[..., 2:] @ np.conjugate(q[..., 2:].mT))(np.linalg.qr(regular(a), 'complete').Q)",
    "np.linalg.qr(regular(a), 'complete').R",
    shapes=((4, 2),),
    dtypes=("complex128",),
    differs=COMPLEMENT,
)
matrices(
    np.linalg.qr,
    "np.linalg.qr(regular(a))",
    "np.linalg.qr(regular(a), 'r')",
    shapes=((2, 3),),
    dtypes=("complex128",),
    differs="JAX has none for more columns than rows",
)
matrices(
    np.linalg.svd,
    "np.linalg.svd(hermitian(a) - 0.7 * np.eye(3), hermitian=True)[1]",
    "np.abs(np.linalg.svd(hermitian(a) - 0.7 * np.eye(3), hermitian=True).Vh) ** 2",
    "np.linalg.svd(hermitian(a) - 0.7 * np.eye(3), hermitian=True, compute_uv=False)",
    "np.linalg.pinv(hermitian(a) - 0.7 * np.eye(3), hermitian=True)",
    shapes=((3, 3),),
    dtypes=DOUBLES,
)
matrices(np.linalg.qr, "np.linalg.qr(regular(a)).R", "np.linalg.qr(regular(a))[0]", shapes=TALL)
matrices(np.linalg.matrix_power, *(f"np.linalg.matrix_power(regular(a), {n})" for n in (0, 1, 3, -2)))
matrices(
    np.linalg.cond, "np.linalg.cond(regular(a))", "np.linalg.cond(regular(a), 'fro')", "np.linalg.cond(regular(a), 1)"
)
for b in ((3,), (3, 2)):
    cases(np.linalg.solve, "np.linalg.solve(regular(a), b)", a=(3, 3), b=b, names=NAMES)
    cases(np.linalg.lstsq, "np.linalg.lstsq(regular(a), b)[0]", a=(3, 3), b=b, names=NAMES)
cases(np.linalg.solve, "np.linalg.solve(regular(a), b)", a=(2, 3, 3), b=(3, 2), names=NAMES)
cases(np.linalg.lstsq, "np.linalg.lstsq(a, b)[0]", a=(4, 2), b=(4,), names=NAMES)
cases(np.linalg.tensorinv, "np.linalg.tensorinv(np.reshape(regular(a), (2, 2, 4)))", a=(4, 4), names=NAMES)
cases(
    np.linalg.tensorsolve,
    "np.linalg.tensorsolve(np.reshape(regular(a), (2, 2, 4)), b)",
    a=(4, 4),
    b=(2, 2),
    names=NAMES,
)

for order in ("None", "2", "1", "np.inf", "-np.inf", "3", "0.5"):
    cases(np.linalg.norm, f"np.linalg.norm(a, {order})", a=nonzero(4))
    cases(np.linalg.vector_norm, f"np.linalg.vector_norm(a, ord={order.replace('None', '2')}, axis=1)", a=nonzero(2, 3))
for order in ("'fro'", "'nuc'", "1", "-1", "np.inf", "2", "-2"):
    cases(np.linalg.norm, f"np.linalg.norm(a, {order}, axis=(0, 1), keepdims=True)", a=nonzero(3, 3))
    cases(np.linalg.matrix_norm, f"np.linalg.matrix_norm(a, ord={order})", a=nonzero(2, 3, 3))
for shape in ((4, 2), (2, 4)):
    cases(np.linalg.norm, "np.linalg.norm(a, 'nuc')", a=nonzero(*shape), dtypes=DOUBLES)
cases(
    np.linalg.norm,
    "np.linalg.norm(a)",
    "np.linalg.norm(a, axis=0)",
    "np.linalg.norm(a, axis=(0, 2))",
    a=nonzero(2, 3, 2),
)
cases(np.linalg.norm, "np.linalg.norm(a)", "np.linalg.norm(a, axis=1, keepdims=True)", a=nonzero(2, 3), dtypes=REAL)
