"""Points at which derivatives go wrong: kinks, singular points with a finite limit, degenerate matrices, overflow."""

from math import inf, nan
from typing import NamedTuple


class EdgePoint(NamedTuple):
    """An expression of ``np`` and its arguments ``a`` and ``b``, the arguments, and what is known about them."""

    group: str
    expression: str
    point: tuple
    note: str = ""
    torch: str = ""  # the same expression in PyTorch's functions


EDGE_POINTS = [
    EdgePoint("kink", "np.abs(a)", (0.0,), "subgradient, 0 is the symmetric choice", "torch.abs(a)"),
    EdgePoint("kink", "np.fabs(a)", (0.0,), "", "torch.abs(a)"),
    EdgePoint("kink", "np.maximum(a, a)", (1.0,), "", "torch.maximum(a, a)"),
    EdgePoint("kink", "np.max(a)", ([2.0, 2.0, 1.0],), "torch.max (no dim) also splits evenly", "torch.amax(a)"),
    EdgePoint("kink", "np.max(a)", ([2.0, 2.0, 2.0],), "", "torch.amax(a)"),
    EdgePoint(
        "kink",
        "np.max(a, axis=1)",
        ([[2.0, 2.0], [1.0, 3.0]],),
        "torch.max(dim) takes one index",
        "torch.max(a, dim=1).values",
    ),
    EdgePoint("kink", "np.max(a)", ([2.0, nan, 1.0],), "", "torch.amax(a)"),
    EdgePoint("kink", "np.max(a, initial=2.0)", ([2.0, 1.0],)),
    EdgePoint("kink", "np.ptp(a)", ([2.0, 2.0],), "", "torch.amax(a) - torch.amin(a)"),
    EdgePoint("kink", "np.sort(a)", ([2.0, 2.0, 1.0],), "stable order: one valid selection", "torch.sort(a).values"),
    EdgePoint(
        "kink", "np.clip(a, 0.0, 1.0)", (0.0,), "any value in [0,1]; 1 and .5 both used", "torch.clamp(a, 0.0, 1.0)"
    ),
    EdgePoint("kink", "np.clip(a, 0.0, 1.0)", (1.0,), "any value in [0,1]", "torch.clamp(a, 0.0, 1.0)"),
    EdgePoint(
        "kink",
        "np.clip(a, b, 1.0)",
        (0.0, 0.0),
        "the two must sum to 1",
        "torch.clamp(a, b, torch.tensor(1.0, dtype=torch.float64))",
    ),
    EdgePoint(
        "kink", "np.clip(a, 0.5, 0.5)", (0.5,), "constant function: derivative 0 exactly", "torch.clamp(a, 0.5, 0.5)"
    ),
    EdgePoint(
        "kink", "np.interp(a, np.array([0., 1., 2.]), np.array([0., 1., 5.]))", (1.0,), "left slope 1, right slope 4"
    ),
    EdgePoint(
        "kink", "np.interp(a, np.array([0., 1., 2.]), np.array([0., 1., 5.]))", (0.0,), "left slope 0, right slope 1"
    ),
    EdgePoint(
        "kink", "np.interp(a, np.array([0., 1., 2.]), np.array([0., 1., 5.]))", (2.0,), "left slope 4, right slope 0"
    ),
    EdgePoint("kink", "np.interp(a, np.array([0., 1., 1., 2.]), np.array([0., 1., 2., 5.]))", (1.5,)),
    EdgePoint("kink", "np.copysign(a, b)", (0.0, 2.0), "d/dx |x| at 0 from one side", "torch.copysign(a, b)"),
    EdgePoint("kink", "np.copysign(a, b)", (0.0, -2.0), "", "torch.copysign(a, b)"),
    EdgePoint("kink", "np.sign(a)", (0.0,), "", "torch.sign(a)"),
    EdgePoint("kink", "np.floor(a)", (2.0,), "", "torch.floor(a)"),
    EdgePoint("kink", "np.fmod(a, b)", (-2.5, 1.0), "", "torch.fmod(a, b)"),
    EdgePoint("kink", "np.add.reduce(a)", ([1.0, 1.0],), "", "torch.sum(a)"),
    EdgePoint("kink", "np.i0(a)", (0.0,), "", "torch.i0(a)"),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.sqrt(a ** 2)",
        (0.0,),
        "|x|: subgradient 0",
        "torch.sqrt(a ** 2)",
    ),
    EdgePoint("singular (finite limit or convention exists)", "np.cbrt(a)", (0.0,)),
    EdgePoint("singular (finite limit or convention exists)", "a ** 2.0", (0.0,), "", "a ** 2.0"),
    EdgePoint("singular (finite limit or convention exists)", "a ** 0", (0.0,), "", "a ** 0"),
    EdgePoint("singular (finite limit or convention exists)", "a ** 1.5", (0.0,), "", "a ** 1.5"),
    EdgePoint("singular (finite limit or convention exists)", "0.0 ** a", (2.0,), "", "0.0 ** a"),
    EdgePoint("singular (finite limit or convention exists)", "np.hypot(a, b)", (3.0, 0.0), "", "torch.hypot(a, b)"),
    EdgePoint("singular (finite limit or convention exists)", "np.hypot(a, b)", (0.0, 3.0), "", "torch.hypot(a, b)"),
    EdgePoint("singular (finite limit or convention exists)", "np.hypot(a, b)", (1.0, 1.0), "", "torch.hypot(a, b)"),
    EdgePoint(
        "singular (finite limit or convention exists)", "np.logaddexp(a, b)", (1.0, 1.0), "", "torch.logaddexp(a, b)"
    ),
    EdgePoint(
        "singular (finite limit or convention exists)", "np.logaddexp2(a, b)", (1.0, 1.0), "", "torch.logaddexp2(a, b)"
    ),
    EdgePoint("singular (finite limit or convention exists)", "np.abs(a) ** 1.5", (0.0,), "", "torch.abs(a) ** 1.5"),
    EdgePoint("singular (finite limit or convention exists)", "np.fmod(a, b)", (1.0, inf), "", "torch.fmod(a, b)"),
    EdgePoint("singular (finite limit or convention exists)", "np.multiply(a, b)", (0.0, inf), "", "torch.mul(a, b)"),
    EdgePoint("singular (finite limit or convention exists)", "np.real(np.sqrt(a))", (0j,), "", "torch.sqrt(a).real"),
    EdgePoint("singular (finite limit or convention exists)", "np.abs(a)", ((2 + 0j),), "", "torch.abs(a)"),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.real(np.sign(a))",
        ((3 + 4j),),
        "NumPy 2: z/|z|; d Re(z/|z|) = (16 dx - 12 dy)/125",
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.hypot(a, b)",
        (0.0, 0.0),
        "subgradient 0",
        "torch.hypot(a, b)",
    ),
    EdgePoint("singular (finite limit or convention exists)", "np.hypot(a, b)", (inf, 1.0), "", "torch.hypot(a, b)"),
    EdgePoint("singular (finite limit or convention exists)", "np.abs(a)", (0j,), "subgradient 0", "torch.abs(a)"),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.where(a != 0, np.sin(a) / a, 1.0)",
        (0.0,),
        "nan leaks through the untaken branch in reverse",
        "torch.where(a != 0, torch.sin(a) / a, 1.0)",
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.where(a > 0, np.sqrt(a), 0.0)",
        (0.0,),
        "untaken branch has inf slope",
        "torch.where(a > 0, torch.sqrt(a), 0.0)",
    ),
    EdgePoint("singular (finite limit or convention exists)", "np.select([a > 0], [np.sqrt(a)], 0.0)", (0.0,)),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.piecewise(a, [a > 0], [lambda t: np.sqrt(t), 0.0])",
        ([0.0],),
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.logaddexp(a, b)",
        (-inf, -inf),
        "by symmetry; 0 also used",
        "torch.logaddexp(a, b)",
    ),
    EdgePoint(
        "singular (finite limit or convention exists)", "np.logaddexp(a, b)", (-inf, 0.0), "", "torch.logaddexp(a, b)"
    ),
    EdgePoint(
        "singular (finite limit or convention exists)", "np.logaddexp(a, b)", (inf, 0.0), "", "torch.logaddexp(a, b)"
    ),
    EdgePoint(
        "singular (finite limit or convention exists)", "np.logaddexp(a, b)", (inf, inf), "", "torch.logaddexp(a, b)"
    ),
    EdgePoint(
        "singular (finite limit or convention exists)", "np.logaddexp(a, b)", (inf, -inf), "", "torch.logaddexp(a, b)"
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.logaddexp2(a, b)",
        (-inf, -inf),
        "",
        "torch.logaddexp2(a, b)",
    ),
    EdgePoint(
        "singular (finite limit or convention exists)", "np.logaddexp2(a, b)", (inf, 0.0), "", "torch.logaddexp2(a, b)"
    ),
    EdgePoint(
        "singular (finite limit or convention exists)", "np.logaddexp(a, b)", (1000.0, 0.0), "", "torch.logaddexp(a, b)"
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.log1p(np.exp(a))",
        (800.0,),
        "value overflows too",
        "torch.log1p(torch.exp(a))",
    ),
    EdgePoint("singular (finite limit or convention exists)", "np.tanh(a)", (400.0,), "", "torch.tanh(a)"),
    EdgePoint("singular (finite limit or convention exists)", "np.arcsin(a)", (1.0,), "", "torch.arcsin(a)"),
    EdgePoint("singular (finite limit or convention exists)", "np.arccosh(a)", (1.0,), "", "torch.arccosh(a)"),
    EdgePoint("singular (finite limit or convention exists)", "np.arctanh(a)", (1.0,), "", "torch.arctanh(a)"),
    EdgePoint(
        "singular (finite limit or convention exists)", "np.log(a) * 0.0", (0.0,), "value nan", "torch.log(a) * 0.0"
    ),
    EdgePoint("singular (finite limit or convention exists)", "np.reciprocal(a)", (0.0,), "", "torch.reciprocal(a)"),
    EdgePoint("singular (finite limit or convention exists)", "a * np.log(a)", (0.0,), "value nan", "a * torch.log(a)"),
    EdgePoint("singular (finite limit or convention exists)", "np.nansum(a)", ([nan, 1.0],), "", "torch.nansum(a)"),
    EdgePoint("singular (finite limit or convention exists)", "np.nanvar(a)", ([nan, 1.0, 3.0],)),
    EdgePoint("singular (finite limit or convention exists)", "np.nanstd(a)", ([nan, 1.0],)),
    EdgePoint("singular (finite limit or convention exists)", "np.nanprod(a)", ([nan, 2.0, 3.0],)),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.nanmedian(a)",
        ([nan, 2.0, 3.0, 5.0],),
        "",
        "torch.nanmedian(a)",
    ),
    EdgePoint("singular (finite limit or convention exists)", "np.nanprod(a)", ([0.0, nan, 3.0],)),
    EdgePoint(
        "singular (finite limit or convention exists)", "np.cumprod(a)", ([0.0, 2.0, 3.0],), "", "torch.cumprod(a, 0)"
    ),
    EdgePoint(
        "singular (finite limit or convention exists)", "np.cumprod(a)", ([2.0, 0.0, 0.0],), "", "torch.cumprod(a, 0)"
    ),
    EdgePoint("singular (finite limit or convention exists)", "np.multiply.reduce(a)", ([0.0, 2.0, 3.0],)),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.corrcoef(a, np.array([1., 2., 4.]))[0, 1]",
        ([2.0, 2.0, 2.0],),
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.linalg.norm(a, 3)",
        ([0.0, 0.0],),
        "",
        "torch.linalg.norm(a, 3)",
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.linalg.norm(a, np.inf)",
        ([0.0, 0.0],),
        "",
        'torch.linalg.norm(a, float("inf"))',
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.linalg.norm(a, 3)",
        ([3.0, 0.0],),
        "",
        "torch.linalg.norm(a, 3)",
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.linalg.norm(a, 1.5)",
        ([3.0, 0.0],),
        "",
        "torch.linalg.norm(a, 1.5)",
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.linalg.det(a)",
        ([[1.0, 2.0], [2.0, 4.0]],),
        "",
        "torch.linalg.det(a)",
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.cumprod(a)[-1]",
        ([0.0, 2.0, 3.0],),
        "",
        "torch.cumprod(a, 0)[-1]",
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.linalg.norm(a, np.inf)",
        ([3.0, -3.0],),
        "",
        'torch.linalg.norm(a, float("inf"))',
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        'np.linalg.norm(a, "fro")',
        ([[0.0, 0.0], [0.0, 0.0]],),
        "",
        'torch.linalg.norm(a, "fro")',
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        'np.linalg.norm(a, "nuc")',
        ([[1.0, 0.0], [0.0, 1.0]],),
        "differentiable: U V^T = I",
        'torch.linalg.norm(a, "nuc")',
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        'np.linalg.norm(a, "nuc")',
        ([[1.0, 0.0], [0.0, 0.0]],),
        "minimal-norm subgradient",
        'torch.linalg.norm(a, "nuc")',
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.linalg.norm(a, axis=1)",
        ([[0.0, 0.0], [3.0, 4.0]],),
        "",
        "torch.linalg.norm(a, dim=1)",
    ),
    EdgePoint(
        "singular (finite limit or convention exists)",
        "np.linalg.matrix_norm(a)",
        ([[0.0, 0.0], [0.0, 0.0]],),
        "",
        "torch.linalg.matrix_norm(a)",
    ),
    EdgePoint(
        "linear algebra, degenerate",
        "np.linalg.det(a)",
        ([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 3.0]],),
        "",
        "torch.linalg.det(a)",
    ),
    EdgePoint(
        "linear algebra, degenerate",
        "np.linalg.det(a)",
        ([[1.0, 1.0, 2.0], [2.0, 2.0, 4.0], [3.0, 3.0, 6.0]],),
        "cofactors vanish",
        "torch.linalg.det(a)",
    ),
    EdgePoint(
        "linear algebra, degenerate",
        "np.linalg.det(a)",
        ([[1.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]],),
        "",
        "torch.linalg.det(a)",
    ),
    EdgePoint("linear algebra, degenerate", "np.linalg.det(a)", ([[0.0, 0.0], [0.0, 0.0]],), "", "torch.linalg.det(a)"),
    EdgePoint(
        "linear algebra, degenerate",
        "np.linalg.eigvalsh(a)",
        ([[1.0, 0.0], [0.0, 1.0]],),
        "not differentiable, but sum of eigenvalues is",
        "torch.linalg.eigvalsh(a)",
    ),
    EdgePoint(
        "linear algebra, degenerate",
        "np.sum(np.linalg.eigvalsh(a) ** 2)",
        ([[1.0, 0.0], [0.0, 1.0]],),
        "",
        "(torch.linalg.eigvalsh(a) ** 2).sum()",
    ),
    EdgePoint(
        "linear algebra, degenerate", "np.linalg.eigh(a)[0]", ([[1.0, 0.0], [0.0, 1.0]],), "", "torch.linalg.eigh(a)[0]"
    ),
    EdgePoint(
        "linear algebra, degenerate",
        "np.linalg.pinv(a)",
        ([[2.0, 0.0], [0.0, 0.0]],),
        "derivative exists only along constant rank",
        "torch.linalg.pinv(a)",
    ),
    EdgePoint(
        "linear algebra, degenerate",
        "np.linalg.pinv(a)[0, 0]",
        ([[2.0, 0.0], [0.0, 4.0]],),
        "",
        "torch.linalg.pinv(a)[0, 0]",
    ),
    EdgePoint(
        "linear algebra, degenerate",
        "np.linalg.cholesky(a)",
        ([[4.0, 99.0], [2.0, 5.0]],),
        "NumPy reads only the lower triangle; JAX first symmetrizes (a+a^T)/2 (value differs!)",
        "torch.linalg.cholesky(a)",
    ),
    EdgePoint(
        "linear algebra, degenerate",
        "np.linalg.eigvalsh(a)",
        ([[4.0, 99.0], [2.0, 5.0]],),
        "same: NumPy reads the lower triangle; JAX symmetrizes",
        "torch.linalg.eigvalsh(a)",
    ),
    EdgePoint(
        "linear algebra, degenerate", "np.linalg.qr(a)[1]", ([[1.0, 2.0], [2.0, 4.0]],), "", "torch.linalg.qr(a)[1]"
    ),
    EdgePoint("linear algebra, degenerate", "np.linalg.lstsq(a, np.array([1., 2.]))[0]", ([[2.0, 0.0], [0.0, 0.0]],)),
    EdgePoint(
        "linear algebra, degenerate",
        "np.linalg.slogdet(a)[1]",
        ([[1.0, 0.0], [0.0, 0.0]],),
        "",
        "torch.linalg.slogdet(a)[1]",
    ),
    EdgePoint(
        "linear algebra, degenerate",
        "np.linalg.matrix_power(a, 0)",
        ([[1.0, 0.0], [0.0, 0.0]],),
        "",
        "torch.linalg.matrix_power(a, 0)",
    ),
    EdgePoint(
        "linear algebra, degenerate", "np.sum(np.roots(a)).real", ([1.0, -2.0, 1.0],), "sum of roots = -b/a is smooth"
    ),
    EdgePoint(
        "over/underflow (exact derivative is representable)", "np.hypot(a, b)", (1e200, 1e200), "", "torch.hypot(a, b)"
    ),
    EdgePoint(
        "over/underflow (exact derivative is representable)",
        "np.hypot(a, b)",
        (1e-200, 1e-200),
        "",
        "torch.hypot(a, b)",
    ),
    EdgePoint(
        "over/underflow (exact derivative is representable)", "np.abs(a)", ((1e-200 + 1e-200j),), "", "torch.abs(a)"
    ),
    EdgePoint(
        "over/underflow (exact derivative is representable)", "np.abs(a)", ((1e200 + 1e200j),), "", "torch.abs(a)"
    ),
    EdgePoint("over/underflow (exact derivative is representable)", "np.arccosh(a)", (1e200,), "", "torch.arccosh(a)"),
    EdgePoint(
        "over/underflow (exact derivative is representable)", "np.reciprocal(a)", (1e-150,), "", "torch.reciprocal(a)"
    ),
    EdgePoint(
        "over/underflow (exact derivative is representable)",
        "np.tanh(a)",
        (20.0,),
        "1 - tanh^2 cancels to 0; 1/cosh^2 is exact",
        "torch.tanh(a)",
    ),
    EdgePoint(
        "over/underflow (exact derivative is representable)",
        "np.arccos(a)",
        (0.9999999999999998,),
        "",
        "torch.arccos(a)",
    ),
    EdgePoint(
        "over/underflow (exact derivative is representable)", "np.power(a, 2.0)", (1e-200,), "", "torch.pow(a, 2.0)"
    ),
    EdgePoint("indexing semantics", "np.take(a, np.array([5]))", ([1.0, 2.0],), "NumPy raises; JAX fills nan"),
]
