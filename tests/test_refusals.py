"""What no tracer can go into is refused by the name that the user wrote, with a remedy that works."""

import cmath
import functools
import importlib
import io
import math
import operator
import re
import statistics
import subprocess
import sys

import jax
import numpy as np
import pytest
import scipy.fft
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse.linalg
import scipy.spatial.distance
import scipy.special
import scipy.stats

import jax_ref
import scratch_ad
from jax_ref.precise import precise
from scratch_ad import refusals
from scratch_ad.scipy import fft, linalg, signal, special

X = np.array([1.3, 2.6, 0.7])
A = np.arange(9.0).reshape(3, 3) + 4 * np.eye(3)
SPLINE = scipy.interpolate.CubicSpline(np.arange(5.0), np.arange(5.0) ** 2)
SQUARES = np.vectorize(lambda t: t * t)
MODES = {
    "reverse mode (vjp)": lambda f: scratch_ad.vjp(f, X),
    "forward mode (jvp)": lambda f: scratch_ad.jvp(f, (X,), (X,)),
}


class Model:
    weights = A

    @property
    def matrix(self):
        return self.weights


MODEL = Model()


def filled(fill):
    """A program that fills a plain array, and the same with an array made as the messages say."""
    return lambda x: fill(np.zeros(3), x), lambda x: fill(np.zeros_like(x), x)


def after(write):
    """``write(arr, x)`` as a function that returns the array."""
    return lambda arr, x: (write(arr, x), arr)[1]


def executed(statement):
    """A program whose source is nowhere to be read."""

    def program(arr, x):
        scope = {"np": np, "x": x, "arr": arr, "A": A}
        exec(statement, scope)
        return scope["arr"]

    return program


def set_item(arr, x):
    arr[1] = x[0] ** 2
    return arr


def set_slice(arr, x):
    arr[1:] = x[:2]
    return arr


def set_flat(arr, x):
    arr.flat = x * 2
    return arr


def add_in_place(arr, x):
    arr += x
    return arr


def times_in_place(arr, x):
    arr[:2] *= x[:2]
    return arr


def decays(x):
    """The steps of a solver of y' = -x y, y(0) = 1."""
    y, h = 1.0, 0.01
    for _ in range(100):
        k1 = -x[0] * y
        k2 = -x[0] * (y + h / 2 * k1)
        k3 = -x[0] * (y + h / 2 * k2)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 - x[0] * (y + h * k3))
    return y


OPTIONS = {"rtol": 1e-12, "atol": 1e-12}
TIGHT = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}


def root_of(c):
    """The root of y**3 + y = c."""
    return scipy.optimize.brentq(lambda y: y**3 + y - c, -10, 10, xtol=1e-14)


@scratch_ad.custom_jvp
def root(c):
    return np.asarray(root_of(float(scratch_ad.stop_gradient(c))))[()]


@root.defjvp
def _(primals, tangents):
    y = root(*primals)
    return y, tangents[0] / (3 * y**2 + 1)


def gauss(x):
    t, w = np.polynomial.legendre.leggauss(9)
    return w @ np.exp(x[0] * (t + 1) / 2) / 2


def kaiser(x):
    t = np.linspace(-1, 1, 5)
    return np.i0(x[0] * np.sqrt(1 - t**2)) / np.i0(x[0])


def in_order(draw):
    """A draw from a generator that starts anew."""
    return lambda x: draw(np.random.default_rng(0), x)


MAKE = r" into a plain array\. Make the array with np\.zeros_like\(x\) or np\.zeros\(shape, like=x\).*scratch_ad\.numpy as np"
LIKE = r"arr with np\.zeros_like\(x\).*scratch_ad\.numpy"
STACK = r"np\.stack or np\.concatenate"
OURS = "the same function with a derivative"
zeros, stop = np.zeros, scratch_ad.stop_gradient

