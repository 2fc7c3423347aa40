"""Sparse matrices on a fixed pattern: in the data and in the vectors."""

from scratch_ad.scipy import sparse

from . import DOUBLE, DOUBLES, cases, positive

LACKS = "JAX has no such function"
PLACES = "([0, 1, 2, 2, 0], [0, 1, 2, 0, 1])"
A = f"scipy.sparse.csc_matrix((a, {PLACES}))"


def of(function, *expressions, dtypes=DOUBLE, **arguments):
    cases(function, *expressions, dtypes=dtypes, differs=LACKS, **arguments)


of(sparse.csr_array, f"scipy.sparse.csr_array((a, {PLACES})) @ b", a=(5,), b=(3,), dtypes=DOUBLES)
of(sparse.csc_matrix, f"b @ {A}", a=(5,), b=(2, 3))
of(sparse.coo_matrix, f"(b[0] * scipy.sparse.coo_matrix((a, {PLACES}), shape=(3, 4)).T).toarray()", a=(5,), b=(2,))
of(sparse.diags, "scipy.sparse.diags([a, b], [0, -1]) @ a", a=(3,), b=(2,))
of(sparse.linalg.spsolve, f"scipy.sparse.linalg.spsolve({A}, b)", a=positive(5), b=(3,), dtypes=DOUBLES)
of(sparse.linalg.splu, f"scipy.sparse.linalg.splu({A}).solve(b, 'T')", a=positive(5), b=(3, 2))
of(sparse.linalg.factorized, f"scipy.sparse.linalg.factorized({A})(b)", a=positive(5), b=(3,))
