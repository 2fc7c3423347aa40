"""What no tracer can go into is refused by the name that the user wrote, with a remedy that works."""

import cmath
import contextlib
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
import scratch_ad.numpy
from jax_ref.referee.precise import precise
from scratch_ad import refusals
from scratch_ad.registry import load_rules, rule_of
from scratch_ad.rule import Refused
from scratch_ad.scipy import fft, integrate, interpolate, linalg, optimize, signal, sparse, special, stats
from scratch_ad.scipy.spatial import distance

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


OPTIONS = {"rtol": 1e-12, "atol": 1e-12}
TIGHT = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}


def kaiser(x):
    t = np.linspace(-1, 1, 5)
    return np.i0(x[0] * np.sqrt(1 - t**2)) / np.i0(x[0])


MODULES = (cmath, distance, fft, functools, integrate, interpolate, io, jax, linalg, math, operator, optimize, scipy)
MODULES += (signal, sparse, special, statistics, stats)
NAMES = {module.__name__.rpartition(".")[2]: module for module in MODULES} | {
    function.__name__: function for function in (kaiser, scratch_ad.grad)
}
NAMES |= {
    "np": np,
    "snp": scratch_ad.numpy,
    "A": A,
    "X": X,
    "MODEL": MODEL,
    "SPLINE": SPLINE,
    "SQUARES": SQUARES,
    "dot": A.dot,
    "full": np.full,
}
NAMES |= {"partial": functools.partial(np.full, 3), "stop": scratch_ad.stop_gradient}
NAMES |= {"snp": scratch_ad.numpy, "OPTIONS": OPTIONS, "TIGHT": TIGHT}


def written(program, make=lambda x: np.zeros(3)):
    """A program that is text, so that there is no source to look at: an expression, or statements that set ``arr``."""

    def run(x):
        scope = {**NAMES, "x": x, "arr": make(x), "rng": np.random.default_rng(0)}
        try:
            result = eval(program, scope)
        except SyntaxError:
            exec(program, scope)
            result = None
        return scope["arr"] if result is None else result

    return run


