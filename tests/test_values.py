"""Values under differentiation are those of the plain run, bit for bit: value, dtype, shape, and the type of an error.

For every case of the catalogue, and for the keywords of SciPy's functions, in several dtypes and layouts, in both modes
and recorded.
"""

import math

import numpy as np
import pytest
import scipy
import scipy.fft
import scipy.linalg
import scipy.signal

import scratch_ad.scipy.fft
import scratch_ad.scipy.linalg
import scratch_ad.scipy.signal
from jax_ref.cases import SHORT, catalogue, strided
from jax_ref.measure.values import alike
from scratch_ad import jvp, record, vjp
from scratch_ad.scipy import linalg
from scratch_ad.tracer import name_of

LAYOUTS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "backwards in steps": strided}
RUNS = {
    "forward": lambda f, *arrays: jvp(f, arrays, arrays)[0],
    "reverse": lambda f, *arrays: vjp(f, *arrays)[0],
    "recorded": lambda f, *arrays: record(f, *arrays)(*arrays),
}
BY_NAME = {}
for _case in catalogue:
    BY_NAME.setdefault(name_of(_case.function), []).append(_case)
NOT_RECORDED = {"np.histogramdd", "np.polymul"}  # the former gives a list in a tuple, the latter meets np.poly1d
ROUNDED_OTHERWISE = {"a[2] * a[0]"}  # of complex numbers: NumPy's scalars multiply by another loop than its ufunc

pytestmark = pytest.mark.filterwarnings("ignore")


def leaves(y):
    return [leaf for part in y for leaf in leaves(part)] if isinstance(y, (list, tuple)) else [y]


def bits(y):
    return [(x.dtype, x.shape, x.tobytes()) for x in map(np.asarray, leaves(y)) if x.dtype != object]


def same_layout(x):
    return x.copy("K") if x.flags.forc else strided(x)


def outcome(f, arrays, run=lambda f, *arrays: f(*arrays)):
    """What comes out, as bits, or the type of the error."""
    try:
        with np.errstate(all="ignore"):
            return bits(run(f, *map(same_layout, arrays)))
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("name", BY_NAME)
def test_every_case_of_the_catalogue(name):
    for case in BY_NAME[name]:
        f = case.function_in()
        for dtype in case.dtypes:
            primals = list(map(np.asarray, case.draw(dtype)))
            for layout in list(LAYOUTS)[: 3 if any(x.ndim for x in primals) else 1]:
                arrays = [LAYOUTS[layout](x) if x.ndim else x for x in primals]
                expected = outcome(f, arrays)
                assert isinstance(expected, list)
                if case.expression in ROUNDED_OTHERWISE and dtype == "complex128":
                    continue
                for run in RUNS if name not in NOT_RECORDED else ("forward", "reverse"):
                    assert outcome(f, arrays, RUNS[run]) == expected, (
                        case,
                        dtype,
                        layout,
                        run,
                    )


@pytest.mark.parametrize("name", [name for name in BY_NAME if name.startswith("np.")])
def test_every_case_of_the_catalogue_in_the_other_dtypes(name):
    for case in BY_NAME[name]:
        for dtype in set(SHORT) - {*case.dtypes}:
            f, arrays = case.function_in(), list(map(np.asarray, case.draw(dtype)))
            expected = outcome(f, arrays)
            if isinstance(expected, list):  # NumPy takes this dtype
                for run in ("forward", "reverse"):
                    assert outcome(f, arrays, RUNS[run]) == expected, (case, dtype, run)