# fmt: off
REFUSED = {  # a program, words of the message, the program written as that says
    # writes into plain arrays
    "arr[i] = x":     (*filled(set_item),                                          r"^arr\[i\] = x .*" + MAKE),
    "arr[i:j] = x":   (*filled(set_slice),                                         r"^arr\[i.*\] = x .*" + MAKE),
    "arr.flat = x":   (*filled(set_flat),                                          r"^arr\.attribute = x.*" + MAKE),
    "arr[a] = x":     (*filled(executed("arr[arr == 0] = x * 3")),                 r"^arr\[i\] = x .*" + MAKE),
    "arr += x":       (lambda x: add_in_place(np.ones(3), x), lambda x: np.ones(3) + x, r"^arr \+= x .*arr = arr \+ x.*" + LIKE),
    "arr[:2] *= x":   (*filled(times_in_place),                                    r"^arr \*= x .*" + LIKE),
    "arr /= x":       (lambda x: executed("arr /= x")(np.ones(3), x), lambda x: np.ones(3) / x, r"^arr /= x .*arr = arr / x"),
    ".fill":          (*filled(after(lambda a, x: a.fill(x[0]))),                  r"^np\.ndarray\.fill .*" + MAKE),
    ".put":           (*filled(after(lambda a, x: a.put([0, 2], x[:2]))),          r"^np\.ndarray\.put .*" + MAKE),
    "operator":       (*filled(after(lambda a, x: operator.setitem(a, 0, x[0]))),  r"^operator\.setitem .*" + MAKE),
    "np.copyto":      (*filled(after(lambda a, x: np.copyto(a, x))),               r"^np\.copyto .*" + MAKE),
    "np.put":         (*filled(after(lambda a, x: np.put(a, [1], x[0]))),          r"^np\.put .*" + MAKE),
    "np.place":       (*filled(after(lambda a, x: np.place(a, [1, 0, 1], x))),     r"^np\.place .*" + MAKE),
    "np.putmask":     (*filled(after(lambda a, x: np.putmask(a, [1, 0, 1], x))),   r"^np\.putmask .*" + MAKE),
    "np.add.at":      (*filled(after(lambda a, x: np.add.at(a, [0, 0], x[:2]))),   r"^np\.add\.at .*" + MAKE),
    "fill_diagonal":  (lambda x: after(np.fill_diagonal)(np.zeros((3, 3)), x), lambda x: after(np.fill_diagonal)(np.zeros((3, 3), like=x), x), r"^np\.fill_diagonal .*" + MAKE),
    "out=":           (lambda x: np.sin(x, out=zeros(3)), np.sin,                  r"^np\.sin\(…, out=arr\) .*Use what it returns.*" + LIKE),
    "out= of sum":    (lambda x: np.sum(x, out=zeros(())), np.sum,                 r"^np\.sum\(…, out=arr\) .*Use what it returns"),
    "method's out=":  (lambda x: x.cumsum(out=zeros(3)), np.cumsum,                r"^np\.cumsum\(…, out=arr\) .*Use what it returns"),
    "out by place":   (lambda x: np.cumsum(x, 0, None, zeros(3)), np.cumsum,       r"^np\.cumsum\(…, out=arr\) .*Use what it returns"),
    # lists of tracers
    "np.array":       (lambda x: np.array([x[0], x[1]]), lambda x: np.stack([x[0], x[1]]),          r"^np\.array .*np\.stack"),
    "np.array like":  (lambda x: np.array([[x[0], 1], [2, x[1]]]), lambda x: np.array([[x[0], 1], [2, x[1]]], like=x), r"^np\.array .*like=x"),
    "np.array(x)":    (lambda x: np.array(x), lambda x: np.copy(x),                                 r"^np\.array .*np\.copy\(x\)"),
    "np.mean":        (lambda x: np.mean([x, x + 2]), lambda x: np.mean(np.stack([x, x + 2])),      r"^np\.mean .*" + STACK),
    "np.sin":         (lambda x: np.sin([x[0], x[1]]), lambda x: np.sin(np.stack([x[0], x[1]])),    r"^np\.sin .*" + STACK),
    "np.linalg.norm": (lambda x: np.linalg.norm([x[0], x[1]]), lambda x: np.linalg.norm(np.stack([x[0], x[1]])), r"^np\.linalg\.norm .*" + STACK),
    "A @ […]":        (lambda x: A @ [x[0], x[1], 1.0], lambda x: A @ np.stack([x[0], x[1], 1.0]),  r"^arr @ \[…\] .*" + STACK),
    "np.fromiter":    (lambda x: np.fromiter((v * v for v in x), float), lambda x: np.stack(list(v * v for v in x)), r"^np\.fromiter .*np\.stack\(list\(…\)\)"),
    # NumPy's functions that do not ask tracers
    "np.asarray":     (lambda x: np.asarray(x) ** 2, lambda x: x**2,                                r"^np\.asarray .*Leave it out"),
    "np.asanyarray":  (lambda x: np.asanyarray(x) ** 2, lambda x: x**2,                             r"^np\.asanyarray .*Leave it out"),
    "np.asarray […]": (lambda x: np.asarray([x[0], x[1]]), lambda x: np.stack([x[0], x[1]]),        r"^np\.asarray .*np\.stack"),
    "chkfinite":      (lambda x: np.asarray_chkfinite(x) ** 2, lambda x: x**2,                      r"^np\.asarray_chkfinite .*Leave it out"),
    "np.full":        (lambda x: np.full(3, x[0]), lambda x: np.broadcast_to(x[0], 3),              r"^np\.full .*np\.broadcast_to\(x, shape\)"),
    "np.full like":   (lambda x: np.full(3, x[0]), lambda x: np.full(3, x[0], like=x[0]),           r"^np\.full .*np\.full\(shape, x, like=x\)"),
    "np.full_like":   (lambda x: np.full_like(A, x[0]), lambda x: np.full(A.shape, x[0], like=x[0]), r"^np\.full_like .*np\.full\(a\.shape, x, like=x\)"),
    "np.arange":      (lambda x: np.arange(x[0], x[0] + 3), lambda x: x[0] + 1 * np.arange(3),      r"^np\.arange .*start \+ step \* np\.arange\(n\)"),
    "np.r_":          (lambda x: np.r_[x, 1.0], lambda x: np.append(x, 1.0),                        r"^np\.r_ .*np\.append"),
    "np.c_":          (lambda x: np.c_[x, x], lambda x: np.column_stack([x, x]),                    r"^np\.c_ .*np\.column_stack"),
    "np.mgrid":       (lambda x: np.mgrid[x[0]:x[0] + 3], lambda x: np.linspace(x[0], x[0] + 2, 3),            r"^np\.mgrid .*np\.linspace"),
    "np.vectorize":   (lambda x: np.vectorize(lambda t: t**2 if t > 1 else t)(x), lambda x: np.where(x > 1, x**2, x), r"^np\.vectorize .*np\.where"),
    "vectorized":     (lambda x: SQUARES(x), lambda x: x * x,                                       r"^np\.vectorize .*whole array"),
    "np.kaiser":      (lambda x: np.kaiser(5, x[0]), kaiser,                                        r"^np\.kaiser .*np\.i0\(beta \* np\.sqrt\(1 - t\*\*2\)\) / np\.i0\(beta\)"),
    "np.hanning":     (lambda x: np.hanning(int(x[1] + 2) if type(x) is np.ndarray else x[1] + 2) * x[0], lambda x: np.hanning(int(stop(x[1] + 2))) * x[0],         r"^np\.hanning .*scratch_ad\.stop_gradient"),
    "np.poly1d":      (lambda x: np.poly1d([x[0], x[1]])(x[2]), lambda x: np.polyval(np.stack([x[0], x[1]]), x[2]), r"^np\.poly1d .*np\.polyval\(coefficients, x\)"),
    "Polynomial":     (lambda x: np.polynomial.Polynomial(x)(2.0), lambda x: np.polyval(x[::-1], 2.0), r"^np\.polynomial\.Polynomial .*np\.polyval\(c\[::-1\], x\)"),
    "Polynomial(x)":  (lambda x: np.polynomial.Polynomial([1.0, 2.0, 3.0])(x), lambda x: np.polyval([3.0, 2.0, 1.0], x), r"^np\.polynomial\.Polynomial .*np\.polyval"),
    "Chebyshev(x)":   (lambda x: np.polynomial.Chebyshev(np.arange(4.0))(x), lambda x: np.polyval(np.polynomial.chebyshev.cheb2poly(np.arange(4.0))[::-1], x), r"^np\.polynomial\.Chebyshev .*cheb2poly"),
    "polyval":        (lambda x: np.polynomial.polynomial.polyval(2.0, x), lambda x: np.polyval(x[::-1], 2.0), r"^np\.polynomial\.polynomial\.polyval .*np\.polyval"),
    "normal":         (in_order(lambda rng, x: rng.normal(x, 2.0)), in_order(lambda rng, x: x + 2.0 * rng.normal(size=3)), r"^np\.random\.Generator\.normal .*loc \+ scale \* rng\.normal"),
    "new generator":  (lambda x: np.random.default_rng(0).normal(x), lambda x: x + np.random.default_rng(0).normal(size=3), r"^np\.random\.Generator\.normal .*loc \+ scale"),
    "choice":         (in_order(lambda rng, x: rng.choice(3, p=x / x.sum())), in_order(lambda rng, x: rng.choice(3, p=stop(x / x.sum()))), r"^np\.random\.Generator\.choice .*p=scratch_ad\.stop_gradient\(p\)"),
    "np.matrix":      (lambda x: np.array(np.matrix(A) @ np.matrix(x).T)[:, 0], lambda x: A @ x,    r"^np\.matrix .*@"),
    "np.bmat":        (lambda x: np.array(np.bmat([[x, x]])), lambda x: np.block([[x, x]]),         r"^np\.bmat .*np\.block"),
    "np.ma":          (lambda x: np.ma.masked_greater(x, 1).filled(0), lambda x: np.where(x > 1, 0, x), r"^np\.ma\.masked_greater .*np\.where\(mask, …\)"),
    "np.ma.array":    (lambda x: np.ma.array(x, mask=[1, 0, 0]).filled(0), lambda x: np.where([1, 0, 0], 0, x), r"^np\.ma\.array .*np\.where"),
    "np.ndenumerate": (lambda x: sum(v * i[0] for i, v in np.ndenumerate(x)), lambda x: sum(x[i] * i[0] for i in np.ndindex(x.shape)), r"^np\.ndenumerate .*np\.ndindex\(x\.shape\)"),
    "np.testing":     (lambda x: np.testing.assert_allclose(x, x) or x, lambda x: np.testing.assert_allclose(stop(x), stop(x)) or x, r"^np\.testing\.assert_allclose .*scratch_ad\.stop_gradient"),
    "np.float64":     (lambda x: np.float64(x[0]) ** 2, lambda x: x[0].astype(np.float64) ** 2,     r"^np\.float64 .*x\.astype\(np\.float64\)"),
    "np.int64":       (lambda x: np.int64(x[0]) * x, lambda x: x[0].astype(np.int64) * x,           r"^np\.int64 .*x\.astype\(np\.int64\)"),
    "sum initial":    (lambda x: np.sum(A, initial=x[0]), lambda x: np.sum(A) + x[0],               r"^np\.sum .*np\.sum\(a\) \+ x"),
    # methods of plain arrays
    ".dot":           (lambda x: A.T.dot(x), lambda x: A.T @ x,                                     r"^np\.ndarray\.dot .*A @ x"),
    ".dot of a name": (lambda x: A.dot(x), lambda x: np.dot(A, x),                                  r"^np\.ndarray\.dot .*np\.dot\(A, x\)"),
    ".dot of a self": (lambda x: MODEL.weights.dot(x), lambda x: MODEL.weights @ x,                 r"^np\.ndarray\.dot .*A @ x"),
    ".dot, computed": (lambda x: MODEL.matrix.dot(x), lambda x: MODEL.matrix @ x,                   r"^np\.ndarray\.dot .*A @ x"),
    "np.ndarray.dot": (lambda x: np.ndarray.dot(A, x), lambda x: A @ x,                             r"^np\.ndarray\.dot .*A @ x"),
    "bound .dot":     (lambda x, dot=A.dot: dot(x), lambda x: A @ x,                                r"^np\.ndarray\.dot .*A @ x"),
    ".sum":           (lambda x: np.ones(3).sum(initial=x[0]), lambda x: np.sum(np.ones(3)) + x[0], r"^np\.ndarray\.sum .*np\.sum\(a\) \+ x"),
    ".prod":          (lambda x: A.prod(initial=x[0]), lambda x: np.prod(A) * x[0],                 r"^np\.ndarray\.prod .*np\.prod\(a\) \* x"),
    ".max":           (lambda x: (A / 20).max(initial=x[0]), lambda x: np.maximum(np.max(A / 20), x[0]), r"^np\.ndarray\.max .*np\.maximum\(np\.max\(a\), x\)"),
    ".min":           (lambda x: (A + 9).min(initial=x[0]), lambda x: np.minimum(np.min(A + 9), x[0]), r"^np\.ndarray\.min .*np\.minimum"),
    ".choose":        (lambda x: np.array([0, 1, 0]).choose([x, x * 2]), lambda x: np.choose(np.array([0, 1, 0]), [x, x * 2]), r"^np\.ndarray\.choose .*np\.choose\(a, …\)"),
    ".searchsorted":  (lambda x: np.arange(3.0).searchsorted(x) * x, lambda x: np.searchsorted(np.arange(3.0), x) * x, r"^np\.ndarray\.searchsorted .*np\.searchsorted\(a, …\)"),
    "arr[x]":         (lambda x: X[x.astype(int) if type(x) is np.ndarray else x], lambda x: X[x.astype(int)], r"^arr\[x\] .*arr\[x\.astype\(int\)\]"),
    # methods of tracers
    ".resize":        (lambda x: x.copy().resize(2) or x[:2], lambda x: np.resize(x, 2),            r"^\.resize\(\) .*np\.resize"),
    ".setfield":      (lambda x: after(lambda y, x: y.setfield(9.0, float))(x * 1, x), lambda x: np.where(True, 9.0, x), r"^\.setfield\(\) .*np\.where"),
    ".byteswap":      (lambda x: x.byteswap().size * x, lambda x: stop(x).byteswap().size * x,      r"^\.byteswap\(\) .*scratch_ad\.stop_gradient"),
    ".tobytes":       (lambda x: len(x.tobytes()) * x, lambda x: len(stop(x).tobytes()) * x,        r"^\.tobytes\(\) .*scratch_ad\.stop_gradient"),
    ".view":          (lambda x: x.view("f8") * 2, lambda x: x.astype("f8") * 2,                    r"^\.view\(\) as another dtype .*\.astype"),
    "where=":         (lambda x: np.sqrt(x, where=x > 0), lambda x: np.where(x > 0, np.sqrt(x), 0), r"^np\.sqrt: where= .*np\.where\(condition"),
    "np.frompyfunc":  (lambda x: np.frompyfunc(lambda t: t**2, 1, 1)(x).astype(float), lambda x: x**2, r"has no rule.*in NumPy functions that have one"),
    "np.save":        (lambda x: np.save(io.BytesIO(), x) or x, lambda x: np.save(io.BytesIO(), stop(x)) or x, r"^np\.save .*writes a file"),
    # numbers of Python's
    "float":          (lambda x: float(x[0]) ** 2, lambda x: x[0] ** 2,                             r"^float .*Leave it out"),
    "int":            (lambda x: int(x[0]) * x, lambda x: int(stop(x[0])) * x,                      r"^int .*int\(scratch_ad\.stop_gradient\(x\)\)"),
    "complex":        (lambda x: abs(complex(x[0])), lambda x: abs(x[0] + 0j),                      r"^complex .*x \+ 0j"),
    "range":          (lambda x: sum(range(int(x[0]) if type(x) is np.ndarray else x[0]), x), lambda x: sum(range(int(stop(x[0]))), x), r"^range .*int\(scratch_ad\.stop_gradient\(x\)\)"),
    "map(float)":     (lambda x: sum(map(float, x)), lambda x: sum(x),                              r"^float, or what calls it, .*Leave it out"),
    "map(math.sin)":  (lambda x: sum(map(math.sin, x)), lambda x: sum(map(np.sin, x)),              r"^float, or what calls it, .*use np\.sin for math\.sin"),
    "%":              (lambda x: float("%.20f" % x[0]) and x, lambda x: float(f"{x[0]:.3f}") and x, r"^\"…\" % x .*f\"{x:\.3f}\""),
    "math.sin":       (lambda x: math.sin(x[0]), lambda x: np.sin(x[0]),                            r"^math\.sin .*Use np\.sin\."),
    "math.pow":       (lambda x: math.pow(x[0], x[1]), lambda x: np.pow(x[0], x[1]),                r"^math\.pow .*Use np\.pow\."),
    "math.atan2":     (lambda x: math.atan2(x[0], x[1]), lambda x: np.atan2(x[0], x[1]),            r"^math\.atan2 .*Use np\.atan2\."),
    "math.floor":     (lambda x: math.floor(x[0]) * x, lambda x: np.floor(x[0]) * x,                r"^math\.floor .*Use np\.floor\."),
    "math.trunc":     (lambda x: math.trunc(x[0]) * x, lambda x: np.trunc(x[0]) * x,                r"^math\.trunc .*Use np\.trunc\."),
    "math.isnan":     (lambda x: math.isnan(x[0]) * x, lambda x: np.isnan(x[0]) * x,                r"^math\.isnan .*Use np\.isnan\."),
    "math.fsum":      (lambda x: math.fsum(x), lambda x: np.sum(x),                                 r"^math\.fsum .*Use np\.sum\."),
    "math.dist":      (lambda x: math.dist(x, A[0]), lambda x: np.linalg.norm(x - A[0]),            r"^math\.dist .*np\.linalg\.norm\(p - q\)"),
    "math.remainder": (lambda x: math.remainder(x[1], x[0] + 1), lambda x: x[1] - (x[0] + 1) * np.round(x[1] / (x[0] + 1)), r"^math\.remainder .*x - y \* np\.round\(x / y\)"),
    "math.gamma":     (lambda x: math.gamma(x[0]), lambda x: scipy.special.gamma(x[0]),             r"^math\.gamma .*scipy\.special\.gamma"),
    "math.lgamma":    (lambda x: math.lgamma(x[0]), lambda x: scipy.special.gammaln(x[0]),          r"^math\.lgamma .*scipy\.special\.gammaln"),
    "math.factorial": (lambda x: math.factorial(int(x[1]) if type(x) is np.ndarray else x[1]) * x, lambda x: scipy.special.gamma(np.floor(x[1]) + 1) * x, r"^math\.factorial .*scipy\.special\.gamma\(x \+ 1\)"),
    "math.comb":      (lambda x: math.comb(5, 2 if type(x) is np.ndarray else x[1]) * x, lambda x: scipy.special.binom(5, np.floor(x[1])) * x, r"^math\.comb .*scipy\.special\.binom"),
    "math.isqrt":     (lambda x: math.isqrt(int(x[1]) if type(x) is np.ndarray else x[1]) * x, lambda x: np.floor(np.sqrt(x[1])) * x, r"^math\.isqrt .*np\.floor\(np\.sqrt\(x\)\)"),
    "math.ulp":       (lambda x: math.ulp(x[0]) * x, lambda x: np.spacing(x[0]) * x,                r"^math\.ulp .*np\.spacing"),
    "math.erf":       (lambda x: math.erf(x[0]), lambda x: scipy.special.erf(x[0]),                 r"^math\.erf .*scipy\.special\.erf"),
    "cmath.exp":      (lambda x: cmath.exp(x[0]).real, lambda x: np.exp(x[0] + 0j).real,            r"^cmath\.exp .*np\.exp\(x \+ 0j\)"),
    "cmath.phase":    (lambda x: cmath.phase(x[0]) * x, lambda x: np.angle(x[0]) * x,               r"^cmath\.phase .*np\.angle"),
    "cmath.rect":     (lambda x: cmath.rect(x[0], x[1]).imag, lambda x: (x[0] * np.exp(1j * x[1])).imag, r"^cmath\.rect .*r \* np\.exp\(1j \* phi\)"),
    "cmath.polar":    (lambda x: cmath.polar(x[0])[0], lambda x: np.abs(x[0]),                      r"^cmath\.polar .*np\.abs"),
    "fmean":          (lambda x: statistics.fmean(x), lambda x: np.mean(x),                         r"^statistics\.fmean .*np\.mean"),
    "statistics":     (lambda x: statistics.mean(x), lambda x: np.mean(x),                          r"^statistics\.mean .*np\.mean"),
    "variance":       (lambda x: statistics.variance(x), lambda x: np.var(x, ddof=1),               r"^statistics\.variance .*np\.var\(x, ddof=1\)"),
    "stdev":          (lambda x: statistics.stdev(x), lambda x: np.std(x, ddof=1),                  r"^statistics\.stdev .*np\.std\(x, ddof=1\)"),
    # another library's
    "jax":            (lambda x: np.asarray(jax.numpy.array(x)), lambda x: x,                       r"^jax\.numpy\.array .*Write it in NumPy"),
    # SciPy's
    "cho_solve":      (lambda x: scipy.linalg.cho_solve((A + x[0] * np.eye(3), True), X), lambda x: linalg.cho_solve((A + x[0] * np.eye(3), True), X), r"^scipy\.linalg\.cho_solve .*scratch_ad\.scipy\.linalg\.cho_solve, " + OURS),
    "expm":           (lambda x: scipy.linalg.expm(A / 9 * x), lambda x: linalg.expm(A / 9 * x),    r"^scipy\.linalg\.expm .*scratch_ad\.scipy\.linalg\.expm, " + OURS),
    "solve":          (lambda x: scipy.linalg.solve(A, x), lambda x: linalg.solve(A, x),            r"^scipy\.linalg\.solve .*scratch_ad\.scipy\.linalg\.solve, " + OURS),
    "logsumexp":      (lambda x: scipy.special.logsumexp(x), lambda x: special.logsumexp(x),        r"^scipy\.special\.logsumexp .*scratch_ad\.scipy\.special\.logsumexp, " + OURS),
    "convolve":       (lambda x: scipy.signal.convolve(x, x), lambda x: signal.convolve(x, x),      r"^scipy\.signal\.convolve .*scratch_ad\.scipy\.signal\.convolve, " + OURS),
    "dct":            (lambda x: scipy.fft.dct(x), lambda x: fft.dct(x),                            r"^scipy\.fft\.dct .*scratch_ad\.scipy\.fft\.dct, " + OURS),
    "fft":            (lambda x: scipy.fft.rfft(x).real, lambda x: np.fft.rfft(x).real,             r"^scipy\.fft\.rfft .*np\.fft\.rfft"),
    "lapack":         (lambda x: scipy.linalg.lapack.dpotrf(A @ A.T + x[0])[0].sum(), lambda x: np.linalg.cholesky((A @ A.T + x[0]).T).T.sum(), r"^scipy\.linalg\.lapack\.dpotrf .*np\.linalg"),
    "solve_ivp":      (lambda x: scipy.integrate.solve_ivp(lambda t, y: -x[0] * y, (0, 1), [1.0], **OPTIONS).y[0, -1], decays, r"^scipy\.integrate\.solve_ivp .*steps of the solver in NumPy"),
    "odeint":         (lambda x: scipy.integrate.odeint(lambda y, t: [-x[0] * y[0]], [1.0], [0.0, 1.0], **OPTIONS)[-1, 0], decays, r"^scipy\.integrate\.odeint .*steps of the solver in NumPy"),
    "quad":           (lambda x: scipy.integrate.quad(lambda t: np.exp(x[0] * t), 0, 1)[0], gauss,  r"^scipy\.integrate\.quad .*np\.polynomial\.legendre\.leggauss\(n\)"),
    "trapezoid":      (lambda x: scipy.integrate.trapezoid(x), lambda x: np.trapezoid(x),           r"^scipy\.integrate\.trapezoid .*np\.trapezoid"),
    "least_squares":  (lambda x: scipy.optimize.least_squares(lambda y: y**3 + y - x[0], 1.0, **TIGHT).x[0], lambda x: root(x[0]), r"^scipy\.optimize\.least_squares .*custom_jvp"),
    "minimize":       (lambda x: scipy.optimize.minimize(lambda y: (y**4 / 4 + y**2 / 2 - x[0] * y)[0], 1.0, (), "Newton-CG", lambda y: y**3 + y - x[0], lambda y: np.diag(3 * y**2 + 1), tol=1e-14).x[0], lambda x: root(x[0]), r"^scipy\.optimize\.minimize .*custom_jvp"),
    "CubicSpline":    (lambda x: SPLINE(x), lambda x: np.polyval([1.0, 0, 0], x),                   r"^scipy\.interpolate\.CubicSpline .*np\.interp, or a spline"),
    "interp1d":       (lambda x: scipy.interpolate.interp1d(np.arange(5.0), np.arange(5.0) ** 2)(x), lambda x: np.interp(x, np.arange(5.0), np.arange(5.0) ** 2), r"^scipy\.interpolate\.interp1d .*np\.interp"),
    "logpdf":         (lambda x: scipy.stats.norm.logpdf(x, 0.5, 2.0), lambda x: -0.5 * ((x - 0.5) / 2) ** 2 - np.log(2 * np.sqrt(2 * np.pi)), r"^scipy\.stats\.norm\.logpdf .*formula in NumPy and scipy\.special"),
    "skew":           (lambda x: scipy.stats.skew(x), lambda x: np.mean((x - x.mean()) ** 3) / np.std(x) ** 3, r"^scipy\.stats\.skew .*formula in NumPy"),
    "cdist":          (lambda x: scipy.spatial.distance.cdist(x[:, None], A[:, :1]), lambda x: np.linalg.norm(x[:, None][:, None] - A[:, :1], axis=-1), r"^scipy\.spatial\.distance\.cdist .*np\.linalg\.norm\(a\[:, None\] - b, axis=-1\)"),
    "spsolve":        (lambda x: scipy.sparse.linalg.spsolve(scipy.sparse.csc_matrix(A), x), lambda x: np.linalg.solve(scipy.sparse.csc_matrix(A).toarray(), x), r"^scipy\.sparse\.linalg\.spsolve .*np\.linalg\.solve.*toarray\(\)"),
    "ndimage":        (lambda x: scipy.ndimage.uniform_filter1d(x, 3), lambda x: np.convolve(np.pad(x, 1, "edge"), np.ones(3) / 3, "valid"), r"^scipy\.ndimage\.uniform_filter1d .*NumPy calls on whole arrays"),
}
# fmt: on