MAKE = " ... into a plain array. Make the array with np.zeros_like(x) or np.zeros(shape, like=x), or "
LIKE = " ... arr with np.zeros_like(x) or np.zeros(shape, like=x), or import scratch_ad.numpy as np"
STACK = " ... np.stack or np.concatenate in place of a list"
OURS = " the same function with a derivative"
REFUSED = [  # a program with a plain ``arr``; as the message says, None if only ``arr`` is made so; the message
    # writes into plain arrays
    ("arr[1] = x[0] ** 2", None, "arr[i] = x" + MAKE),
    ("arr[1:] = x[:2]", None, "arr[i" + MAKE),
    ("arr.flat = x * 2", None, "arr.attribute = x" + MAKE),
    ("arr[arr == 0] = x * 3", None, "arr[i] = x" + MAKE),
    ("arr += x", "arr = arr + x", "arr += x ... arr = arr + x" + LIKE),
    ("arr[:2] *= x[:2]", None, "arr *= x" + LIKE),
    ("arr /= 1 / x", "arr = arr / (1 / x)", "arr /= x ... arr = arr / x"),
    ("arr.fill(x[0])", None, "np.ndarray.fill" + MAKE),
    ("arr.put([0, 2], x[:2])", None, "np.ndarray.put" + MAKE),
    ("operator.setitem(arr, 0, x[0])", None, "operator.setitem" + MAKE),
    ("np.copyto(arr, x)", None, "np.copyto" + MAKE),
    ("np.put(arr, [1], x[0])", None, "np.put" + MAKE),
    ("np.place(arr, [1, 0, 1], x)", None, "np.place" + MAKE),
    ("np.putmask(arr, [1, 0, 1], x)", None, "np.putmask" + MAKE),
    ("np.add.at(arr, [0, 0], x[:2])", None, "np.add.at" + MAKE),
    (
        "arr = np.zeros((3, 3)); np.fill_diagonal(arr, x)",
        "arr = np.zeros((3, 3), like=x); np.fill_diagonal(arr, x)",
        "np.fill_diagonal" + MAKE,
    ),
    ("np.sin(x, out=np.zeros(3))", "np.sin(x)", "np.sin(…, out=arr) ... Use what it returns" + LIKE),
    ("np.sum(x, out=np.zeros(()))", "np.sum(x)", "np.sum(…, out=arr) ... Use what it returns"),
    ("x.cumsum(out=np.zeros(3))", "np.cumsum(x)", "np.cumsum(…, out=arr) ... Use what it returns"),
    ("np.cumsum(x, 0, None, np.zeros(3))", "np.cumsum(x)", "np.cumsum(…, out=arr) ... Use what it returns"),
    (
        "arr = snp.arange(3) * 0.5; arr[0] = x[0]",
        "arr = snp.arange(3.0) * 0.5; arr[0] = x[0]",
        "arr ... np.arange(6.0)",
    ),
    (
        "arr = snp.mgrid[0:3] * 0.5; arr[0] = x[0]",
        "arr = snp.arange(3.0) * 0.5; arr[0] = x[0]",
        "arr ... np.arange(6.0)",
    ),
    # lists of tracers
    ("np.array([x[0], x[1]])", "np.stack([x[0], x[1]])", "np.array ... np.stack"),
    ("np.array([[x[0], 1], [2, x[1]]])", "np.array([[x[0], 1], [2, x[1]]], like=x)", "np.array ... like=x"),
    ("np.array(x)", "np.copy(x)", "np.array ... np.copy(x)"),
    ("np.mean([x, x + 2])", "np.mean(np.stack([x, x + 2]))", "np.mean" + STACK),
    ("np.sin([x[0], x[1]])", "np.sin(np.stack([x[0], x[1]]))", "np.sin" + STACK),
    ("np.linalg.norm([x[0], x[1]])", "np.linalg.norm(np.stack([x[0], x[1]]))", "np.linalg.norm" + STACK),
    ("A @ [x[0], x[1], 1.0]", "A @ np.stack([x[0], x[1], 1.0])", "arr @ […]" + STACK),
    (
        "np.fromiter((v * v for v in x), float)",
        "np.stack(list((v * v for v in x)))",
        "np.fromiter ... np.stack(list(…))",
    ),
    # an argument beside the arrays, of which NumPy does not ask
    (
        "np.linalg.pinv(A, rtol=x[0])",
        "np.linalg.pinv(A, rtol=stop(x[0]))",
        "np.linalg.pinv ... which is plain",
    ),
    ("X * np.linalg.matrix_rank(A, tol=x[0])", "X * np.linalg.matrix_rank(A, tol=stop(x[0]))", "np.linalg.matrix_rank"),
    ("np.linalg.lstsq(A, X, rcond=x[0])[0]", "np.linalg.lstsq(A, X, rcond=stop(x[0]))[0]", "np.linalg.lstsq ... rcond"),
    ("np.var(X, ddof=x[0])", "np.sum((X - np.mean(X))**2) / (X.size - x[0])", "np.var ... / (a.size - ddof)"),
    ("np.std(X, ddof=x[0])", "np.sqrt(np.sum((X - np.mean(X))**2) / (3 - x[0]))", "np.std ... / (a.size - ddof)"),
    (
        "np.unwrap(X * 9, period=x[0])",
        "x[0] / 2 / np.pi * np.unwrap(2 * np.pi / x[0] * X * 9)",
        "np.unwrap ... in place of period=p",
    ),
    ("np.linalg.norm(X, ord=x[0])", "np.sum(np.abs(X)**x[0])**(1 / x[0])", "np.linalg.norm ... in place of ord=p"),
    ("np.nanstd(X, mean=x[0])", "np.sqrt(np.nanmean((X - x[0])**2))", "np.nanstd ... np.nansum((a - mean)**2)"),
    ("np.nanvar(X, mean=x[0])", "np.nanmean((X - x[0])**2)", "np.nanvar ... np.nansum((a - mean)**2)"),
    ("np.amax(X, initial=x[1] * 9)", "np.maximum(np.max(X), x[1] * 9)", "np.amax ... in place of initial=x"),
    ("np.take(X, x[2] - 0.7)", "np.take(X, (x[2] - 0.7).astype(int))", "np.take ... An index is an integer"),
    ("np.sum(X, where=x[0])", "np.sum(X, where=x[0] != 0)", "np.add.reduce(…, where=x) ... where=x != 0"),
    # NumPy's functions that do not ask tracers
    ("np.asarray(x) ** 2", "x ** 2", "np.asarray ... Leave it out"),
    ("np.asanyarray(x) ** 2", "x ** 2", "np.asanyarray ... Leave it out"),
    ("np.asarray([x[0], x[1]])", "np.stack([x[0], x[1]])", "np.asarray ... np.stack"),
    ("np.asarray_chkfinite(x) ** 2", "x ** 2", "np.asarray_chkfinite ... Leave it out"),
    ("np.full(3, x[0])", "np.broadcast_to(x[0], 3)", "np.full ... np.broadcast_to(x, shape)"),
    ("np.full(3, x[0])", "np.full(3, x[0], like=x[0])", "np.full ... np.full(shape, x, like=x)"),
    ("np.full_like(A, x[0])", "np.full(A.shape, x[0], like=x[0])", "np.full_like ... np.full(a.shape, x, like=x)"),
    ("np.arange(x[0], x[0] + 3)", "x[0] + 1 * np.arange(3)", "np.arange ... start + step * np.arange(n)"),
    ("np.r_[x, 1.0]", "np.append(x, 1.0)", "np.r_ ... np.append"),
    ("np.c_[x, x]", "np.column_stack([x, x])", "np.c_ ... np.column_stack"),
    ("np.mgrid[x[0]:x[0] + 3]", "np.linspace(x[0], x[0] + 2, 3)", "np.mgrid ... np.linspace"),
    ("np.vectorize(lambda t: t ** 2 if t > 1 else t)(x)", "np.where(x > 1, x ** 2, x)", "np.vectorize ... np.where"),
    ("SQUARES(x)", "x * x", "np.vectorize ... whole array"),
    ("np.kaiser(5, x[0])", "kaiser(x)", "np.kaiser ... np.i0(beta * np.sqrt(1 - t**2)) / np.i0(beta)"),
    (
        "np.hanning(int(x[1] + 2) if type(x) is np.ndarray else x[1] + 2) * x[0]",
        "np.hanning(int(stop(x[1] + 2))) * x[0]",
        "np.hanning ... scratch_ad.stop_gradient",
    ),
    (
        "np.poly1d([x[0], x[1]])(x[2])",
        "np.polyval(np.stack([x[0], x[1]]), x[2])",
        "np.poly1d ... np.polyval(coefficients, x)",
    ),
    (
        "np.polynomial.Polynomial(x)(2.0)",
        "np.polyval(x[::-1], 2.0)",
        "np.polynomial.Polynomial ... np.polyval(c[::-1], x)",
    ),
    (
        "np.polynomial.Polynomial([1.0, 2.0, 3.0])(x)",
        "np.polyval([3.0, 2.0, 1.0], x)",
        "np.polynomial.Polynomial ... np.polyval",
    ),
    (
        "np.polynomial.Chebyshev(np.arange(4.0))(x)",
        "np.polyval(np.polynomial.chebyshev.cheb2poly(np.arange(4.0))[::-1], x)",
        "np.polynomial.Chebyshev ... cheb2poly",
    ),
    (
        "np.polynomial.polynomial.polyval(2.0, x)",
        "np.polyval(x[::-1], 2.0)",
        "np.polynomial.polynomial.polyval ... np.polyval",
    ),
    ("rng.normal(x, 2.0)", "x + 2.0 * rng.normal(size=3)", "np.random.Generator.normal ... loc + scale * rng.normal"),
    (
        "np.random.default_rng(0).normal(x)",
        "x + np.random.default_rng(0).normal(size=3)",
        "np.random.Generator.normal ... loc + scale",
    ),
    (
        "rng.choice(3, p=x / x.sum())",
        "rng.choice(3, p=stop(x / x.sum()))",
        "np.random.Generator.choice ... p=scratch_ad.stop_gradient(p)",
    ),
    ("np.array(np.matrix(A) @ np.matrix(x).T)[:, 0]", "A @ x", "np.matrix ... @"),
    ("np.array(np.bmat([[x, x]]))", "np.block([[x, x]])", "np.bmat ... np.block"),
    ("np.ma.masked_greater(x, 1).filled(0)", "np.where(x > 1, 0, x)", "np.ma.masked_greater ... np.where(mask, …)"),
    ("np.ma.array(x, mask=[1, 0, 0]).filled(0)", "np.where([1, 0, 0], 0, x)", "np.ma.array ... np.where"),
    (
        "sum((v * i[0] for i, v in np.ndenumerate(x)))",
        "sum((x[i] * i[0] for i in np.ndindex(x.shape)))",
        "np.ndenumerate ... np.ndindex(x.shape)",
    ),
    (
        "np.testing.assert_allclose(x, x) or x",
        "np.testing.assert_allclose(stop(x), stop(x)) or x",
        "np.testing.assert_allclose ... scratch_ad.stop_gradient",
    ),
    ("np.float64(x[0]) ** 2", "x[0].astype(np.float64) ** 2", "np.float64 ... x.astype(np.float64)"),
    ("np.int64(x[0]) * x", "x[0].astype(np.int64) * x", "np.int64 ... x.astype(np.int64)"),
    ("np.sum(A, initial=x[0])", "np.sum(A) + x[0]", "np.sum ... np.sum(a) + x"),
    ("np.nansum(A, initial=x[0])", "np.nansum(A) + x[0]", "np.nansum ... np.nansum(a) + x"),
    ("np.nanprod(A, initial=x[0])", "np.nanprod(A) * x[0]", "np.nanprod ... np.nanprod(a) * x"),
    (
        "np.nanmax(A / 20, initial=x[0])",
        "np.maximum(np.nanmax(A / 20), x[0])",
        "np.nanmax ... np.maximum(np.nanmax(a), x)",
    ),
    (
        "np.nanmin(A + 9, initial=x[0])",
        "np.minimum(np.nanmin(A + 9), x[0])",
        "np.nanmin ... np.minimum(np.nanmin(a), x)",
    ),
    (
        "np.interp(X, X[:1] + 1, X[:1], left=x[0])",
        "np.where(X < X[0] + 1, x[0], np.interp(X, X[:1] + 1, X[:1]))",
        "np.interp ... np.where(x < xp[0], left, np.interp(x, xp, fp))",
    ),
    (
        "np.pad(X, 1, constant_values=x[0])",
        "np.pad(np.asarray(X, like=x), 1, constant_values=x[0])",
        "np.pad ... np.asarray(a, like=x)",
    ),
    (
        "np.pad(X, 2, 'linear_ramp', end_values=x[0])",
        "np.pad(snp.asarray(X), 2, 'linear_ramp', end_values=x[0])",
        "np.pad ... scratch_ad.numpy",
    ),
    (
        "np.select([X > 1], [X], default=x[0])",
        "np.select([X > 1], [np.asarray(X, like=x)], default=x[0])",
        "np.select ... np.asarray(a, like=x)",
    ),
    (
        "np.piecewise(X, [X > 1], [x[0], 0.0])",
        "np.piecewise(np.asarray(X, like=x), [X > 1], [x[0], 0.0])",
        "np.piecewise ... np.asarray(a, like=x)",
    ),
    (
        "np.lib.stride_tricks.as_strided(x, (2, 2), (8, 8))",
        "np.ravel(x)[np.lib.stride_tricks.as_strided(np.arange(x.size, dtype=f'i{x.itemsize}'), (2, 2), (8, 8))]",
        "np.lib.stride_tricks.as_strided ... np.ravel(x)[as_strided(np.arange(x.size, ",
    ),
    (
        "np.broadcast(x, A).shape[0] * x",
        "np.broadcast_shapes(x.shape, A.shape)[0] * x",
        "np.broadcast ... np.broadcast_shapes(a.shape, b.shape)",
    ),
    (
        "np.take_along_axis(X, x.astype(int) if type(x) is np.ndarray else x, 0) * x",
        "np.take_along_axis(X, x.astype(int), 0) * x",
        "np.take_along_axis ... i.astype(int)",
    ),
    ("np.frombuffer(x, like=x) * x", "np.ravel(x) * x", "np.frombuffer ... np.ravel(x)"),
    (
        "np.eye(int(x[1]) if type(x) is np.ndarray else x[1], 3, like=x) @ x",
        "np.eye(int(stop(x[1])), 3, like=x) @ x",
        "np.eye ... int(scratch_ad.stop_gradient(x))",
    ),
    ("np.bool_(x[0]) * x", "x[0].astype(np.bool_) * x", "np.bool_ ... x.astype(np.bool_)"),
    ("np.double(x[0]) * x", "x[0].astype(np.double) * x", "np.double ... x.astype(np.double)"),
    # methods of plain arrays
    ("A.T.dot(x)", "A.T @ x", "np.ndarray.dot ... A @ x"),
    ("A.dot(x)", "np.dot(A, x)", "np.ndarray.dot ... np.dot(A, x)"),
    ("MODEL.weights.dot(x)", "MODEL.weights @ x", "np.ndarray.dot ... A @ x"),
    ("MODEL.matrix.dot(x)", "MODEL.matrix @ x", "np.ndarray.dot ... A @ x"),
    ("np.ndarray.dot(A, x)", "A @ x", "np.ndarray.dot ... A @ x"),
    ("dot(x)", "A @ x", "np.ndarray.dot ... A @ x"),
    ("np.ones(3).sum(initial=x[0])", "np.sum(np.ones(3)) + x[0]", "np.ndarray.sum ... np.sum(a) + x"),
    ("A.prod(initial=x[0])", "np.prod(A) * x[0]", "np.ndarray.prod ... np.prod(a) * x"),
    ("(A / 20).max(initial=x[0])", "np.maximum(np.max(A / 20), x[0])", "np.ndarray.max ... np.maximum(np.max(a), x)"),
    ("(A + 9).min(initial=x[0])", "np.minimum(np.min(A + 9), x[0])", "np.ndarray.min ... np.minimum"),
    (
        "np.array([0, 1, 0]).choose([x, x * 2])",
        "np.choose(np.array([0, 1, 0]), [x, x * 2])",
        "np.ndarray.choose ... np.choose(a, …)",
    ),
    (
        "np.arange(3.0).searchsorted(x) * x",
        "np.searchsorted(np.arange(3.0), x) * x",
        "np.ndarray.searchsorted ... np.searchsorted(a, …)",
    ),
    ("X[x.astype(int) if type(x) is np.ndarray else x]", "X[x.astype(int)]", "arr[x] ... arr[x.astype(int)]"),
    # methods of tracers
    ("x.copy().resize(2) or x[:2]", "np.resize(x, 2)", ".resize() ... np.resize"),
    ("arr = x * 1; arr.setfield(9.0, float)", "arr = np.where(True, 9.0, x)", ".setfield() ... np.where"),
    ("x.byteswap().size * x", "stop(x).byteswap().size * x", ".byteswap() ... scratch_ad.stop_gradient"),
    ("len(x.tobytes()) * x", "len(stop(x).tobytes()) * x", ".tobytes() ... scratch_ad.stop_gradient"),
    ('x.view("f8") * 2', 'x.astype("f8") * 2', ".view() as another dtype ... .astype"),
    ("np.sqrt(x, where=x > 0)", "np.where(x > 0, np.sqrt(x), 0)", "np.sqrt: where= ... np.where(condition"),
    (
        "np.frompyfunc(lambda t: t ** 2, 1, 1)(x).astype(float)",
        "x ** 2",
        "np.frompyfunc(<lambda>, …) has no rule ... in NumPy functions that have one",
    ),
    ("np.save(io.BytesIO(), x) or x", "np.save(io.BytesIO(), stop(x)) or x", "np.save ... writes a file"),
    # numbers of Python's
    ("float(x[0]) ** 2", "x[0] ** 2", "float ... Leave it out"),
    ("int(x[0]) * x", "int(stop(x[0])) * x", "int ... int(scratch_ad.stop_gradient(x))"),
    ("abs(complex(x[0]))", "abs(x[0] + 0j)", "complex ... x + 0j"),
    (
        "sum(range(int(x[0]) if type(x) is np.ndarray else x[0]), x)",
        "sum(range(int(stop(x[0]))), x)",
        "range ... int(scratch_ad.stop_gradient(x))",
    ),
    ("sum(map(float, x))", "sum(x)", "float, or what calls it, ... Leave it out"),
    ("sum(map(math.sin, x))", "sum(map(np.sin, x))", "float, or what calls it, ... use np.sin for math.sin"),
    ('float("%.20f" % x[0]) and x', 'float(f"{x[0]:.3f}") and x', '"…" % x ... f"{x:.3f}"'),
    ("math.sin(x[0])", "np.sin(x[0])", "math.sin ... Use np.sin."),
    ("math.pow(x[0], x[1])", "np.pow(x[0], x[1])", "math.pow ... Use np.pow."),
    ("math.atan2(x[0], x[1])", "np.atan2(x[0], x[1])", "math.atan2 ... Use np.atan2."),
    ("math.floor(x[0]) * x", "np.floor(x[0]) * x", "math.floor ... Use np.floor."),
    ("math.trunc(x[0]) * x", "np.trunc(x[0]) * x", "math.trunc ... Use np.trunc."),
    ("math.isnan(x[0]) * x", "np.isnan(x[0]) * x", "math.isnan ... Use np.isnan."),
    ("math.fsum(x)", "np.sum(x)", "math.fsum ... Use np.sum."),
    ("math.dist(x, A[0])", "np.linalg.norm(x - A[0])", "math.dist ... np.linalg.norm(p - q)"),
    (
        "math.remainder(x[1], x[0] + 1)",
        "x[1] - (x[0] + 1) * np.round(x[1] / (x[0] + 1))",
        "math.remainder ... x - y * np.round(x / y)",
    ),
    ("math.gamma(x[0])", "scipy.special.gamma(x[0])", "math.gamma ... scipy.special.gamma"),
    ("math.lgamma(x[0])", "scipy.special.gammaln(x[0])", "math.lgamma ... scipy.special.gammaln"),
    (
        "math.factorial(int(x[1]) if type(x) is np.ndarray else x[1]) * x",
        "scipy.special.gamma(np.floor(x[1]) + 1) * x",
        "math.factorial ... scipy.special.gamma(x + 1)",
    ),
    (
        "math.comb(5, 2 if type(x) is np.ndarray else x[1]) * x",
        "scipy.special.binom(5, np.floor(x[1])) * x",
        "math.comb ... scipy.special.binom",
    ),
    (
        "math.isqrt(int(x[1]) if type(x) is np.ndarray else x[1]) * x",
        "np.floor(np.sqrt(x[1])) * x",
        "math.isqrt ... np.floor(np.sqrt(x))",
    ),
    ("math.ulp(x[0]) * x", "np.spacing(x[0]) * x", "math.ulp ... np.spacing"),
    ("math.erf(x[0])", "scipy.special.erf(x[0])", "math.erf ... scipy.special.erf"),
    ("cmath.exp(x[0]).real", "np.exp(x[0] + 0j).real", "cmath.exp ... np.exp(x + 0j)"),
    ("cmath.phase(x[0]) * x", "np.angle(x[0]) * x", "cmath.phase ... np.angle"),
    ("cmath.rect(x[0], x[1]).imag", "(x[0] * np.exp(1j * x[1])).imag", "cmath.rect ... r * np.exp(1j * phi)"),
    ("cmath.polar(x[0])[0]", "np.abs(x[0])", "cmath.polar ... np.abs"),
    ("statistics.fmean(x)", "np.mean(x)", "statistics.fmean ... np.mean"),
    ("statistics.mean(x)", "np.mean(x)", "statistics.mean ... np.mean"),
    ("statistics.variance(x)", "np.var(x, ddof=1)", "statistics.variance ... np.var(x, ddof=1)"),
    ("statistics.stdev(x)", "np.std(x, ddof=1)", "statistics.stdev ... np.std(x, ddof=1)"),
    # another library's
    ("jax.numpy.array([x, x]).size * x", "2 * np.size(x) * x", "jax.numpy.array ... Write it in NumPy"),
    # SciPy's
    (
        "scipy.linalg.cho_solve((A + x[0] * np.eye(3), True), X)",
        "linalg.cho_solve((A + x[0] * np.eye(3), True), X)",
        "scipy.linalg.cho_solve ... scratch_ad.scipy.linalg.cho_solve," + OURS,
    ),
    (
        "scipy.linalg.expm(A / 9 * x)",
        "linalg.expm(A / 9 * x)",
        "scipy.linalg.expm ... scratch_ad.scipy.linalg.expm," + OURS,
    ),
    ("scipy.linalg.solve(A, x)", "linalg.solve(A, x)", "scipy.linalg.solve ... scratch_ad.scipy.linalg.solve," + OURS),
    (
        "scipy.special.logsumexp(x)",
        "special.logsumexp(x)",
        "scipy.special.logsumexp ... scratch_ad.scipy.special.logsumexp," + OURS,
    ),
    (
        "scipy.signal.convolve(x, x)",
        "signal.convolve(x, x)",
        "scipy.signal.convolve ... scratch_ad.scipy.signal.convolve," + OURS,
    ),
    ("scipy.fft.dct(x)", "fft.dct(x)", "scipy.fft.dct ... scratch_ad.scipy.fft.dct," + OURS),
    ("scipy.fft.rfft(x).real", "np.fft.rfft(x).real", "scipy.fft.rfft ... np.fft.rfft"),
    (
        "scipy.linalg.lapack.dpotrf(A @ A.T + x[0])[0].sum()",
        "np.linalg.cholesky((A @ A.T + x[0]).T).T.sum()",
        "scipy.linalg.lapack.dpotrf ... np.linalg",
    ),
    (
        "scipy.integrate.solve_ivp(lambda t, y: -x[0] * y, (0, 1), [1.0], **OPTIONS).y[0, -1]",
        "integrate.solve_ivp(lambda t, y: -x[0] * y, (0, 1), [1.0], **OPTIONS).y[0, -1]",
        "scipy.integrate.solve_ivp ... scratch_ad.scipy.integrate.solve_ivp," + OURS,
    ),
    (
        "scipy.integrate.odeint(lambda y, t: [-x[0] * y[0]], [1.0], [0.0, 1.0], **OPTIONS)[-1, 0]",
        "integrate.odeint(lambda y, t: [-x[0] * y[0]], [1.0], [0.0, 1.0], **OPTIONS)[-1, 0]",
        "scipy.integrate.odeint ... scratch_ad.scipy.integrate.odeint," + OURS,
    ),
    (
        "scipy.integrate.quad(lambda t: np.exp(x[0] * t), 0, 1)[0]",
        "integrate.quad(lambda t: np.exp(x[0] * t), 0, 1)[0]",
        "scipy.integrate.quad ... scratch_ad.scipy.integrate.quad," + OURS,
    ),
    (
        "scipy.integrate.trapezoid(x)",
        "integrate.trapezoid(x)",
        "scipy.integrate.trapezoid ... scratch_ad.scipy.integrate.trapezoid," + OURS,
    ),
    (
        "scipy.integrate.tanhsinh(lambda t: np.exp(x[0] * t), 0, 1).integral",
        "integrate.quad(lambda t: np.exp(x[0] * t), 0, 1)[0]",
        "scipy.integrate.tanhsinh ... Use quad",
    ),
    (
        "scipy.optimize.least_squares(lambda y: y ** 3 + y - x[0], 1.0, **TIGHT).x[0]",
        "optimize.least_squares(lambda y: y ** 3 + y - x[0], 1.0, **TIGHT).x[0]",
        "scipy.optimize.least_squares ... scratch_ad.scipy.optimize.least_squares," + OURS,
    ),
    (
        "scipy.optimize.broyden1(lambda y: y ** 3 + y - x[0], 1.0, f_tol=1e-14)[()]",
        "optimize.root(lambda y: y ** 3 + y - x[0], 1.0, tol=1e-14).x[0]",
        "scipy.optimize.broyden1 ... root, minimize or the like of scratch_ad.scipy.optimize",
    ),
    (
        "SPLINE(x)",
        "interpolate.CubicSpline(np.arange(5.0), np.arange(5.0) ** 2)(x)",
        "scipy.interpolate.CubicSpline ... scratch_ad.scipy.interpolate.CubicSpline," + OURS,
    ),
    (
        "scipy.interpolate.InterpolatedUnivariateSpline(np.arange(5.0), np.arange(5.0) ** 2)(x)",
        "interpolate.make_interp_spline(np.arange(5.0), np.arange(5.0) ** 2)(x)",
        "scipy.interpolate.InterpolatedUnivariateSpline ... CubicSpline, make_interp_spline or interpn",
    ),
    (
        "scipy.stats.norm.logpdf(x, 0.5, 2.0)",
        "stats.norm.logpdf(x, 0.5, 2.0)",
        "scipy.stats.norm.logpdf ... scratch_ad.scipy.stats.norm.logpdf," + OURS,
    ),
    ("scipy.stats.skew(x)", "np.mean((x - x.mean()) ** 3) / np.std(x) ** 3", "scipy.stats.skew ... formula in NumPy"),
    (
        "scipy.spatial.distance.cdist(x[:, None], A[:, :1])",
        "distance.cdist(x[:, None], A[:, :1])",
        "scipy.spatial.distance.cdist ... scratch_ad.scipy.spatial.distance.cdist," + OURS,
    ),
    (
        "scipy.sparse.linalg.spsolve(scipy.sparse.csc_matrix(A), x)",
        "sparse.linalg.spsolve(scipy.sparse.csc_matrix(A), x)",
        "scipy.sparse.linalg.spsolve ... scratch_ad.scipy.sparse.linalg.spsolve," + OURS,
    ),
    (
        "scipy.sparse.csr_array((x, ([0, 1, 2], [0, 1, 2]))) @ X",
        "sparse.csr_array((x, ([0, 1, 2], [0, 1, 2]))) @ X",
        "scipy.sparse.csr_array ... scratch_ad.scipy.sparse.csr_array," + OURS,
    ),
    (
        "scipy.sparse.coo_matrix((x, ([0, 1, 2], [0, 1, 2])), shape=(3, 3)) @ X",
        "sparse.coo_matrix((x, ([0, 1, 2], [0, 1, 2])), shape=(3, 3)) @ X",
        "scipy.sparse.coo_matrix ... scratch_ad.scipy.sparse.coo_matrix," + OURS,
    ),
    (
        "scipy.sparse.linalg.cg(scipy.sparse.csc_matrix(A @ A.T), x, rtol=1e-13)[0]",
        "np.linalg.solve(scipy.sparse.csc_matrix(A @ A.T).toarray(), x)",
        "scipy.sparse.linalg.cg ... np.linalg.solve ... toarray()",
    ),
    (
        "scipy.ndimage.median_filter(x, 3)",
        'np.median(np.lib.stride_tricks.sliding_window_view(np.pad(x, 1, "edge"), 3), axis=-1)',
        "scipy.ndimage.median_filter ... NumPy calls on whole arrays",
    ),
]
if hasattr(math, "fma"):
    REFUSED.append(("math.fma(x[0], 2.0, 1.0) * x", "(x[0] * 2.0 + 1.0) * x", "math.fma ... Write"))
