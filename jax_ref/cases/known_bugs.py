"""Derivatives that a public library has computed wrongly, each as reported: a regression case for both our modes."""

from dataclasses import dataclass
from math import nan

import numpy as np


@dataclass(frozen=True)
class Bug:
    """A reported bug: where, the function and the point, and the right derivative.

    ``what``: "grad" the gradient (of a function with several outputs: of their sum), "jac" the Jacobian, "d2" the
    second derivative, "hess" the Hessian, "jachess" and "jacd2" the second derivative of each output. Complex
    gradients are pairs of real and imaginary part. ``expected`` is None where JAX's answer is right and was not
    stated. ``oracle``: who says so, mathematics or JAX's convention. ``exception``: why our answer is another, and
    ``ours`` which (None: an error that says what the exception says).
    """

    id: str
    repository: str
    number: str
    expression: str
    at: str
    what: str
    expected: object
    oracle: str
    note: str
    exception: str = ""
    ours: object = None

    def function(self):
        return eval(self.expression, {"np": np})

    def point(self):
        return eval(self.at, {"np": np})


# fmt: off
KNOWN_BUGS = [
    Bug("jax-remainder-negx", "jax-ml/jax", "11466", "lambda y: np.remainder(-19.0, y)", "3.0", "grad", 7.0, "math",
        note="x1=-19, x2=3, d/dx2; fix PR #11469: 'our large test tolerances were obscuring' it"),
    Bug("jax-fmod-negx", "jax-ml/jax", "11466", "lambda y: np.fmod(-19.0, y)", "3.0", "grad", 6.0, "math",
        note="x1=-19, x2=3, d/dx2; same report"),
    Bug("jax-i0-0", "jax-ml/jax", "11479", "lambda x: np.i0(x)", "0.0", "grad", 0.0, "math",
        note="x=0; via i0e*exp(|x|)"),
    Bug("jax-i0-0-affine", "jax-ml/jax", "40628", "lambda t: np.i0(2 * t - 1)", "0.5", "grad", 0.0, "math",
        note="i0(2t-1), t=0.5; reported 2026-09 against jax.scipy.special"),
    Bug("autograd-repeat-index", "HIPS/autograd", "39", "lambda x: np.sum(x[np.array([0, 0])])", "np.array([1.0])",
        "grad", [2.0], "math", note="x=[1.], f=sum(x[[0,0]]); assign instead of accumulate"),
    Bug("torch-gather-repeat", "pytorch/pytorch", "1631",
        "lambda x: np.sum(np.take(x, np.array([0, 0])) * np.array([0.2, 0.3]))", "np.array([0.1])", "grad", [0.5],
        "math",
        note="x=[.1], idx [0,0], dy=[.2,.3]; needs a non-constant cotangent to tell 'last wins' from 'first wins'"),
    Bug("torch-trace-tall", "pytorch/pytorch", "171704", "lambda x: np.trace(x)", "np.array([[0.0, 0.0]] * 4)",
        "grad", [[1, 0], [0, 1], [0, 0], [0, 0]], "math", note="x=zeros(4,2); open, high priority, silent"),
    Bug("autograd-tensordot-complex", "HIPS/autograd", "360",
        "lambda x: np.abs(np.tensordot(x, np.array([1.0, 1j]), axes=([0], [0]))) ** 2", "np.array([1.0, 1.0])",
        "grad", [2.0, 2.0], "math",
        note="|tensordot(x,[1,1j])|^2, x=[1,1]; dtype leak: real input must get real cotangent"),
    Bug("jax-complex-abs-conj", "jax-ml/jax", "979", "lambda z: np.sqrt(np.real(z) ** 2 + np.imag(z) ** 2)",
        "1.0 + 0.5j", "grad", [0.8944271909999159, -0.4472135954999579], "jax-convention",
        note="z=1+0.5j; two formulations must agree"),
    Bug("jax-solve-jvp", "jax-ml/jax", "1458",
        "lambda s: np.linalg.solve(np.array([[1.0, -1.0], [-1.0, 2.0]]) + s * np.array([[0.0, 1.0], [0.0, 0.0]]), "
        "np.array([1.0, 1.0]))", "0.0", "jac", [-4.0, -2.0], "math",
        note="A=[[1,-1],[-1,2]], b=[1,1], dA=[[0,1],[0,0]]; dA must be used off the triangle; unsymmetric tangent "
        "needed"),
    Bug("tf-prod-d2", "tensorflow/tensorflow", "61117", "lambda x: np.prod(x)", "np.array([0.0, 1.0])", "hess",
        [[0, 1], [1, 0]], "math", note="(0,1); mixed partial"),
    Bug("oneflow-fmod-bcast", "Oneflow-Inc/oneflow", "8769", "lambda x: np.sum(np.fmod(x, np.array([[2.0], [2.0]])))",
        "np.array([5.0])", "grad", [2.0], "math", note="x=[5.], y=[[2.],[2.]]; missing unbroadcast sum"),
    Bug("nx-clip-g2", "elixir-nx/nx", "1779 (PR)", "lambda x: 3.0 * np.sum(np.clip(x, -1.0, 1.0))", "np.array([0.5])",
        "grad", [3.0], "math",
        note="in range, cotangent 3; backpropagated g^2; hidden because all tests used sum (cotangent 1)"),
    Bug("jax-irfft-transpose", "jax-ml/jax", "6223 (PR 6232)",
        "lambda x: np.fft.irfft(np.concatenate([np.zeros(1) + 0j, x[:2] + 1j * x[2:]]))",
        "np.array([1.0, 2.0, 3.0, 4.0])", "jac", None, "math",
        note="n=4 half-spectrum; tests/fft_test.py:testIrfftTranspose"),
    Bug("tinygrad-asinh-0", "tinygrad/tinygrad", "17758 (PR)", "lambda x: np.arcsinh(x)", "0.0", "grad", 1.0, "math",
        note="x=0; uniform sampling never returns exactly 0"),
    Bug("torch-abs-fwdrev", "pytorch/pytorch", "80928", "lambda v: np.abs(v[0] + 1j * v[1])",
        "np.array([-3.4118, 4.8582])", "hess", None, "math",
        note="-3.4118+4.8582j; order 2 in mixed modes differ"),
    Bug("autograd-max-dup", "HIPS/autograd", "141 (PR)", "lambda x: np.max(np.stack([x, x]))", "1.0", "grad", 1.0,
        "math", note="x=1; ties: weights must sum to 1"),
    Bug("mxnet-max-const", "apache/mxnet", "18563", "lambda x: np.sum(np.max(x, axis=0))",
        "np.array([[1.0, 1.0]] * 4)", "grad", [[0.25, 0.25], [0.25, 0.25], [0.25, 0.25], [0.25, 0.25]],
        "jax-convention", note="ones(4,3); weights must sum to 1"),
    Bug("tf-prod-zero", "tensorflow/tensorflow", "2641", "lambda x: np.prod(x)", "np.array([0.0, 2.0])", "grad",
        [2.0, 0.0], "math", note="[0,2]"),
    Bug("torch-prod-overflow", "pytorch/pytorch", "194699", "lambda x: np.prod(x)",
        "np.array([[1e13, 0, 0], [1e13, 1e13, 0], [1e13, 1e13, 1e13]], dtype=np.float32)", "grad",
        [[0, 0, 0], [0, 0, 0], [0, 0, 0]], "math",
        note="[[1e13,0,0],[1e13,1e13,0],[1e13]*3]; intermediate overflow: inf*0"),
    Bug("tf-prod-d2-zero", "tensorflow/tensorflow", "44556", "lambda x: np.prod(np.array([2.0, 0.0]) * x * x)", "0.0",
        "d2", 0.0, "math", note="prod([2,0]*x*x), x=[0]"),
    Bug("pytensor-cumprod-zero", "pymc-devs/pytensor", "1911 (PR)", "lambda x: np.sum(np.cumprod(x))",
        "np.array([2.0, 0.0, 3.0, 4.0])", "grad", [1, 32, 0, 0], "math",
        note="[2,0,3,4]; existing tests drew inputs in (0,1) only"),
    Bug("torch-pow-0", "pytorch/pytorch", "8940", "lambda x: x ** 0", "0.0", "grad", 0.0, "math",
        note="x=0"),
    Bug("jax-pow-hess-vec", "jax-ml/jax", "20574", "lambda x: np.power(x, np.array([0, 1]))", "np.array([10.0, 0.0])",
        "jachess", [[[0, 0], [0, 0]], [[0, 0], [0, 0]]], "math",
        note="x=[10,0]; open"),
    Bug("jax-pow-nan-iso", "jax-ml/jax", "4900", "lambda t: np.power(np.array([1.0, 2.0, np.nan]), t)", "1.0",
        "jacd2", [0.0, 0.9609060278364028, nan], "math",
        note="y=[1,2,nan], t=1; nan must not leak across elements; jacfwd right, jacrev wrong"),
    Bug("torch-sinc-d2", "pytorch/pytorch", "196703",
        "lambda t: 2 * np.sinc(t) - 3 * np.sinc(2 * t + 1) + 5 * np.sinc(-t / 2 + 2)", "-0.5", "d2",
        35.56404073668897, "math", note="2s(t)-3s(2t+1)+5s(2-t/2), t=-0.5; open 2026"),
    Bug("autograd-abs-0", "HIPS/autograd", "100", "lambda x: np.abs(x)", "0.0", "grad", 1.0, "jax-convention",
        note="0; convention"),
    Bug("jax-std-const", "jax-ml/jax", "11716", "lambda x: np.std(x)", "np.array([1.0, 1.0])", "grad", [0.0, 0.0],
        "math", note="[1,1]; JAX: nan intended"),
    Bug("tf-std-one", "tensorflow/tensorflow", "56830", "lambda x: np.sum(np.std(x, axis=0, keepdims=True))",
        "np.array([-0.83151082])", "grad", [0.0], "math",
        note="shape (1,); function is identically 0: derivative IS 0"),
    Bug("jax-nanstd", "jax-ml/jax", "8128", "lambda x: np.nanstd(x)", "np.array([np.nan, 1.0, 2.0, 3.0, 4.0])",
        "grad", [0.0, -0.33541019662496846, -0.11180339887498948, 0.11180339887498948, 0.33541019662496846], "math",
        note="[nan,1,2,3,4]"),
    Bug("jax-nanmean-sq", "jax-ml/jax", "9040", "lambda x: np.nanmean(x ** 2)",
        "np.array([np.nan, 1.0, 2.0, 3.0, 4.0])", "grad", [nan, 0.5, 1.0, 1.5, 2.0], "jax-convention",
        note="[nan,1,2,3,4]; masking",
        exception="the mean leaves the nan out, so its derivative there is 0; JAX gives 0 times nan",
        ours=[0.0, 0.5, 1.0, 1.5, 2.0]),
    Bug("jax-lse-neginf", "jax-ml/jax", "6811", "lambda x: np.logaddexp(-np.inf, -np.inf + x)", "1.0", "grad", 0.0,
        "math", note="x=1; open; torch #49724, #31829",
        exception="at (-inf, -inf) both partials are 1/2, the limit along a = b; here -inf + x is -inf for every x",
        ours=0.5),
    Bug("jax-lse-where", "jax-ml/jax", "23842", "lambda x: np.log(np.sum(np.exp(x), where=np.array([True, False])))",
        "np.array([0.0, 100.0])", "grad", [1.0, 0.0], "math",
        note="[0,100], where=[T,F]; masked entries must have zero gradient"),
    Bug("jax-where-sqrt", "jax-ml/jax", "5798", "lambda x: np.where(x < 1.0, x, np.sqrt(x))", "0.0", "grad", 1.0,
        "math", note="0; known limitation of where in all systems"),
    Bug("jax-elu-large", "jax-ml/jax", "1538 (PR)", "lambda x: np.where(x > 0, x, np.expm1(x))", "1000.0", "grad",
        1.0, "math", note="1000"),
    Bug("torch-log1p-mask", "pytorch/pytorch", "152088", "lambda a: np.sum(np.log1p(a)[np.array([1, 2])])",
        "np.array([-1.0, 0.5, 1.0])", "grad", [0.0, 0.6666666666666666, 0.5], "math",
        note="[-1,.5,1]; gather then 0*inf"),
    Bug("torch-atan2-00", "pytorch/pytorch", "98276", "lambda v: np.arctan2(v[1], v[0])", "np.array([0.0, 0.0])",
        "grad", [nan, nan], "jax-convention", note="(0,0); record the convention"),
    Bug("jax-det-singular", "jax-ml/jax", "2380", "lambda A: np.linalg.det(A)",
        "np.array([[50.0, -30.0, 45.0], [-30.0, 90.0, -81.0], [45.0, -81.0, 81.0]])", "grad",
        [[729.0, -1215.0, -1620.0], [-1215.0, 2025.0, 2700.0], [-1620.0, 2700.0, 3600.0]], "math",
        note="rank-2 3x3 [[50,-30,45],[-30,90,-81],[45,-81,81]]"),
    Bug("jax-det-zero", "jax-ml/jax", "2380 (tests testDetGrad)", "lambda A: np.linalg.det(A)", "np.zeros((3, 3))",
        "grad", [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], "math",
        note="zeros(3,3); rank <= n-2"),
    Bug("jax-pinv-grad", "jax-ml/jax", "2792",
        "lambda p: np.linalg.pinv((np.array([[0.0, 0.0], [0.0, 1.0]]) + p * np.array([[0.0, 0.0], [-1.0, 0.0]])) / (1 "
        "+ p ** 2))", "2.0", "jac", [[0, -1], [0, 0]], "math",
        note="[[0,0],[-p,1]]/(1+p^2), p=2; rank deficient; tests/linalg_test.py:1108"),
    Bug("autograd-einsum-trace", "HIPS/autograd", "115", "lambda A: np.einsum('ii->', A)",
        "np.array([[1.0, 2.0], [3.0, 4.0]])", "grad", [[1, 0], [0, 1]], "math",
        note="2x2; repeated subscript"),
    Bug("autograd-einsum-nakedsum", "HIPS/autograd", "242", "lambda x: np.sum(np.einsum('abcd->bd', x) ** 2)",
        "np.array([[[[1.0, 2.0]], [[3.0, 4.0]]]])", "grad", [[[[2.0, 4.0]], [[6.0, 8.0]]]], "math",
        note="(1,2,1,2); naked sums"),
    Bug("torch-prod-shape", "pytorch/pytorch", "82644", "lambda x: np.prod(x, axis=0)", "np.array([0.0])", "grad",
        [1.0], "math", note="[0.]; shape"),
    Bug("autograd-kron-1d", "HIPS/autograd", "209", "lambda x: np.sum(np.kron(x[:2], x[2:]))",
        "np.array([1.0, 2.0, 3.0, 4.0])", "grad", [7, 7, 3, 3], "math",
        note="x[:2] kron x[2:], [1,2,3,4]"),
    Bug("autograd-repeat-arr", "HIPS/autograd", "252", "lambda x: np.repeat(x, np.array([1, 0, 2]))",
        "np.array([1.0, 2.0, 3.0])", "jac", [[1, 0, 0], [0, 0, 1], [0, 0, 1]], "math",
        note="[1,2,3]; array repeats"),
    Bug("torch-tanh-tail32", "pytorch/pytorch", "195685", "lambda x: np.tanh(x)", "np.float32(-9.010913848876953)",
        "grad", 5.9604584379258085e-08, "math", note="x=-9.010913848876953 f32"),
    Bug("jax-exp2-edge", "jax-ml/jax", "40382", "lambda x: np.exp2(x)", "1024.0000000000002", "grad",
        1.2460659279419801e308, "math", note="x=1024.0000000000002; primal itself inf; derivative finite"),
    Bug("jax-sqrt-subnormal", "jax-ml/jax", "39799", "lambda x: np.sqrt(x)", "5e-324", "grad", 2.2494568972715982e161,
        "math", note="5e-324; subnormal flush on XLA CPU"),
    Bug("jax-arcsinh-big32", "jax-ml/jax", "40634", "lambda x: np.arcsinh(x)", "np.float32(1e+22)", "grad", 1e-22,
        "math", note="1e22; x^2 overflow; forward value right"),
    Bug("jax-norm-f16", "jax-ml/jax", "39899", "lambda x: np.linalg.norm(x)",
        "np.full((3, 3), 100, dtype=np.float16)", "grad",
        [[0.3333333333333333, 0.3333333333333333, 0.3333333333333333], [0.3333333333333333, 0.3333333333333333,
        0.3333333333333333], [0.3333333333333333, 0.3333333333333333, 0.3333333333333333]], "math",
        note="full((3,3),100); open"),
    Bug("jax-tanh-f32-big", "jax-ml/jax", "764", "lambda x: np.sum(np.tanh(x))",
        "np.linspace(190, 200, 4, dtype=np.float32)", "grad", [0.0, 0.0, 0.0, 0.0], "math",
        note="linspace(190,200,4)"),
    Bug("jax-sigm-f32-big", "jax-ml/jax", "777", "lambda x: np.sum(1 / (1 + np.exp(-x)))",
        "np.array([-200.0, -133.3, -66.6, 0.0], dtype=np.float32)", "grad", [0.0, 0.0, 1.191209553842e-29, 0.25],
        "math",
        note="[-200,-133.3,-66.6,0] float32; closed as fixed in XLA (reciprocal of inf); the float32 composite still "
        "gives nan in jax 0.10.2 (overflow inside, inf/inf)",
        exception="the cotangent of the denominator is 1.4e-58, less than any float32", ours=[0.0, 0.0, 0.0, 0.25]),
    Bug("jax-atan2-hess-f16", "jax-ml/jax", "37909", "lambda x: 1 / (x / np.arctan2(x, x) / 2)", "np.float16(-0.12)",
        "d2", 5453.8, "math", note="-0.12; open"),
    Bug("tf-norm-tiny32", "tensorflow/tensorflow", "12071", "lambda x: np.sum(np.linalg.norm(x, axis=1))",
        "np.array([[1e-19]], dtype=np.float32)", "grad", [[1.0]], "math",
        note="[[1e-19]]; underflow of the square"),
    Bug("jax-max-tie-0", "jax-ml/jax", "37821", "lambda x: np.maximum(x, 0.0)", "0.0", "grad", 0.5, "jax-convention",
        note="0; closed as intended"),
    Bug("autograd-maximum-tie", "HIPS/autograd", "212", "lambda v: np.maximum(v[0], v[1])", "np.array([1.0, 1.0])",
        "grad", [0.5, 0.5], "jax-convention", note="(1,1)"),
    Bug("jax-abs-0", "jax-ml/jax", "37820", "lambda x: np.abs(x)", "0.0", "grad", 1.0, "jax-convention",
        note="0; closed"),
    Bug("jax-abs-inf-complex", "jax-ml/jax", "25681", "lambda z: np.abs(z)", "complex(np.inf, 0)", "grad", [1.0, 0.0],
        "math", note="inf+0j; open"),
    Bug("tf-max-nan", "tensorflow/tensorflow", "118673", "lambda x: np.max(x)", "np.array([1.0, 2.0, np.nan])",
        "grad", [nan, nan, nan], "jax-convention", note="[1,2,nan]; nan policy"),
    Bug("autograd-mean-where", "HIPS/autograd", "810 (PR, open)",
        "lambda x: np.mean(x * x, where=np.array([True, False]))", "np.array([1.0, 2.0])", "grad", [2.0, 0.0], "math",
        note="x=[1,2], where=[T,F]; live in 1.9.1"),
    Bug("autograd-prod-where", "HIPS/autograd", "810 (PR, open)",
        "lambda x: np.prod(x, where=np.array([True, False]))", "np.array([3.0, 2.0])", "grad", [1.0, 0.0], "math",
        note="x=[3,2], where=[T,F]; live in 1.9.1"),
    Bug("tf-prod-complex", "tensorflow/tensorflow", "12514",
        "lambda x: np.real(np.prod(x * np.array([1.0 + 2j, 1.0 + 2j])))", "1.0", "grad", -6.0, "math",
        note="real(prod([x+2ix]*2)), x=1; missing conj in the complex prod rule"),
    Bug("mygrad-abs-norm-nan", "rsokl/MyGrad", "379 (PR; issue 378)", "lambda x: np.linalg.norm(x)",
        "np.array([0.0, 0.0])", "grad", [0.0, 0.0], "math", note="0; a user-visible switch for the convention"),
    Bug("mygrad-0d-grad-type", "rsokl/MyGrad", "changes.rst 2.0.1", "lambda x: x * np.array([1.0, 2.0])",
        "np.array(3.0)", "grad", 3.0, "math",
        note="0-d x * array; container type of the cotangent must match the input"),
    Bug("tt-rpow-golden", "tenstorrent/tt-metal", "55289", "lambda x: np.power(2.0, x)", "3.0", "grad",
        5.545177444479562, "math", note="any; the test's own golden was wrong in the same way"),
]
# fmt: on