@pytest.mark.parametrize(
    "f",
    [
        *(np.nanmin, np.nanmax),
        lambda x: np.nanmedian(np.stack([x[:2], x[:2]], 1), 0),  # in half precision NumPy's mean overflows here
        lambda x: np.polydiv(x[:2], x[:3])[1],
    ],
)
def test_zeros_have_the_sign_of_the_plain_run_and_sums_its_overflow(f):
    for numbers in ([0.0, -0.0, 0.0, -0.0], [-0.0, 0.0, -0.0, 0.0], [6e4, 6e4, 6e4, 6e4], [0.0, 1.0, 2.0, 3.0]):
        for dtype in ("float16", "float32", "float64"):
            arrays = [np.array(numbers, dtype)]
            for run in RUNS:
                assert outcome(f, arrays, RUNS[run]) == outcome(f, arrays), (numbers, dtype, run)


def _product_into(x):
    y = x[:1].reshape(1, 1) * 1
    np.matmul(y, x[1:2].reshape(1, 1, 1), out=y)
    return y


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "f",
    [
        *(lambda x, q=q: np.nanquantile(x, q) for q in (0.3, 0.15, 0.7)),
        lambda x: np.nanpercentile(x.reshape(4, 2), 30, axis=0),
        lambda x: np.linalg.norm(x, 2),
        lambda x: np.linalg.norm(x, 2, keepdims=True),
        lambda x: np.trapezoid(x[6:], x[:6].reshape(3, 1, 2)),
        lambda x: np.trapezoid(x[5:], x[:6].reshape(2, 1, 3)),
        lambda x: np.insert(x[:1], 1, x[1:2].reshape(1, 1, 1)),
        _product_into,
    ],
)
def test_by_the_same_steps_as_numpy(f, dtype):
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=8)
        arrays, expected = [x.astype(dtype)], outcome(f, [x.astype(dtype)])
        assert isinstance(expected, list)
        for run in RUNS:
            assert outcome(f, arrays, RUNS[run]) == expected, (seed, run)
    (t,), change = jvp(f, (x,), (np.cos(x),))[1:], (f(x + 1e-6 * np.cos(x)) - f(x - 1e-6 * np.cos(x))) / 2e-6
    np.testing.assert_allclose(t, change, rtol=1e-6, atol=1e-7)


