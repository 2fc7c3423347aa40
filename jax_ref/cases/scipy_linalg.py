"""SciPy's linear algebra, of matrices as in ``linalg``. Where JAX lacks a function or a keyword, a case says so."""

from scratch_ad.scipy import linalg

from . import DOUBLE, DOUBLES, at, cases, nonzero, positive
from .linalg import NAMES

COMPLEX = ("complex128",)
LACKS = "JAX has no such function"
UNDERIVED = "JAX has no derivative of it"
KEYWORD = "JAX has no such keyword, or no such value of it"


def near_one(np):
    """Close enough to the identity for principal roots and logarithms."""
    return lambda a: a / 8 + np.eye(a.shape[-1], dtype=a.dtype)


def of(name, *expressions, dtypes=DOUBLES, differs="", **options):
    """Cases of ``scipy.linalg``'s function of this name, ``f`` in the expressions."""
    expressions = [e.replace("f(", f"scipy.linalg.{name}(", 1) for e in expressions]
    options |= {"dtypes": DOUBLE if differs else dtypes, "differs": differs, "names": {**NAMES, "near_one": near_one}}
    cases(getattr(linalg, name), *expressions, **options)


# Systems and inverses.

of("solve_triangular", "f(regular(a), b)", "f(regular(a), b, trans=1, unit_diagonal=True)", a=(3, 3), b=(3,))
of(
    "solve_triangular",
    "f(regular(a), b, 'T', lower=True)",
    "f(regular(a), b + 0, 2, overwrite_b=True)",
    a=(3, 3),
    b=(3, 2),
)
of("solve_triangular", "f(regular(a), b, lower=True)", a=(2, 3, 3), b=(3,), differs="JAX takes no batch")
of("solve", "f(regular(a), b)", a=(3, 3), b=(3,))
of("solve", "f(definite(a), b, assume_a='pos')", a=(3, 3), b=(3,), dtypes=DOUBLE)
TRANSPOSE = "JAX pulls back by the complex Hermitian matrix where its transpose is due"
of("solve", "np.abs(f(definite(a + 1j * b), b, assume_a='pos'))", a=(3, 3), b=(3, 3), differs=TRANSPOSE)
of("solve", "f(regular(a), b)", "f(hermitian(a) + 2, b, lower=True, assume_a='her')", a=(3, 3), b=(3, 2))
of("solve", "f(regular(a), b + 0, overwrite_a=True, overwrite_b=True)", a=(11, 11), b=(11,), dtypes=DOUBLE)
for options in (
    "transposed=True",
    *(f"assume_a='{s}'" for s in ("upper triangular", "tridiagonal", "diagonal", "sym")),
):
    of("solve", f"f(definite(a), b, {options})", a=(3, 3), b=(3, 2), differs=KEYWORD)
of("solve", "f(regular(a), b, assume_a='lower triangular', transposed=True)", a=(2, 3, 3), b=(3, 1), differs=KEYWORD)
of("inv", "f(regular(a))", "f(a + 0 * a)[0, 1]", a=(2, 2))
of("inv", "f(regular(a), assume_a='upper triangular')", a=(2, 3, 3), differs=KEYWORD)
of("det", "f(regular(a))", a=(3, 3))
of("det", "f(a @ a.mT + 0, overwrite_a=True)", a=(2, 2, 3), dtypes=DOUBLE)
of("lu_factor", "f(regular(a))[0]", a=(3, 3))
of("lu_factor", "f(a)[0]", a=(4, 2))
of("lu_factor", "f(a)[0]", a=(2, 4))
of("lu", "f(regular(a))[1:]", "f(a, permute_l=True)", "f(a[:2])[2]", "f(a[:, :2])[1]", a=(3, 3), dtypes=DOUBLE)
of("lu", "f(a, p_indices=True)[1]", a=(2, 3, 3), differs=KEYWORD)
LU = "(scipy.linalg.lu_factor(regular(a))[0], np.array([2, 1, 2], 'int32'))"
of(
    "lu_solve",
    f"f({LU}, b)",
    f"f({LU}, b, trans=1)",
    f"f({LU}, b + 0, 2, overwrite_b=True)",
    a=(3, 3),
    b=(3, 2),
    dtypes=COMPLEX,
)
of("cholesky", "f(definite(a))", "f(definite(a), lower=True)", a=(3, 3))
of("cholesky", "f(definite(a), True, True)", a=(2, 3, 3), dtypes=("float32",))
of("cho_factor", "np.triu(f(definite(a))[0])", "np.tril(f(definite(a), lower=True)[0])", a=(3, 3))
of("cho_factor", "f(definite(a))[0]", a=(3, 3), differs="JAX sets to zero what SciPy leaves of the other triangle")
of("cho_solve", "f((definite(a), False), b)", "f((definite(a), True), b[:, 0])", a=(3, 3), b=(3, 2))

