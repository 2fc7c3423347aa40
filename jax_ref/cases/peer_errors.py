"""Errors in the derivatives of the peers, JAX, PyTorch and HIPS autograd, that nobody seems to have reported.

Each is another cause. For each the public threads were searched on 2026-11-29, and none tells it; ``near`` is the
closest one found, of another function, place or project. What is in ``known_bugs``, among the ``edge_points`` or known
in public is not listed here. To see one, run its ``line``: it needs no more than the peer and NumPy (and SciPy, where
the peer itself does).
"""

from math import nan
from typing import NamedTuple

import numpy as np

from scratch_ad.scipy import linalg, special, stats

FOUND_IN = {"autograd": "1.9.1", "jax": "0.10.2", "torch": "2.14.1"}
DIGITS = 1e-8  # relative to the largest element: half of the digits
_IMPORTS = {
    "autograd": ("import autograd, autograd.numpy as np", ""),
    "jax": ("import jax, jax.numpy as np", "jax.config.update('jax_enable_x64', True); "),
    "torch": ("import numpy as np, torch", ""),
}
_GRAD = {"autograd": "autograd.grad({})", "jax": "jax.grad({})", "torch": "torch.func.grad({})"}


class PeerError(NamedTuple):
    """A derivative that a peer has wrong: of a function of ``x`` with one number as its result.

    ``how``: "grad" the gradient, ∂f/∂x − i ∂f/∂y of complex numbers; "second" and "mixed" the second derivative, the
    latter in reverse over forward mode; "forward" the derivative along x itself, by forward mode. ``expression``: in
    NumPy's and SciPy's names, those of the peer but for ``torch``, the same in PyTorch's functions; ``at``: the point.
    ``cause``: what its rule does. ``true``: the derivative by the referee, and ``error``, its error bar; ``got``: what
    the peer of ``FOUND_IN`` gives. ``precise``: the same function in calls that the referee knows. ``near``: the
    closest public thread.
    """

    peer: str
    how: str
    expression: str
    at: str
    cause: str
    true: object
    error: float
    got: object
    torch: str = ""
    precise: str = ""
    near: str = ""

    def function(self, precise=False):
        """The function, for our tracers or the referee's."""
        expression = self.precise if precise and self.precise else self.expression
        return eval(f"lambda x: {expression}", {"np": np, "linalg": linalg, "special": special, "stats": stats})

    def point(self):
        return np.asarray(eval(self.at, {"np": np}))[()]

    @property
    def order(self):
        return 2 if self.how in ("second", "mixed") else 1

    def wrong(self, got):
        """Whether ``got`` is not the derivative: in another shape, or off in any element."""
        if np.shape(got) != np.shape(self.true):
            return True
        return not bool(np.all(np.abs(np.subtract(got, self.true)) <= DIGITS * np.max(np.abs(self.true))))

    @property
    def line(self):
        """One line of Python that prints what the peer gives, and what is true."""
        imports, setting = _IMPORTS[self.peer]
        of_scipy = [m for m in ("linalg", "special", "stats") if f"{m}." in self.expression.replace("np.linalg", "")]
        if self.peer != "torch":
            imports += "".join(f", {self.peer}.scipy.{module} as {module}" for module in of_scipy)
        return f"{imports}; {setting}print({self._derivative()}, {self.true})"

    def _derivative(self):
        f, grad = f"lambda x: {self.torch or self.expression}", _GRAD[self.peer]
        if self.how == "forward":
            return f"autograd.make_jvp({f})({self.at})({self.at})[1]"
        inner = {"second": grad, "mixed": "torch.func.jacfwd({})"}.get(self.how, "{}")
        derivative = grad.format(inner.format(f))
        if self.peer == "torch":
            return f"{derivative}(torch.tensor(np.asarray({self.at}))).conj_physical()"
        return f"{derivative}({self.at})"