# Calls of SciPy's functions and, after the bar, what each is also given: of a square matrix A, a definite one D, right
# sides B, signals L and M, their spectra Z, and the rows R of a transform.
KEYWORDS = """
solve(D, B) | overwrite_a=True; overwrite_b=True; overwrite_a=True, overwrite_b=True; lower=True; assume_a='gen'
solve(D, B) | assume_a='sym'; assume_a='her'; assume_a='pos'; assume_a='pos', lower=True; assume_a='sym', lower=True
solve(D, B) | assume_a='her', lower=True; assume_a='diagonal'; assume_a='tridiagonal'; assume_a='banded'
solve(D, B) | assume_a='upper triangular'; assume_a='lower triangular'; assume_a='general'; assume_a='symmetric'
solve(D, B) | assume_a='hermitian'; assume_a='positive definite'; transposed=True; transposed=True, assume_a='sym'
solve(D, B) | transposed=True, assume_a='pos'; transposed=True, assume_a='upper triangular'
solve(D, B) | transposed=True, assume_a='tridiagonal'; transposed=True, assume_a='diagonal'; assume_a='nope'
solve(A, B) | assume_a='sym'; assume_a='her', lower=True; assume_a='pos'
solve(A, A[0])
solve(D, B[:, :1])
solve_triangular(D, B) | trans=1; trans=2; trans='T'; trans='C'; trans='N'; lower=True; unit_diagonal=True
solve_triangular(D, B) | overwrite_b=True; lower=True, trans=1; lower=True, trans=2
inv(D) | overwrite_a=True; assume_a='sym'; assume_a='pos'; assume_a='her'; assume_a='pos', lower=True
inv(D) | assume_a='diagonal'; assume_a='upper triangular'; assume_a='lower triangular'; assume_a='gen'
inv(D) | assume_a='sym', lower=True; assume_a='tridiagonal'; assume_a='banded'
det(D) | overwrite_a=True
pinv(A) | atol=0.5; rtol=0.2; return_rank=True
pinv(A[:, :2])
pinvh(D) | atol=0.5; rtol=0.2; return_rank=True; lower=False; lower=True
pinvh(A) | lower=False
lstsq(A[:, :2], B) | cond=1e-3; overwrite_a=True; overwrite_b=True; lapack_driver='gelsd'; lapack_driver='gelsy'
lstsq(A[:, :2], B) | lapack_driver='gelss'; lapack_driver='what'
lstsq(A[:2], B[:2]) | lapack_driver='gelsy'; lapack_driver='gelss'
lstsq(A[:, :2], B[:, 0])
norm(A) | ord='fro'; ord='nuc'; ord=1; ord=-1; ord=2; ord=-2; ord=np.inf; ord=-np.inf; axis=0; axis=1, ord=3
norm(A) | axis=(0, 1); keepdims=True; axis=0, ord=1; axis=0, ord=2; axis=1, ord=np.inf; axis=1, ord=0
norm(A) | axis=1, keepdims=True; ord=3
norm(A[0]) | ord=1; ord=2; ord=3; ord=0; ord=np.inf; ord=-np.inf; ord=0.5; keepdims=True; axis=0
lu_factor(A) | overwrite_a=True
lu(A) | permute_l=True; p_indices=True; overwrite_a=True
lu(A[:2])
lu(A[:, :2])
lu_solve(lu_factor(D), B) | trans=1; trans=2; overwrite_b=True
cholesky(D) | lower=True; overwrite_a=True
cholesky(A + 9 * np.eye(len(A))) | lower=True; lower=False
cho_factor(D) | lower=True; overwrite_a=True
cho_solve((cholesky(D), False), B) | overwrite_b=True
cho_solve((cholesky(D, lower=True), True), B)
cho_solve(cho_factor(D), B[:, 0])
ldl(A) | lower=False; hermitian=False; overwrite_a=True; lower=False, hermitian=False
ldl(D) | lower=False
eigh(A) | lower=False; eigvals_only=True; overwrite_a=True; subset_by_index=[1, 2]; subset_by_index=[0, 0]
eigh(A) | subset_by_value=[-1, 2]; driver='ev'; driver='evd'; driver='evr'; driver='evx'
eigh(A) | driver='evx', subset_by_index=[0, 1]; driver='evr', subset_by_value=[-2, 3], eigvals_only=True
eigh(A) | driver='evr', subset_by_index=[1, 2]; lower=False, eigvals_only=True; driver='gv'
eigh(A) | driver='ev', subset_by_index=[0, 1]; type=2; driver='ev', eigvals_only=True
eigh(A) | driver='evd', eigvals_only=True; driver='evx', eigvals_only=True; subset_by_index=[2, 1]
eigh(A) | subset_by_index=[0, 99]
eigh(A, D) | lower=False; eigvals_only=True; type=2; type=3; driver='gv'; driver='gvd'; driver='gvx'
eigh(A, D) | subset_by_index=[1, 2]; subset_by_value=[-1, 2]; driver='gvx', subset_by_index=[0, 1]; overwrite_a=True
eigh(A, D) | overwrite_b=True; type=2, eigvals_only=True; type=3, driver='gvx'; type=4; driver='ev'
eigh(A, D) | type=2, lower=False; type=3, lower=False; eigvals_only=True, subset_by_index=[0, 1]
eigvalsh(A) | lower=False; overwrite_a=True; subset_by_index=[1, 2]; subset_by_value=[-1, 2]; driver='ev'
eigvalsh(A) | driver='evd'; driver='evr'; driver='evx'
eigvalsh(A, D) | type=2; type=3; driver='gv'; driver='gvd'; driver='gvx'; subset_by_index=[0, 1]; lower=False
eig(A) | left=True; left=True, right=False; right=False; overwrite_a=True
eig(A, D, right=False) | overwrite_a=True, overwrite_b=True
eigvals(A) | overwrite_a=True
eigvals(A, D) | overwrite_a=True
schur(D) | output='complex'; sort='lhp'; sort='rhp'; sort='iuc'; sort='ouc'; overwrite_a=True; output='c'
schur(D) | output='r'; output='what'
hessenberg(A) | calc_q=True; overwrite_a=True; calc_q=True, overwrite_a=True
hessenberg(A[:2, :2]) | calc_q=True
hessenberg(A[:1, :1]) | calc_q=True
svd(A) | full_matrices=False; compute_uv=False; lapack_driver='gesvd'; overwrite_a=True
svd(A) | compute_uv=False, lapack_driver='gesvd'; full_matrices=False, lapack_driver='gesvd'; lapack_driver='what'
svd(A[:, :2]) | full_matrices=False; full_matrices=False, lapack_driver='gesvd'
svd(A[:2]) | full_matrices=False
svdvals(A) | overwrite_a=True
orth(A) | rcond=0.3
null_space(A[:2]) | rcond=0.1; lapack_driver='gesvd'; overwrite_a=True
qr(A) | mode='r'; mode='economic'; pivoting=True; mode='r', pivoting=True; mode='economic', pivoting=True
qr(A) | overwrite_a=True; mode='what'
qr(A[:, :2]) | mode='r'; mode='economic'; pivoting=True
qr(A[:2]) | mode='r'; mode='economic'; pivoting=True; mode='economic', pivoting=True
qr_multiply(A, B) | mode='left'; mode='left', pivoting=True; mode='left', conjugate=True
qr_multiply(A, B) | mode='left', overwrite_a=True; mode='left', overwrite_c=True
qr_multiply(A, B.T) | mode='right'; pivoting=True; conjugate=True; overwrite_c=True
qr_multiply(A[:, :2], B[:2]) | mode='left'
rq(A) | mode='r'; mode='economic'; overwrite_a=True
rq(A[:2]) | mode='r'; mode='economic'
rq(A[:, :2]) | mode='r'
polar(A) | side='left'
polar(A[:2]) | side='left'
polar(A[:, :2]) | side='left'
orthogonal_procrustes(A, D)
rsf2csf(*schur(D))
solve_sylvester(A, D, A)
solve_continuous_lyapunov(A, D)
solve_discrete_lyapunov(A / 9, D) | method='direct'; method='bilinear'; method='what'
solve_continuous_are(A, B, D, B.T @ B + np.eye(B.shape[1])) | s=B / 9; balanced=True
solve_discrete_are(A, B, D, np.eye(B.shape[1])) | s=B / 9; balanced=True
expm(A)
logm(D)
sqrtm(D)
signm(D)
fractional_matrix_power(D, 0.3)
fractional_matrix_power(D, 3)
cosm(A)
sinm(A)
tanm(A)
coshm(A)
sinhm(A)
tanhm(A)
expm_frechet(A, D) | method='SPS'; method='blockEnlarge'; compute_expm=False; method='what'
toeplitz(A[0]) | r=A[1]
hankel(A[0]) | r=A[1]
circulant(A[0])
companion(A[0])
leslie(A[0], A[1, 1:])
fiedler(A[0])
fiedler_companion(A[0])
convolution_matrix(A[0], 5) | mode='same'; mode='valid'; mode='what'
block_diag(A, A[0])
khatri_rao(A, D)
diagsvd(A[0], len(A), len(A) + 1)
matmul_toeplitz((A[0], A[1]), B) | workers=1
matmul_toeplitz(A[0], B)
solve_toeplitz((A[0] + 30 * np.eye(1, len(A))[0], A[1]), B)
solve_toeplitz(A[0] + 30 * np.eye(1, len(A))[0], B[:, 0])
solve_circulant(A[0], B) | singular='lstsq'; tol=1e-3; caxis=0; baxis=0; outaxis=1
solve_banded((1, 1), A[:3] + [[0], [30], [0]], B) | overwrite_ab=True; overwrite_b=True
solve_banded((2, 0), A[:3] + [[30], [0], [0]], B[:, 0])
solve_banded((0, 0), A[:1], B[:, 0])
solveh_banded(A[:2] + [[0], [30]], B) | overwrite_ab=True; overwrite_b=True
solveh_banded(A[:3] + [[0], [0], [30]], B[:, 0])
solveh_banded(A[:3] + [[30], [0], [0]], B) | lower=True
cholesky_banded(A[:3] + [[0], [0], [30]]) | overwrite_ab=True
cholesky_banded(A[:3] + [[30], [0], [0]], lower=True)
cho_solve_banded((cholesky_banded(A[:2] + [[0], [30]]), False), B) | overwrite_b=True
cho_solve_banded((cholesky_banded(A[:2] + [[30], [0]], lower=True), True), B)
eig_banded(A[:2]) | lower=True; eigvals_only=True; select='i', select_range=(0, 1); select='v', select_range=(-1, 3)
eig_banded(A[:2]) | overwrite_a_band=True; eigvals_only=True, select='i', select_range=(1, 2); select='what'
eigvals_banded(A[:2]) | lower=True; select='i', select_range=(0, 1); select='v', select_range=(-1, 3)
eigvals_banded(A[:2]) | overwrite_a_band=True
eigh_tridiagonal(A[0].real, A[1, 1:].real) | eigvals_only=True; select='i', select_range=(0, 1)
eigh_tridiagonal(A[0].real, A[1, 1:].real) | select='v', select_range=(-1, 3); lapack_driver='stemr'
eigh_tridiagonal(A[0].real, A[1, 1:].real) | lapack_driver='stev'; lapack_driver='stevd'; lapack_driver='stebz'
eigh_tridiagonal(A[0].real, A[1, 1:].real) | lapack_driver='sterf', eigvals_only=True
eigh_tridiagonal(A[0].real, A[1, 1:].real) | tol=0.1, lapack_driver='stebz', select='i', select_range=(0, 1)
eigh_tridiagonal(A[0].real, A[1, 1:].real) | lapack_driver='stev', eigvals_only=True; lapack_driver='sterf'
eigvalsh_tridiagonal(A[0].real, A[1, 1:].real) | select='i', select_range=(0, 1); select='v', select_range=(-1, 3)
eigvalsh_tridiagonal(A[0].real, A[1, 1:].real) | lapack_driver='stebz'; lapack_driver='sterf'; lapack_driver='stev'
eigvalsh_tridiagonal(A[0].real, A[1, 1:].real) | lapack_driver='stemr'; lapack_driver='stevd'
signal.convolve(A, D[:2, :3]) | mode='same'; mode='valid'; method='direct'; method='fft'; method='fft', mode='same'
signal.convolve(A, D[:2, :3]) | method='fft', mode='valid'; mode='what'; method='what'
signal.correlate(A, D[:2, :3]) | mode='same'; mode='valid'; method='direct'; method='fft'; method='fft', mode='same'
signal.correlate(A, D[:2, :3]) | method='fft', mode='valid'
signal.fftconvolve(A, D[:2, :3]) | mode='same'; mode='valid'; axes=0; axes=(0, 1)
signal.convolve2d(A, D[:2, :3]) | mode='same'; mode='valid'; boundary='wrap'; boundary='symm'
signal.convolve2d(A, D[:2, :3]) | boundary='symm', mode='same'; fillvalue=2.0; boundary='wrap', mode='valid'
signal.convolve2d(A, D[:2, :3]) | fillvalue=2.0, mode='same'; boundary='what'
signal.correlate2d(A, D[:2, :3]) | mode='same'; mode='valid'; boundary='wrap'; boundary='symm'
signal.correlate2d(A, D[:2, :3]) | boundary='symm', mode='same'; fillvalue=2.0; boundary='wrap', mode='valid'
signal.correlate2d(A, D[:2, :3]) | fillvalue=2.0, mode='same'
signal.correlate2d(D[:2, :3], A) | mode='same'; mode='valid'; boundary='wrap'
signal.detrend(A) | axis=0; type='constant'; bp=[1]; overwrite_data=True; axis=0, type='l', bp=2; type='what'; bp=99
signal.stft(L) | nperseg=8; nperseg=8, boundary='even'; nperseg=8, boundary='odd'; nperseg=8, boundary='constant'
signal.stft(L) | nperseg=8, boundary=None; nperseg=8, padded=False, boundary=None; nperseg=7, noverlap=3
signal.stft(L) | nperseg=8, nfft=16; nperseg=8, detrend='constant'; nperseg=8, detrend='linear'
signal.stft(L) | nperseg=8, scaling='psd'; nperseg=8, window='hamming'; nperseg=8, window=('kaiser', 2.0)
signal.stft(L) | window=np.arange(1.0, 9); nperseg=8, axis=0; nperseg=8, fs=3.0; nperseg=8, return_onesided=False
signal.stft(L) | nperseg=8, boundary='what'; nperseg=99; nperseg=8, noverlap=9; nperseg=0; nperseg=8, nfft=3
signal.istft(Z) | nperseg=8; nperseg=9; noverlap=3; nfft=8; nperseg=6, nfft=8; input_onesided=False; boundary=False
signal.istft(Z) | time_axis=0, freq_axis=1; scaling='psd'; fs=3.0; window='hamming'; nperseg=99; noverlap=99
signal.istft(Z) | window='boxcar', noverlap=0; boundary=None
signal.csd(L, M) | nperseg=8; nperseg=8, average='median'; nperseg=8, scaling='spectrum'; nperseg=8, detrend=False
signal.csd(L, M) | nperseg=8, detrend='linear'; nperseg=8, axis=0; nperseg=8, nfft=16; nperseg=7, noverlap=2
signal.csd(L, M) | nperseg=8, return_onesided=False; nperseg=8, fs=3.0; nperseg=8, average='what'
signal.csd(L, M) | nperseg=8, scaling='what'; window=np.arange(1.0, 9); nperseg=8, noverlap=9
signal.welch(L) | nperseg=8; nperseg=8, average='median'; nperseg=8, scaling='spectrum'; nperseg=8, detrend=False
signal.welch(L) | nperseg=8, detrend='linear'; nperseg=8, axis=0; nperseg=8, nfft=16; nperseg=7, noverlap=2
signal.welch(L) | nperseg=8, return_onesided=False; nperseg=8, fs=3.0; nperseg=8, average='what'
signal.welch(L) | window='what', nperseg=8
fft.dct(R) | type=1; type=2; type=3; type=4; norm='ortho'; norm='forward'; n=3; n=9; axis=0; overwrite_x=True
fft.dct(R) | workers=1; orthogonalize=True; type=3, norm='ortho', orthogonalize=False; type=1, norm='ortho'
fft.dct(R) | type=4, norm='forward'; norm='what'; type=5; n=0
fft.idct(R) | type=1; type=2; type=3; type=4; norm='ortho'; norm='forward'; n=3; n=9; axis=0; overwrite_x=True
fft.idct(R) | orthogonalize=True; type=3, norm='ortho', orthogonalize=False
fft.dctn(R) | type=1; type=2; type=3; type=4; norm='ortho'; norm='forward'; s=(3, 9); s=(3,), axes=(0,); axes=0
fft.dctn(R) | axes=(1, 0); overwrite_x=True; orthogonalize=True; type=3, norm='ortho', orthogonalize=False
fft.dctn(R) | axes=(0, 0); s=(3, 4, 5); axes=5
fft.idctn(R) | type=1; type=2; type=3; type=4; norm='ortho'; norm='forward'; s=(3, 9); axes=0; axes=(1, 0)
fft.idctn(R) | overwrite_x=True; orthogonalize=True; s=3, axes=1; s=0
"""