of("cholesky_banded", "f(a / 8 + 1j * b / 8 * [[1], [0]] + [[0], [4]])", a=(2, 4), b=(2, 4), differs=LACKS)
of("cholesky_banded", "f(a / 8 + [[4], [0]], lower=True)", a=(2, 2, 4), differs=LACKS)
of("ldl", "f(hermitian(a))", "f(hermitian(a + 1j * b) + 2, lower=False)", a=(3, 3), b=(3, 3), differs=LACKS)
of("ldl", "f(regular(a))", "f(regular(a) + 1j * (b - np.diag(np.diag(b))))", a=(3, 3), b=(3, 3), differs=LACKS)
of("ldl", "f(regular(a) + 1j * b, False, False)", a=(3, 3), b=(3, 3), differs=LACKS)
of("inv", "f(regular(a) + 1j * b, assume_a='her')", a=(3, 3), b=(3, 3), differs=KEYWORD)
of("solve", "f(regular(a), b, assume_a='sym', lower=True)", a=(3, 3), b=(3, 2), differs=KEYWORD)
of("cholesky", "f(regular(a) + 2 * np.eye(3))", a=(3, 3), differs="JAX reads both triangles")
of("eigvalsh", "f(regular(a) + np.diag([0, 2, 5]), lower=False)", a=(3, 3), differs=LACKS)
of("pinvh", "f(regular(a), lower=False)", a=(3, 3), differs=LACKS)
BLOCK = "np.array([[0, 8, 1], [8, 0, 2], [1, 2, 4]])"  # has a pivot of two rows
of("ldl", f"f(hermitian(a) + {BLOCK})", a=(2, 3, 3), differs=LACKS)
of("ldl", f"f(hermitian(a + 1j * b) + {BLOCK})", a=(3, 3), b=(3, 3), differs=LACKS)
of("ldl", f"f(a + a.mT + 1j * {BLOCK}, hermitian=False)", a=(3, 3), differs=LACKS)

# Eigenvalues, singular values and what follows from them.