# fmt: off
PEER_ERRORS = [
    PeerError("autograd", "grad", "np.tile(x, 2)[0, 3]", "np.ones((2, 3))",
        cause="repetitions fewer than axes are counted from the first axis, NumPy's from the last",
        true=[[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], error=1e-70, got=[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]),
    PeerError("autograd", "grad", "np.repeat(x, 2, axis=-1)[0, 1]", "np.ones((2, 3))",
        cause="a negative axis is used as the end of a slice, and the cotangent folded to another shape",
        true=[[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], error=1e-70, got=[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]),
    PeerError("autograd", "grad", "np.transpose(x, (-1, 0, 1))[0, 0, 1]", "np.ones((2, 2, 2))",
        cause="negative axes are sorted as they are, which is not the inverse permutation",
        true=[[[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]], error=1e-70,
        got=[[[0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]),
    PeerError("autograd", "grad", "np.sum(x, where=[True, False])", "np.array([1.0, 2.0])",
        cause="where= is ignored; in mean, prod, var and std as well", true=[1.0, 0.0], error=1e-70, got=[1.0, 1.0]),
    PeerError("autograd", "grad", "np.sum(np.linalg.norm(x, axis=1, keepdims=True))", "np.array([[3.0, 4.0]])",
        cause="keepdims= is ignored: the axis that was kept is put back once more", true=[[0.6, 0.8]], error=1e-41,
        got=[[[0.6000000000000001, 0.8]]]),
    PeerError("autograd", "grad", "np.sum(np.linalg.norm(x, axis=(-2, -1)))",
        "np.array([[[1.0, 2.0], [2.0, 4.0]], [[8.0, 4.0], [4.0, 2.0]]])",
        cause="the first of two negative axes is put back one place off",
        true=[[[0.2, 0.4], [0.4, 0.8]], [[0.8, 0.4], [0.4, 0.2]]], error=2e-41,
        got=[[[0.2, 0.4], [0.2, 0.4]], [[1.6, 0.8], [0.4, 0.2]]]),
    PeerError("autograd", "grad", "np.real(np.fft.rfft(x, norm='backward')[0])", "np.array([1.0, 2.0, 3.0, 4.0])",
        cause="the default norm, given by its name, is taken for none; 'forward' and irfft are off likewise",
        true=[1.0, 1.0, 1.0, 1.0], error=1e-69, got=[0.25, 0.25, 0.25, 0.25]),
    PeerError("autograd", "grad", "np.mod(1.0, x)", "0.1",
        cause="floor(1 / 0.1) is 10, as the quotient is rounded first; it is 9", true=-9.0, error=1e-71, got=-10.0),
    PeerError("autograd", "forward", "np.sort(x, axis=0)[0, 0]", "np.array([[2.0, 1.0], [1.0, 3.0]])",
        cause="tangents are permuted as if there were one axis; in partition as well", true=1.0, error=7e-70,
        got=[1.0, 3.0]),
    PeerError("autograd", "forward", "np.sum(np.max(x, axis=(-2, -1)))",
        "np.array([[[1.0, 2.0], [3.0, 9.0]], [[8.0, 7.0], [6.0, 5.0]]])",
        cause="negative axes are put back one place off; in logsumexp as well", true=17.0, error=7e-68, got=nan),
    PeerError("autograd", "grad", "np.diag(x)[0]", "np.ones((2, 3))",
        cause="of a matrix that is not square comes a square one", true=[[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], error=1e-70,
        got=[[1.0, 0.0], [0.0, 0.0]]),
    PeerError("autograd", "grad", "np.imag(np.diagonal(x, axis1=-1, axis2=-2))[0]", "np.array([[1j, 2.0], [3.0, 4.0]])",
        cause="a complex cotangent is written into real zeros", true=[[-1j, 0j], [0j, 0j]], error=2e-70,
        got=[[0.0, 0.0], [0.0, 0.0]]),
    PeerError("autograd", "grad", "np.kron(x, np.arange(8.0).reshape(2, 2, 2))[0, 1, 0]", "np.ones((2, 2, 2))",
        cause="only the last two axes are sorted out, of three",
        true=[[[2.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]], error=2e-70,
        got=[[[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]),
    PeerError("autograd", "grad", "np.sum(np.clip(x, np.array([0.0, 0.0]), 5.0))", "1.0",
        cause="what was broadcast is not summed: the derivative has another shape than x", true=2.0, error=2e-70,
        got=[1.0, 1.0]),
    PeerError("autograd", "grad", "np.sum(np.cross(x, np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])))",
        "np.array([1.0, 2.0, 3.0])", cause="what was broadcast is not summed: the derivative has another shape than x",
        true=[1.0, -1.0, 0.0], error=1e-70, got=[[0.0, -1.0, 1.0], [1.0, 0.0, -1.0]]),
    PeerError("autograd", "grad", "np.sum(np.outer(x, np.array([1.0, 2.0])))", "np.ones((2, 2))",
        cause="the derivative in a matrix comes back flat", true=[[3.0, 3.0], [3.0, 3.0]], error=1e-69,
        got=[3.0, 3.0, 3.0, 3.0]),
    PeerError("autograd", "grad", "np.real(np.linalg.pinv(x))[0, 0]", "np.array([[1 + 1j], [2j]])",
        cause="transposed where it should be transposed and conjugated",
        true=[[(0.1111111111111111+0.05555555555555555j)], [0.1111111111111111j]], error=1e-41,
        got=[[(-0.07407407407407407+0.018518518518518552j)], [(0.11111111111111117+0.03703703703703709j)]]),
    PeerError("autograd", "grad", "np.sum(np.linalg.solve(np.stack([np.eye(2), 2 * np.eye(2)]), x))", "np.ones((2, 1))",
        cause="what was broadcast is not summed: the derivative has another shape than x", true=[[1.5], [1.5]],
        error=3e-70, got=[[[1.0], [1.0]], [[0.5], [0.5]]]),
    PeerError("autograd", "grad",
        "np.imag(np.linalg.cholesky(2 * np.eye(2) + x * np.array([[0, 1j], [-1j, 0]])))[1, 0]", "1.0",
        cause="transposed where it should be transposed and conjugated", true=-0.7071067811865476, error=7e-71,
        got=0.0),
    PeerError("autograd", "grad", "np.real(np.linalg.slogdet(x)[0])", "np.array([[1 + 1j]])",
        cause="the sign of a complex determinant is taken for a constant",
        true=[[(0.3535533905932738+0.3535533905932738j)]], error=7e-41, got=[[0j]]),
    PeerError("autograd", "grad", "np.real(linalg.sqrtm(x))[0, 0]", "np.array([[3 + 4j]])",
        cause="the imaginary part of the derivative is dropped", true=[[(0.2-0.1j)]], error=8e-43, got=[[0.2]],
        precise="np.real(np.sqrt(x))[0, 0]"),
    PeerError("autograd", "grad", "linalg.solve_triangular(x, np.ones(2), unit_diagonal=True)[0]",
        "np.array([[2.0, 3.0], [0.0, 4.0]])", cause="unit_diagonal= is ignored", true=[[0.0, -1.0], [0.0, 0.0]],
        error=2e-70, got=[[1.0, -0.5], [-0.0, 0.375]],
        precise="np.linalg.solve(np.eye(2) + np.triu(x, 1), np.ones(2))[0]", near="pytorch/pytorch#196707"),
    PeerError("autograd", "grad", "np.real(linalg.solve_triangular(x, np.ones(2), trans=2))[0]",
        "np.array([[1 + 2j, 1j], [0, 1 + 1j]])", cause="solved with the transpose, which is not conjugated",
        true=[[(0.12+0.16j), 0j], [0j, 0j]], error=4e-41,
        got=[[(-0.20000000000000004+6.661338147750939e-18j), 0j], [0j, 0j]],
        precise="np.real(np.linalg.solve(np.conj(np.triu(x)).T, np.ones(2)))[0]"),
    PeerError("autograd", "grad", "np.sum(linalg.solve_banded((0, 1), x, np.ones((2, 2))))",
        "np.array([[0.0, 1.0], [4.0, 5.0]])", cause="the columns of several right-hand sides are laid side by side",
        true=[[0.0, -0.1], [-0.1, -0.06]], error=5e-42, got=[[-0.0, -0.05, -0.05, -0.03], [-0.05, -0.05, -0.03, -0.03]],
        precise="np.sum(np.linalg.solve(np.diag(x[1]) + np.diag(x[0, 1:], 1), np.ones((2, 2))))"),
    PeerError("autograd", "grad", "special.gammainc(200.0, x)", "200.0",
        cause="x ** 199 / gamma(200) is inf / inf; gamma.cdf and chi2.cdf likewise", true=0.028197727685920822,
        error=1e-44, got=nan),
    PeerError("autograd", "grad", "special.betainc(1000.0, 1000.0, x)", "0.5",
        cause="the density is 0 / beta(1000, 1000), which is 0 / 0; beta.cdf likewise", true=35.67802229170864,
        error=1e-56, got=nan),
    PeerError("autograd", "grad", "special.ive(1, x)", "np.array(0.0)", cause="the order is divided by x", true=0.5,
        error=5e-31, got=nan),
    PeerError("autograd", "grad", "special.rgamma(x)", "0.0",
        cause="psi(x) / gamma(x) is inf / inf at each pole of gamma", true=1.0, error=1e-40, got=nan),
    PeerError("autograd", "grad", "stats.chi2.logpdf(x, 2.5)", "1.3",
        cause="0 wherever the degrees of freedom are no whole number; pdf as well", true=-0.3076923076923077,
        error=1e-41, got=0.0, precise="np.log(x) / 4 - x / 2 - 1.25 * np.log(2.0) - special.gammaln(1.25)"),
    PeerError("autograd", "grad", "stats.gamma.cdf(x, 2.0)", "-1.0",
        cause="the formula of the density is used where there is none; in beta and chi2 as well", true=0.0, error=0.0,
        got=-2.718281828459045, precise="special.gammainc(2.0, np.maximum(x, 0.0))"),
    PeerError("autograd", "grad", "np.real(np.arccosh(x))", "-2 + 1j",
        cause="1 / sqrt(z² - 1) is another branch where Re z < 0: the sign is wrong",
        true=(-0.4022479320953552-0.24860289393928922j), error=2e-41, got=(0.4022479320953552+0.2486028939392892j),
        near="pytorch/pytorch#80763"),
    PeerError("jax", "grad", "np.remainder(1.0, x)", "0.1",
        cause="trunc(1 / 0.1) is 10, as the quotient is rounded first; it is 9. fmod and divmod likewise", true=-9.0,
        error=1e-71, got=-10.0, near="jax-ml/jax#11466"),
    PeerError("jax", "grad", "np.real(np.arccosh(x))", "-2 + 1j",
        cause="1 / sqrt(z² - 1) is another branch where Re z < 0: the sign is wrong",
        true=(-0.4022479320953552-0.24860289393928922j), error=2e-41, got=(0.40224793209535525+0.24860289393928922j),
        near="pytorch/pytorch#80763"),
    PeerError("jax", "grad", "special.erfcx(x)", "1e8", cause="2x erfcx(x) - 2/√π cancels", true=-5.641895835477562e-17,
        error=1e-64, got=0.0, near="jax-ml/jax#38607"),
    PeerError("jax", "grad", "special.dawsn(x)", "1e8", cause="1 - 2x dawsn(x) cancels", true=-5.0000000000000005e-17,
        error=1e-64, got=0.0),
    PeerError("jax", "grad", "special.i0e(x)", "1e15", cause="i1e(x) - i0e(x) cancels; i1e likewise",
        true=-6.307831305050403e-24, error=9e-79, got=-4.963083675318166e-24),
    PeerError("jax", "grad", "np.arctan2(x, np.inf)", "1.0", cause="y / (x² + y²) is inf / inf", true=0.0, error=0.0,
        got=nan),
    PeerError("jax", "grad", "np.real(np.arcsin(x))", "1e160 + 1e160j", cause="z² overflows; in arccos as well",
        true=(5e-161+5e-161j), error=2e-230, got=0j, near="jax-ml/jax#40634"),
    PeerError("jax", "grad", "np.real(np.cosh(x))", "1e-20 + 1e-20j",
        cause="it is sinh z, whose real part is lost beside 1", true=(1e-20+1e-20j), error=3e-60, got=1e-20j),
    PeerError("jax", "grad", "np.real(np.tan(x))", "1 + 20j", cause="1 + tan² cancels: the real part is lost",
        true=(-7.071756735484742e-18+1.545207037032231e-17j), error=6e-57, got=1.5452070370322312e-17j),
    PeerError("jax", "grad", "np.real(np.arccos(x))", "1 + 1e-12j", cause="1 - z² cancels; in arcsin as well",
        true=(-500000.00000012503-499999.999999875j), error=5e-23, got=(-499986.1216345649-500013.8772098771j),
        near="jax-ml/jax#17172"),
    PeerError("jax", "second", "np.arctanh(x)", "1e-20",
        cause="(1 - x)(1 + x) is differentiated, in which x is lost beside 1", true=2e-20, error=4e-60, got=0.0,
        near="jax-ml/jax#39801"),
    PeerError("jax", "second", "np.arctan(x)", "1e308", cause="x² overflows, and 0 is multiplied by inf", true=0.0,
        error=0.0, got=nan),
    PeerError("torch", "grad", "np.fmod(1.0, x)", "0.1",
        cause="trunc(1 / 0.1) is 10, as the quotient is rounded first; it is 9", true=-9.0, error=1e-71, got=-10.0,
        torch="torch.fmod(torch.ones_like(x), x)"),
    PeerError("torch", "grad", "special.erfcx(x)", "1e8", cause="2x erfcx(x) - 2/√π cancels",
        true=-5.641895835477562e-17, error=1e-64, got=0.0, torch="torch.special.erfcx(x)"),
    PeerError("torch", "grad", "special.i0e(x)", "1e15", cause="i1e(x) - i0e(x) cancels; i1e likewise",
        true=-6.307831305050403e-24, error=9e-79, got=-4.963083675318166e-24, torch="torch.special.i0e(x)"),
    PeerError("torch", "second", "special.i1(x)", "1e-12",
        cause="i1(x) / x is differentiated as a quotient, which cancels; in i1e as well", true=3.75e-13, error=7e-53,
        got=-0.000244140625, torch="torch.special.i1(x)", near="jax-ml/jax#40627"),
    PeerError("torch", "grad", "np.arctan2(x, np.inf)", "1.0", cause="y / (x² + y²) is inf / inf", true=0.0, error=0.0,
        got=nan, torch="torch.atan2(x, torch.inf * torch.ones_like(x))"),
    PeerError("torch", "grad", "np.real(np.arcsin(x))", "1e160 + 1e160j",
        cause="z² overflows to inf - inf; in acos and asinh as well", true=(5e-161+5e-161j), error=2e-230,
        got=complex(nan, nan), torch="torch.asin(x).real"),
    PeerError("torch", "grad", "np.real(np.arctan(x))", "1e160 + 1e160j", cause="z² overflows to inf - inf", true=0j,
        error=3e-230, got=complex(nan, nan), torch="torch.atan(x).real"),
    PeerError("torch", "grad", "np.real(np.tan(x))", "1 + 20j", cause="1 + tan² cancels: the real part is lost",
        true=(-7.071756735484742e-18+1.545207037032231e-17j), error=6e-57, got=1.545207037032231e-17j,
        torch="torch.tan(x).real"),
    PeerError("torch", "mixed",
        "np.linalg.eigh(np.array([[2.0, 1.0], [1.0, 3.0]]) + x * np.array([[0.0, 1.0], [1.0, 0.0]]))[1][0, 0] ** 2",
        "0.0", cause="λᵢ - λⱼ divides on the diagonal too, and is 0 there; in eig as well",
        true=0.25043961347997645, error=9e-41, got=nan,
        torch="torch.linalg.eigh(torch.tensor([[2.0, 1.0], [1.0, 3.0]], dtype=torch.float64) "
        "+ x * torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64))[1][0, 0] ** 2"),
]
# fmt: on