CASES = pytest.mark.parametrize(
    ("f", "rewritten", "words"),
    [(written(program), written(rewritten or program, np.zeros_like), words) for program, rewritten, words in REFUSED],
    ids=[program for program, *_ in REFUSED],
)


def refusal(f, mode):
    """The error that a program ends with."""
    with pytest.raises((TypeError, NotImplementedError)) as error:
        MODES[mode](f)
    return error.value


def assert_short(message):
    """One or two sentences that can be read at a glance."""
    assert len(message) <= 240
    assert message.endswith(".")
    assert len(re.findall(r"[.?!](?= [A-Z]|$)", message)) <= 2


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("mode", MODES)
@CASES
def test_the_message_names_what_was_written(f, rewritten, words, mode):
    error = refusal(f, mode)
    assert isinstance(error, (TypeError, NotImplementedError))
    assert re.match(".*".join(map(re.escape, words.split(" ... "))), str(error)), str(error)
    assert mode in str(error)
    assert_short(str(error))


@pytest.mark.filterwarnings("ignore:the matrix subclass", "ignore:'where' used without")
@CASES
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
    texts = [str(refusal(written(f), "reverse mode (vjp)")) for f, *_ in REFUSED]
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
            assert hasattr(np, name) or name == "sumprod", name  # which multiplies and adds, and so is right