of("eigh", "f(hermitian(a), eigvals_only=True)", "np.abs(f(hermitian(a), lower=False)[1]) ** 2", a=(3, 3))
PAIR = "f(hermitian(a), definite(b)"
of(
    "eigh",
    f"{PAIR})[0]",
    f"np.abs({PAIR}, type=2)[1])",
    f"np.abs({PAIR}, type=3)[1])",
    a=(3, 3),
    b=(3, 3),
    differs=KEYWORD,
)
of("eigh", f"np.abs({PAIR}, subset_by_index=[1, 2])[1])", a=(3, 3), b=(3, 3), differs=KEYWORD)
of("eigvalsh", "f(hermitian(a), subset_by_value=[0.5, 3.0])", a=(3, 3), differs=LACKS)
of(
    "eig",
    "f(a)",
    "f(regular(a) + 1j * a.mT, left=True)",
    "f(a + 4 * np.diag(np.arange(3)), left=True, right=False)",
    a=(3, 3),
    differs=LACKS,
)
of("eig", "f(a, None, True)", "f(a, right=False)", a=(2, 3, 3), differs=LACKS)
of("eig", "f(a, regular(b), right=False)", a=(3, 3), b=(3, 3), differs=LACKS)
of("eigvals", "f(a)", "f(a, regular(b))", "f(a + 1j * b, regular(b) + 1j * a)", a=(3, 3), b=(3, 3), differs=LACKS)
SIZES = "[np.abs(part) ** 2 for part in f(a + 1j * b)]"  # the phases are open
of("schur", "f(hermitian(a) + a / 8)", "f(hermitian(a) + a / 8, sort='lhp')[:2]", a=(2, 3, 3), differs=UNDERIVED)
of("schur", SIZES, SIZES.replace("1j * b", "b, output='complex'"), a=(3, 3), b=(3, 3), differs=UNDERIVED)
of("hessenberg", "f(a, calc_q=True)", "f(a + 1j * b, calc_q=True)", a=(4, 4), b=(4, 4), differs=UNDERIVED)
of("hessenberg", "f(a)", a=(2, 3, 3), differs=UNDERIVED)
of("hessenberg", "f(np.triu(regular(a), -1), True)", "f(a[:2, :2] + 1j * a[1:, 1:], True)", a=(3, 3), differs=UNDERIVED)
of("svd", "f(apart(a), compute_uv=False)", "np.abs(f(apart(a), False)[0]) ** 2", a=(3, 3))
of("svd", "np.abs(f(apart(a), full_matrices=False)[2]) ** 2", a=(4, 3))
of("svd", "f(a, False, lapack_driver='gesvd')[1]", a=(2, 3), differs=KEYWORD)
of("svdvals", "f(a)", a=(4, 3), differs=LACKS)
of("qr", "f(regular(a), mode='r')", a=(2, 3, 3), differs="JAX gives a tuple")
of("qr", "f(regular(a))", "f(regular(a), mode='r')[0]", "f(regular(a), pivoting=True)[:2]", a=(3, 3))
of("qr", "f(regular(a), mode='economic')", "f(regular(a), mode='r')[0]", a=(4, 3), dtypes=DOUBLE)
of("qr", "f(a)", a=nonzero(2, 4), dtypes=DOUBLE)
of("qr_multiply", "f(regular(a), b)", a=(3, 3), b=(3,), differs=UNDERIVED)
of(
    "qr_multiply",
    "f(a, b, mode='left', pivoting=True)[:2]",
    "f(a + 1j * a[::-1], b, conjugate=True)",
    a=nonzero(3, 2),
    b=(2, 3),
    differs=UNDERIVED,
)
of("rq", "f(regular(a))", "f(regular(a) + 1j * a.mT, mode='r')", a=(3, 3), differs=LACKS)
of("rq", "f(a, mode='economic')", "f(a.mT)", a=nonzero(2, 2, 3), differs=LACKS)
of("orth", "f(a)", "np.abs(f(a + 1j * a[::-1])) ** 2", "f(a[:, :1] * a[0])", a=nonzero(4, 3), differs=LACKS)
PROJECTOR = "(lambda n: n @ np.conjugate(n.mT))(f(a"
of("null_space", "f(a)", f"{PROJECTOR} + 1j * a[::-1]))", f"{PROJECTOR}[:1]))", a=nonzero(2, 3), differs=LACKS)
of("null_space", f"{PROJECTOR}[:, :1] * a[:, 0], 1e-9))", a=nonzero(3, 3), differs=LACKS)
of("polar", "f(regular(a))", a=(3, 3))
of("polar", "f(regular(a))", a=(4, 3), dtypes=DOUBLE)
for side in ("left", "right"):
    of(
        "polar",
        f"f(regular(a), '{side}')[1]",
        f"f(regular(a.mT), side='{side}')[0]",
        a=(2, 3),
        differs="JAX has only square or tall ones",
    )
of(
    "orthogonal_procrustes",
    "f(regular(a.mT @ a), regular(b.mT @ b))[0]",
    "f(a, b)[1]",
    a=(3, 3),
    b=(3, 3),
    differs=LACKS,
)
BLOCKS = at([1.0, 2.0, 0.5], [-0.5, 1.5, -1.0], [0.0, 0.0, 0.7])
TURNED = "f(a * np.array([[1, 1, 1], [1, 1, 1], [0, 0, 1]]), b)"
UNSURE = "JAX's derivative of the rotation of a complex pair is unitary in some of its compiled programs only"
of("rsf2csf", f"{TURNED}[0].real", f"{TURNED}[0].imag", f"{TURNED}[1].imag", a=BLOCKS, b=(3, 3), differs=UNSURE)

# Matrix equations.

SYLVESTER = ("f(regular(a), regular(b), q)", "np.abs(f(regular(a) + 1j * a, 1j * regular(b), q)) ** 2")
of("solve_sylvester", *SYLVESTER, a=(3, 3), b=(2, 2), q=(3, 2), differs=UNDERIVED)
of("solve_continuous_lyapunov", "f(regular(a) + 0j * a, q)", a=(3, 3), q=(3, 3), differs=LACKS)
of("solve_discrete_lyapunov", "f(a / 8, q)", "f(a / 8, q, method='bilinear')", a=(3, 3), q=(3, 3), differs=LACKS)
RICCATI = "f(a, b, definite(q), definite(r)"
of("solve_continuous_are", f"{RICCATI})", f"{RICCATI}, s=b / 8)", a=(2, 2), b=(2, 2), q=(2, 2), r=(2, 2), differs=LACKS)
of("solve_discrete_are", f"{RICCATI})", a=(2, 2), b=(2, 1), q=(2, 2), r=(1, 1), differs=LACKS)

# Functions of matrices.