def refusal(f, mode):
    """The error that a program ends with; NumPy gives some of ours as the cause of its own."""
    with pytest.raises((TypeError, ValueError, NotImplementedError)) as error:
        MODES[mode](f)
    return error.value.__cause__ if isinstance(error.value, ValueError) else error.value


def assert_short(message):
    """One or two sentences that can be read at a glance."""
    assert len(message) <= 240
    assert message.endswith(".")
    assert len(re.findall(r"[.?!](?= [A-Z]|$)", message)) <= 2


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("f", "rewritten", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_the_message_names_what_was_written(f, rewritten, words, mode):
    error = refusal(f, mode)
    assert isinstance(error, (TypeError, NotImplementedError))
    assert re.search(words, str(error)), str(error)
    assert mode in str(error)
    assert_short(str(error))


@pytest.mark.filterwarnings("ignore:the matrix subclass", "ignore:'where' used without")
@pytest.mark.parametrize(("f", "rewritten", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_the_message_says_to_write_is_right(f, rewritten, words):
    value, expected = f(X.copy()), scratch_ad.numerical_jacobian(X, lambda x: np.asarray(f(x), float), scheme="central")
    expected = expected.reshape(np.shape(value) + X.shape)
    for jacobian in (scratch_ad.jacrev, scratch_ad.jacfwd):
        np.testing.assert_allclose(jacobian(lambda x: 1.0 * rewritten(x))(X), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(scratch_ad.vjp(rewritten, X)[0], value, rtol=1e-7, atol=1e-9)


# The tables

TABLES = [refusals.REMEDIES, refusals.WRITES]


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_every_remedy_is_among_these():
    texts = [str(refusal(f, "reverse mode (vjp)")) for f, *_ in REFUSED.values()]
    for table in TABLES:
        for name, remedy in table.items():
            if hasattr(math, name.removeprefix("math.")) or not name.startswith("math."):  # this Python has it
                words = re.escape(remedy).replace(r"\{last\}", r"\w+").replace(r"\{op\}", r"\S+")
                assert any(re.search(words, text) for text in texts), name


def test_what_the_remedies_name_exists():
    texts = [text for table in TABLES for text in table.values()]
    assert len(texts) > 100
    for name in {name for text in texts for name in re.findall(r"(?:np|scipy|scratch_ad)(?:\.[a-z_]\w*)+", text)}:
        home, _, rest = name.partition(".")
        part = {"np": np, "scipy": scipy, "scratch_ad": scratch_ad}[home]
        for one in rest.split("."):
            if not hasattr(part, one):
                importlib.import_module(f"{part.__name__}.{one}")
            part = getattr(part, one)


@pytest.mark.parametrize("module", [math, cmath])
def test_every_function_of_pythons_numbers_has_a_remedy(module):
    for name, function in vars(module).items():
        if callable(function) and f"{module.__name__}.{name}" not in refusals.REMEDIES and not name.startswith("_"):
            assert hasattr(np, name), name


# Where the call is looked for

SPELLED = {
    "stars":         lambda x: np.full(*(3, x[0])),
    "two stars":     lambda x: np.full(**{"shape": 3, "fill_value": x[0]}),
    "keywords":      lambda x: np.full(shape=3, fill_value=x[0]),
    "lines":         lambda x: (
        np
        .full
        (3, x[0])
    ),
    "partial":       lambda x, full=functools.partial(np.full, 3): full(x[0]),
    "argument":      lambda x, full=np.full: full(3, x[0]),
    "getattr":       lambda x: getattr(np, "full")(3, x[0]),
    "comprehension": lambda x: [np.full(3, v) for v in x],
    "generator":     lambda x: list(np.full(3, v) for v in x),
    "map":           lambda x: list(map(np.full, [3, 3, 3], x)),
    "reduce":        lambda x: functools.reduce(np.full, x, 3),
    "eval":          lambda x: eval("np.full(3, x)", {"np": np, "x": x[0]}),
    "second call":   lambda x: np.full(3, 1.0) + np.full(3, x[0]),
    "inner call":    lambda x: np.sin(np.full(3, np.cos(x[0]))),
    "callback":      lambda x: scipy.integrate.solve_ivp(lambda t, y: np.full(3, x[0]), (0, 1), np.ones(3)),
    "another's":     lambda x: np.apply_along_axis(lambda row: np.full(3, row[0]), 0, A * x),
    "in a run":      lambda x: scratch_ad.grad(lambda y: np.sum(np.full(3, y[0])))(x),
}


@pytest.mark.parametrize("f", SPELLED.values(), ids=SPELLED.keys())
def test_a_call_is_found_however_it_is_spelled(f):
    assert str(refusal(f, "reverse mode (vjp)")).startswith("np.full takes")


def test_properties_are_not_asked():
    class Once:
        @functools.cached_property
        def matrix(self):
            raise AssertionError

        @property
        def weights(self):
            self.asked += 1
            return A

        asked = 0

    once = Once()
    assert str(refusal(lambda x: once.weights.dot(x), "reverse mode (vjp)")).startswith("np.ndarray.dot takes")
    assert once.asked == 1


def test_where_nothing_can_be_told_the_refusal_says_so(monkeypatch):
    def fails(frame):
        raise RuntimeError

    monkeypatch.setattr("scratch_ad.frames._calls", fails)
    for f, words in ((lambda x: np.full(3, x[0]), "np.asarray, or what calls it,"), (lambda x: math.sin(x[0]), "float, or")):
        message = str(refusal(f, "forward mode (jvp)"))
        assert message.startswith(words)
        assert_short(message)
    message = str(refusal(lambda x: np.copyto(np.zeros(3), x), "forward mode (jvp)"))
    assert re.search(r"^np\.copyto .*" + MAKE, message)


def test_code_without_places_is_refused_too():
    code = "import numpy as np, scratch_ad; scratch_ad.vjp(lambda x: np.arange(x), 3.0)"
    run = subprocess.run([sys.executable, "-X", "no_debug_ranges", "-c", code], capture_output=True, text=True)
    assert "TypeError: np.asarray, or what calls it, takes plain numbers" in run.stderr


# Every kind of number, and runs within runs

KINDS = {
    "reverse mode (vjp)": lambda f: scratch_ad.grad(f)(1.3),
    "forward mode (jvp)": lambda f: scratch_ad.jacfwd(f)(1.3),
    "recording":          lambda f: scratch_ad.record(f, 1.3),
    "symbolic mode":      lambda f: scratch_ad.expression(f, ()),
    "JAX":                lambda f: jax_ref.grad(f)(1.3),
    "the referee":        lambda f: f(precise(np.float64(1.3))),
}
RUNS = {
    "math.sin takes":    lambda x: math.sin(x),
    "np.arange takes":   lambda x: np.arange(x, 9.0),
    "arr += x takes":    lambda x: add_in_place(np.zeros(()), x),
    "np.array takes":    lambda x: np.array([x, x]),
}


@pytest.mark.parametrize("f", RUNS.values(), ids=RUNS.keys())
@pytest.mark.parametrize("mode", KINDS)
def test_the_mode_is_that_of_the_number(mode, f, request):
    with pytest.raises(TypeError) as error:
        KINDS[mode](f)
    assert f" tracer of {mode}" in str(error.value)
    assert_short(str(error.value))


def test_of_runs_within_runs_the_mode_is_that_of_the_inner_one():
    reverse, forward = KINDS["reverse mode (vjp)"], KINDS["forward mode (jvp)"]
    for outer, inner, mode in ((reverse, forward, "forward mode (jvp)"), (forward, reverse, "reverse mode (vjp)")):
        with pytest.raises(TypeError, match=re.escape(f"math.sin takes plain numbers, not a tracer of {mode}. Use np.sin.")):
            outer(lambda x, inner=inner: x * inner(lambda y: math.sin(y)))