def keyword_calls():
    for line in KEYWORDS.strip().splitlines():
        call, _, options = line.partition(" | ")
        for option in ["", *filter(None, options.split("; "))]:
            yield f"{call[:-1]}, {option})" if option else call


def drawn(dtype):
    rng, of_complex = np.random.default_rng(0), np.dtype(dtype).kind == "c"
    draw = lambda *shape: rng.normal(size=shape) + (1j * rng.normal(size=shape) if of_complex else 0)
    given = {"A": draw(4, 4), "B": draw(4, 2), "L": draw(17, 32), "M": draw(17, 32), "R": draw(3, 5)}
    given["D"] = given["A"] @ np.conjugate(given["A"].T) / 4 + 2 * np.eye(4)
    given = {name: x.astype(dtype) for name, x in given.items()}
    return given | {"Z": draw(5, 9).astype(np.result_type(dtype, np.complex64))}


def called_with(package, call, names):
    """The call as a function of the arrays of these names, by the functions of SciPy or of ours."""
    known = {**vars(package.linalg), "np": np, "signal": package.signal, "fft": package.fft}
    return eval(f"lambda {', '.join(names)}: {call}", known)


@pytest.mark.parametrize("call", dict.fromkeys(keyword_calls()))
def test_keywords_of_scipys_functions(call):
    for dtype, layout in (("float64", "F"), ("complex64", "C"), ("float32", "backwards in steps"), ("float16", "C")):
        given = drawn(dtype)
        names = [name for name in given if name in call.replace("True", "").replace("False", "")]
        arrays = [LAYOUTS[layout](given[name]) for name in names]
        expected = outcome(called_with(scipy, call, names), arrays)
        f = called_with(scratch_ad.scipy, call, names)
        for run in RUNS:
            assert outcome(f, arrays, RUNS[run]) == expected, (dtype, layout, run)