of("expm", "f(a)", a=(3, 3), dtypes=COMPLEX)
of("expm", "f(2 * a)", a=(2, 2, 2), dtypes=DOUBLE)
of("expm_frechet", "f(a, e)", a=(3, 3), e=(3, 3), dtypes=COMPLEX, orders=1)  # compiles for half a minute otherwise
ENLARGED = "JAX has no such method"
of("expm_frechet", "f(a, e, method='blockEnlarge', compute_expm=False)", a=(3, 3), e=(3, 3), differs=ENLARGED)
of(
    "sqrtm",
    "f(near_one(a))",
    "f(near_one(a) @ near_one(a) + 0.5j * a).imag",
    a=(3, 3),
    differs=UNDERIVED,
)
of("logm", "f(near_one(a))", "np.abs(f(near_one(a) + 0.5j * a))", a=(3, 3), differs=LACKS)
of("signm", "f(near_one(a) - 2 * np.diag(np.array([1, 0, 0])))", a=(3, 3), differs=LACKS)
of("fractional_matrix_power", "f(near_one(a), b)", a=(3, 3), b=positive(), differs=LACKS)
of("fractional_matrix_power", "f(near_one(a), 0.3)", "f(near_one(a), -2)", a=(3, 3), differs=LACKS)
for function in ("cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm"):
    of(function, "f(a / 2)", "np.abs(f(a / 2 + 0.5j * a.mT)) ** 2", a=(3, 3), differs=LACKS)

# Structured matrices.

of("toeplitz", "f(a)", "f(a, b)", a=(3,), b=(4,))
of("toeplitz", "f(a, b)", a=(2, 3), b=(4,))
of("hankel", "f(a)", "f(a, b)", a=(3,), b=(4,), dtypes=DOUBLE)
of("circulant", "f(a)", a=(2, 3), dtypes=DOUBLE)
of("companion", "f(a)", a=nonzero(4))
of("leslie", "f(a, b)", a=(4,), b=(3,), dtypes=DOUBLE)
of("fiedler", "f(a)", a=nonzero(4), dtypes=DOUBLE)
of("fiedler_companion", "f(a)", a=nonzero(5), dtypes=DOUBLE)
of("fiedler_companion", "f(a)", a=nonzero(2), dtypes=DOUBLE)
of(
    "convolution_matrix",
    *(f"f(a, {n}, mode='{mode}')" for mode in ("full", "same", "valid") for n in (2, 5)),
    a=(4,),
    dtypes=DOUBLE,
)
of("block_diag", "f(a, b, c, np.ones((1, 2)))", a=(2, 3), b=(2,), c=(), dtypes=DOUBLES)
of("khatri_rao", "f(a, b)", a=(2, 3), b=(4, 3), differs=LACKS)
of("diagsvd", "f(a, 4, 3)", a=(3,), differs=LACKS)

# Least squares and norms.

of("pinv", "f(a, rtol=1e-3)", "f(a.mT, return_rank=True)[0]", a=(4, 3), differs=LACKS)
of("pinvh", "f(hermitian(a))", a=(3, 3), differs=LACKS)
of(
    "lstsq",
    "f(a, b)[0]",
    "f(a, b, lapack_driver='gelsy')[0]",
    "f(a, b)[1]",
    "f(a, b)[3]",
    a=(4, 2),
    b=(4, 2),
    differs=LACKS,
)
of("norm", "f(a)", "f(a, 'nuc')", "f(a, 1, axis=0)", "f(a, 3, axis=1, keepdims=True)", a=nonzero(3, 3), differs=LACKS)

# Matrices given by their diagonals.