def test_functions_without_a_derivative_say_so_at_a_glance():
    load_rules()
    refused = {function: rule for function, rule in rule_of.items() if isinstance(rule, Refused)}
    assert len(refused) > 40
    for function, rule in refused.items():
        with pytest.raises((TypeError, NotImplementedError)) as error:
            rule.rewrite("reverse mode (vjp)", function, (), {})
        assert_short(str(error.value))


# Where the call is looked for

SPELLED = [
    "np.full(*(3, x[0]))",
    "np.full(**{'shape': 3, 'fill_value': x[0]})",
    "np.full(shape=3, fill_value=x[0])",
    "(np\n.full\n(3, x[0]))",
    "np.full(\n3,\nx[0]\n)",
    "full(3, x[0])",
    "partial(x[0])",
    "getattr(np, 'full')(3, x[0])",
    "[np.full(3, v) for v in x]",
    "list(np.full(3, v) for v in x)",
    "list(map(np.full, [3, 3, 3], x))",
    "functools.reduce(np.full, x, 3)",
    "eval('np.full(3, x[0])')",
    "np.full(3, 1.0) + np.full(3, x[0])",
    "np.sin(np.full(3, np.cos(x[0])))",
    "scipy.integrate.solve_ivp(lambda t, y: np.full(3, x[0]), (0, 1), [1.0])",
    "np.apply_along_axis(lambda row: np.full(3, row[0]), 0, A * x)",
    "grad(lambda y: np.sum(np.full(3, y[0])))(x)",
    "from numpy import full as f; f(3, x[0])",
    "def f(y, full=np.full): return full(3, y[0])\nf(x)",
]