VECTORS = [  # by another routine than that of the whole problem, whose phases may be others
    *(f"linalg.eigh(a, {o})[1]" for o in ("subset_by_index=[1, 3]", "driver='evx', subset_by_index=[0, 2]")),
    *(f"linalg.eigh(a, d, type={kind})[1]" for kind in (1, 2, 3)),
    *(f"linalg.eigh(a, d, {o})[1]" for o in ("driver='gvx'", "subset_by_index=[1, 2]", "lower=False")),
    "linalg.eig_banded(a[:3], select='i', select_range=(1, 3))[1]",
    *(f"linalg.eigh_tridiagonal(a[0], a[1, 1:], select='i', select_range=({k}, 2))[1]" for k in (0, 1)),
    "linalg.eigvals(a + b).imag",
    "np.linalg.eigvals(a + b).imag",
]


@pytest.mark.parametrize("call", VECTORS)
def test_the_derivative_is_that_of_the_phases_and_the_order_of_the_value(call):
    compared = 0
    for seed in range(8):
        a, b, t, d = np.random.default_rng(seed).normal(size=(4, 9, 9))
        a, t, d = a + a.T, t + t.T, d @ d.T / 9 + np.eye(9)
        f = eval(f"lambda a: {call}", {"np": np, "linalg": linalg, "b": b, "d": d})
        step = 1e-5
        y, before, after = f(a), f(a - step * t), f(a + step * t)
        if max(np.max(np.abs(after - y)), np.max(np.abs(before - y))) < 1e-2:  # the plain run keeps them there
            slope, compared = jvp(f, (a,), (t,))[1], compared + 1
            np.testing.assert_allclose(slope, (after - before) / (2 * step), rtol=1e-4, atol=1e-4)
            g = np.cos(np.arange(y.size)).reshape(y.shape)
            np.testing.assert_allclose(np.sum(vjp(f, a)[1](g)[0] * t), np.sum(g * slope), rtol=1e-8)
    assert compared