of("solve_banded", "f((1, 1), a + np.array([[0], [4], [0]]), b)", a=(3, 4), b=(4, 2), differs=LACKS)
of("solve_banded", "f((2, 0), a / 2 + np.array([[4], [0], [0]]), b)", a=(3, 4), b=(4,), differs=LACKS)
UPPER, LOWER = "a / 8 + np.array([[0], [4]])", "a / 8 + 1j * c / 8 * np.array([[0], [1]]) + np.array([[4], [0]])"
of("solveh_banded", f"f({UPPER}, b)", a=(2, 4), b=(4,), differs=LACKS)
of("solveh_banded", f"np.abs(f({LOWER}, b, lower=True))", a=(2, 4), b=(4,), c=(2, 4), differs=LACKS)
of("cho_solve_banded", f"f(({UPPER}, False), b)", a=(2, 4), b=(4, 2), differs=LACKS)
of("cho_solve_banded", f"np.abs(f(({LOWER}, True), b))", a=(2, 4), b=(4,), c=(2, 4), differs=LACKS)
SPREAD = "a + 4 * np.arange(4)"
of("eig_banded", f"np.abs(f({SPREAD}, select='i', select_range=(1, 3))[1])", a=(2, 4), differs=LACKS)
of("eigvals_banded", f"f({SPREAD} + 1j * np.array([[0], [1]]) * b, lower=True)", a=(2, 4), b=(2, 4), differs=LACKS)
of("eigh_tridiagonal", f"np.abs(f({SPREAD}, b)[1]) ** 2", a=(4,), b=(3,), differs=UNDERIVED)
of("eigvalsh_tridiagonal", f"f({SPREAD}, b)", a=(4,), b=(2, 3), differs=LACKS)
of("eigvalsh_tridiagonal", f"f({SPREAD}, b, select='v', select_range=(0, 9))", a=(4,), b=(3,), differs=LACKS)
of("matmul_toeplitz", "f((a, b), x)", "np.abs(f(a + 1j * x[:, 0], x))", a=(3,), b=(3,), x=(3, 2), differs=LACKS)
DOMINANT = "a + 8 * np.eye(1, 3)[0]"
of("solve_toeplitz", f"f(({DOMINANT}, b), x)", f"f({DOMINANT}, x[:, 0])", a=(3,), b=(3,), x=(3, 2), differs=LACKS)
of("solve_toeplitz", f"np.real((1 - 2j) * f({DOMINANT} + 1j * b, x))", a=(3,), b=(3,), x=(3, 2), differs=LACKS)
of("solve_circulant", f"f({DOMINANT}, x, outaxis=-1)", a=(2, 3), x=(3,), differs=LACKS)
of("solve_circulant", "f(a - np.mean(a), x, singular='lstsq')", a=(3,), x=(3,), differs=LACKS)

# One call of each with a hundred numbers or more.

SQUARE, LONG = {"a": (11, 11), "dtypes": DOUBLE}, {"a": nonzero(101), "dtypes": DOUBLE}
of("det", "f(regular(a))", **SQUARE)
of("inv", "f(regular(a))", **SQUARE)
of("lu", "f(regular(a))[2]", **SQUARE)
of("lu_factor", "f(regular(a))[0]", **SQUARE)
of("lu_solve", f"f({LU.replace('[2, 1, 2]', 'range(11)')}, b)", b=(11,), **SQUARE)
of("solve_triangular", "f(a + 8 * np.eye(11), b)", b=(11, 10), **SQUARE)
of("cholesky", "f(a @ a.mT + 8 * np.eye(11))", **SQUARE)
of("cholesky_banded", "f(a[:2] / 8 + [[0], [4]])", differs=LACKS, **SQUARE)
of("ldl", "f(a + a.mT)", differs=LACKS, **SQUARE)
of("cho_factor", "np.triu(f(a @ a.mT + 8 * np.eye(11))[0])", **SQUARE)
of("cho_solve", "f((a + 8 * np.eye(11), False), b)", b=(11, 10), **SQUARE)
of("eigh", "f(hermitian(a), eigvals_only=True)", **SQUARE)
of("eig", "f(hermitian(a) + a / 8)", differs=LACKS, **SQUARE)
of("eigvals", "f(hermitian(a) + a / 8)", differs=LACKS, **SQUARE)
of("schur", "f(hermitian(a) + a / 8)", differs=UNDERIVED, **SQUARE)
of("hessenberg", "f(a, calc_q=True)", differs=UNDERIVED, **SQUARE)
of("svd", "f(apart(a), compute_uv=False)", **SQUARE)
of("qr", "f(regular(a))[1]", **SQUARE)
of("qr_multiply", "f(regular(a), a)[0]", differs=UNDERIVED, **SQUARE)
of("rq", "f(regular(a))", differs=LACKS, **SQUARE)
of("orth", "f(regular(a))", differs=LACKS, **SQUARE)
of("null_space", "f(a[:10])", differs=LACKS, **SQUARE)
of("polar", "f(regular(a))[1]", **SQUARE)
of("expm", "f(a / 4)", **SQUARE)
of("expm_frechet", "f(a / 4, a)[1]", orders=1, **SQUARE)
of("rsf2csf", "f(np.triu(a), b)[1]", b=(11, 11), orders=1, **SQUARE)
for name in ("toeplitz", "hankel", "circulant", "companion", "fiedler", "fiedler_companion"):
    of(name, "f(a)", **LONG)
of("leslie", "f(a, a[1:])", **LONG)
of("convolution_matrix", "f(a, 3)", **LONG)
of("block_diag", "f(a, a)", **SQUARE)
