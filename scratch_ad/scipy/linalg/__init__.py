"""SciPy's linear algebra for tracers: what ``scratch_ad.rules.linalg`` is for NumPy's, whose rules it shares.

Of an argument that SciPy reads as Hermitian, triangular, tridiagonal or diagonal, the elements that it does not read
have derivative zero; but where one that is read as Hermitian is so, the derivative is that along the Hermitian part, or
along any matrix, as in JAX.
In these files, a name with a leading ``_``, or ``core_`` if other files have it too, is a function as rules call it,
which takes any numbers, finite or not.
"""

import scipy.linalg
from scipy.linalg import (  # noqa: F401  (these take no arrays that could be tracers)
    dft,
    find_best_blas_type,
    get_blas_funcs,
    get_lapack_funcs,
    hadamard,
    helmert,
    hilbert,
    invhilbert,
    invpascal,
    pascal,
)

from ..wrapping import constants, others_of, refused
from .banded import (  # noqa: F401
    cho_solve_banded,
    cholesky_banded,
    eig_banded,
    eigh_tridiagonal,
    eigvals_banded,
    eigvalsh_tridiagonal,
    solve_banded,
    solveh_banded,
)
from .equations import (  # noqa: F401
    solve_continuous_are,
    solve_continuous_lyapunov,
    solve_discrete_are,
    solve_discrete_lyapunov,
    solve_lyapunov,
    solve_sylvester,
)
from .factors import (  # noqa: F401
    cho_factor,
    cho_solve,
    cholesky,
    eigh,
    eigvalsh,
    ldl,
    lu,
    lu_factor,
    lu_solve,
    null_space,
    orth,
    orthogonal_procrustes,
    polar,
    qr,
    qr_multiply,
    rq,
    rsf2csf,
    svd,
    svdvals,
)
from .functions import (  # noqa: F401
    coshm,
    cosm,
    expm,
    expm_frechet,
    fractional_matrix_power,
    logm,
    signm,
    sinhm,
    sinm,
    sqrtm,
    tanhm,
    tanm,
)
from .spectra import eig, eigvals, hessenberg, schur  # noqa: F401
from .structured import (  # noqa: F401
    block_diag,
    circulant,
    companion,
    convolution_matrix,
    diagsvd,
    fiedler,
    fiedler_companion,
    hankel,
    khatri_rao,
    leslie,
    matmul_toeplitz,
    solve_circulant,
    solve_toeplitz,
    toeplitz,
)
from .systems import (  # noqa: F401
    det,
    inv,
    lstsq,
    norm,
    pinv,
    pinvh,
    solve,
    solve_triangular,
)

bandwidth, ishermitian, issymmetric = constants(
    scipy.linalg.bandwidth, scipy.linalg.ishermitian, scipy.linalg.issymmetric
)
cossin, clarkson_woodruff_transform = refused(
    "its result is one of many bases, or random; write what is unique, such as a projector, in other functions",
    *(scipy.linalg.cossin, scipy.linalg.clarkson_woodruff_transform),
)
qz, ordqz = refused(
    "the scales and phases of its vectors are those of LAPACK's iterations; use eigvals(a, b), or schur(solve(b, a))",
    *(scipy.linalg.qz, scipy.linalg.ordqz),
)
cdf2rdf, funm = refused(
    "it has no rule so far; write it by eig, whose parts all have one, or take one of the functions of matrices",
    *(scipy.linalg.cdf2rdf, scipy.linalg.funm),
)
qr_delete, qr_insert, qr_update = refused(
    "it updates a factorization; differentiate the factorization of the changed matrix instead",
    *(scipy.linalg.qr_delete, scipy.linalg.qr_insert, scipy.linalg.qr_update),
)
subspace_angles, matrix_balance, expm_cond = refused(
    "it has no rule so far; write it in functions that have one, such as orth, svdvals or expm_frechet",
    *(scipy.linalg.subspace_angles, scipy.linalg.matrix_balance, scipy.linalg.expm_cond),
)
__all__ = [*scipy.linalg.__all__]  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__ = others_of(scipy.linalg, "no rule so far")  # errors and modules: all functions stand above