@pytest.mark.parametrize("f", [np.linalg.eigvals, linalg.eigvals, lambda a: linalg.eig(a, right=False)])
def test_eigenvalues_of_a_large_matrix_keep_their_derivatives_in_lapacks_order(f):
    """Which may be another than where vectors are asked for, too. Twice the matrix has twice the eigenvalues."""
    a = np.random.default_rng(1).normal(size=(150, 150))
    value, along = jvp(f, (a,), (a,))
    assert value.tobytes() == f(a).tobytes()
    np.testing.assert_allclose(along, value, atol=1e-9)
    (c,) = vjp(f, a)[1](np.cos(np.arange(150)) + 0j)
    np.testing.assert_allclose(np.sum(c * a), np.sum(np.cos(np.arange(150)) * value.real), rtol=1e-9)


SIGNED = [
    case
    for case in catalogue.of_numpy()
    if all(a.values is None and math.prod(a.shape) < 30 for a in case.arguments.values())
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(4))
def test_zeros_keep_their_sign(part):
    """Also where they are equal numbers of which one has to come first."""
    for case in SIGNED[part::4]:
        f, rng, dtype = case.function_in(), np.random.default_rng(0), np.dtype(case.dtypes[-1])
        arrays = []
        for a in case.arguments.values():
            x = np.zeros(a.shape, dtype)
            x.real = rng.choice([0.0, -0.0, 1.0, -1.0], a.shape)
            if dtype.kind == "c":
                x.imag = rng.choice([0.0, -0.0, 1.0], a.shape)
            arrays.append(x[()])
        with np.errstate(all="ignore"):
            try:
                plain = f(*map(np.copy, arrays))
                got = jvp(f, (*arrays,), (*arrays,))[0]
            except (ValueError, TypeError, IndexError, np.linalg.LinAlgError):  # of what is no place for such numbers
                continue
        assert not alike(got, plain), (case, arrays)