@pytest.mark.parametrize("program", SPELLED)
def test_a_call_is_found_however_it_is_spelled(program):
    assert str(refusal(written(program), "reverse mode (vjp)")).startswith("np.full takes")


@pytest.mark.parametrize(
    "program", ["(np\n.arange\n(x[0], 9.0))", "np.arange(\nx[0],\n9.0\n)", "(np\n.arange\n(*(x[0], 9.0)))"]
)
def test_a_call_over_several_lines_that_leaves_no_frame_is_found(program):
    assert str(refusal(written(program), "reverse mode (vjp)")).startswith("np.arange takes")


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
    for f, words in (
        (lambda x: np.full(3, x[0]), "np.asarray, or what calls it,"),
        (lambda x: math.sin(x[0]), "float, or"),
    ):
        message = str(refusal(f, "forward mode (jvp)"))
        assert message.startswith(words)
        assert_short(message)
    message = str(refusal(lambda x: np.copyto(np.zeros(3), x), "forward mode (jvp)"))
    assert message.startswith("np.copyto takes no tracer of forward mode (jvp) into a plain array. Make the array with")


def test_code_without_places_is_refused_too():
    code = "import numpy as np, scratch_ad; scratch_ad.vjp(lambda x: np.arange(x), 3.0)"
    run = subprocess.run([sys.executable, "-X", "no_debug_ranges", "-c", code], capture_output=True, text=True)
    assert "TypeError: np.asarray, or what calls it, takes plain numbers" in run.stderr