@pytest.mark.parametrize("n", [3, 8, 17, 40])
@pytest.mark.parametrize(
    "f",
    [
        np.sort,
        lambda x: np.sort(x, None, kind="heapsort"),
        lambda x: np.partition(x, 1),
        lambda x: (x.sort(), x)[1],
        np.unique,
        np.unique_values,
        lambda x: np.unique(x, return_index=True)[0],
        lambda x: np.intersect1d(x, x[::-1]),
        lambda x: np.setdiff1d(x, [1.0]),
        lambda x: np.setxor1d(x, [1.0]),
        lambda x: np.nan_to_num(x + 1j * x[::-1]),
    ],
)
def test_of_zeros_of_both_signs_the_order_is_numpys(f, n):
    for seed in range(20):
        x = np.random.default_rng(seed).choice([0.0, -0.0, 1.0, -1.0], n)
        assert not alike(jvp(f, (x,), (x,))[0], f(x.copy())), x


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(
    "f",
    [
        lambda s: np.logspace(0, s, 3),
        lambda s: np.logspace(s, 1.5, 3, endpoint=False, base=2),
        lambda s: round(s * 1, 1),
        lambda s: np.interp(s, np.arange(3), np.stack([s, 2 * s, -s])),
        lambda s: np.pad(np.stack([s, 3 * s]), 3, mode="linear_ramp", end_values=5),
    ],
)
def test_a_number_of_less_precision_keeps_or_loses_it_as_in_numpy(f, dtype, run):
    s = dtype(1.37)
    with np.errstate(all="ignore"):
        assert not alike(run(lambda s: [f(s)], s), [f(s)])


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("f", [np.polyadd, np.polysub, np.polymul], ids=name_of)
def test_a_polynomial_without_coefficients_is_zero(f, run):
    x = np.array([1.0, 2.0])
    for of in (lambda x: [f(x, [])], lambda x: [f([], x)]):
        assert not alike(run(of, x), of(x))