# What NumPy covers with an error of its own

COVERED = {
    "vjp": lambda f: scratch_ad.vjp(f, X),
    "jvp": lambda f: scratch_ad.jvp(f, (X,), (X,)),
    "linearize": lambda f: scratch_ad.linearize(f, X),
    "record": lambda f: scratch_ad.record(f, X),
    "expression": lambda f: scratch_ad.expression(f, (3,)),
}


@pytest.mark.parametrize("run", COVERED)
@pytest.mark.parametrize("inner", [None, "jvp"])
def test_the_refusal_comes_before_numpys_error_with_the_users_line(run, inner):
    def f(x):
        arr = np.zeros(3)
        arr[0] = x[0]
        return arr

    with pytest.raises(TypeError, match=r"arr\[i\] = x takes no tracer") as error:
        COVERED[run](f if inner is None else lambda x: COVERED[inner](lambda y: f(x * y)))
    assert error.value.__cause__ is None
    assert error.traceback[-1].name == "f"


def test_a_refusal_that_scipys_solver_in_c_loses_is_told(monkeypatch):
    """The solver goes on after an error of ``__float__``, which may or may not survive what it calls next."""

    def solve(f, a, b, *_):
        with contextlib.suppress(TypeError):
            float(f(a))
        raise ValueError("f(a) and f(b) must have different signs")

    for mode in MODES.values():
        with monkeypatch.context() as patched:
            patched.setattr(scipy.optimize._zeros_py._zeros, "_brentq", solve)
            with pytest.raises(TypeError, match="takes plain numbers"):
                mode(lambda x: scipy.optimize.brentq(lambda y: y - x[0], -10, 10))
        with pytest.raises(ValueError, match="must have different signs"):
            mode(lambda x: scipy.optimize.brentq(lambda y: y**2 + 1, -10, 10) * x)


@pytest.mark.parametrize("run", COVERED)
def test_errors_of_the_users_own_stay(run):
    def fails(error, cause):
        def f(x):
            raise error from cause

        return f

    for cause in (None, KeyError("plain"), TypeError("plain")):
        error = ValueError("of the user's")
        with pytest.raises(ValueError, match="of the user's") as raised:
            COVERED[run](fails(error, cause))
        assert raised.value is error
    with pytest.raises(ValueError, match="setting an array element with a sequence"):
        COVERED[run](lambda x: np.zeros(3).__setitem__(0, [1.0, 2.0]))


# What the transformations are given

GIVEN = {
    "Write jvp(f, (x,), (t,))": lambda: scratch_ad.jvp(np.sin, X, X),
    "Give the tangents in the primals' containers": lambda: scratch_ad.jvp(np.sin, (X,), ([X],)),
    "Give np.broadcast_to(t, x.shape)": lambda: scratch_ad.jvp(np.sin, (X,), (X[:1],)),
    "Make it with np.zeros_like(out) or np.ones_like(out)": lambda: scratch_ad.vjp(np.sin, X)[1](1.0),
    "Give them as the primals were given to linearize": lambda: scratch_ad.linearize(np.sin, X)[1]([X]),
    "Make it with np.zeros_like(x) or np.ones_like(x)": lambda: scratch_ad.linearize(np.sin, X)[1](1.0),
    "Return (output, aux)": lambda: scratch_ad.vjp(np.sin, X, has_aux=True),
}


@pytest.mark.parametrize("remedy", GIVEN)
def test_what_does_not_fit_is_refused_with_what_to_give(remedy):
    with pytest.raises((TypeError, ValueError), match=re.escape(f". {remedy}.") + "$"):
        GIVEN[remedy]()


# Every kind of number, and runs within runs

KINDS = {
    "reverse mode (vjp)": lambda f: scratch_ad.grad(f)(1.3),
    "forward mode (jvp)": lambda f: scratch_ad.jacfwd(f)(1.3),
    "recording": lambda f: scratch_ad.record(f, 1.3),
    "symbolic mode": lambda f: scratch_ad.expression(f, ()),
    "JAX": lambda f: jax_ref.grad(f)(1.3),
    "the referee": lambda f: f(precise(np.float64(1.3))),
}
RUNS = {
    "math.sin takes": lambda x: math.sin(x),
    "np.arange takes": lambda x: np.arange(x, 9.0),
    "arr += x takes": written("arr += x", lambda x: np.zeros(())),
    "np.array takes": lambda x: np.array([x, x]),
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
        with pytest.raises(
            TypeError, match=re.escape(f"math.sin takes plain numbers, not a tracer of {mode}. Use np.sin.")
        ):
            outer(lambda x, inner=inner: x * inner(lambda y: math.sin(y)))
