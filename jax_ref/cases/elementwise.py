"""The elementwise functions: each over the same shapes, broadcasting pairs and ways of writing it."""

import numpy as np

from . import ALL, DOUBLE, REAL, SHORT, Argument, above_one, anywhere, at, cases, inside_one, nonzero, point, positive

SHAPES = ((3,), (), (8, 16), (0, 3))
PAIRS = (
    ((2, 3), (2, 3)),
    ((8, 16), (16,)),
    ((16,), (8, 16)),
    ((2, 1), (1, 3)),
    ((), (2,)),
    ((3,), ()),
    ((), ()),
    ((0, 3), (1, 3)),
)


def unary(function, domain=anywhere, dtypes=ALL, name=None):
    call = f"np.{name or function.__name__}(a)"
    for shape in SHAPES:
        cases(function, call, a=domain(*shape), dtypes=dtypes)
    cases(function, call, a=domain(2), dtypes=SHORT if dtypes is ALL else SHORT[:1])


def binary(function, a=anywhere, b=anywhere, dtypes=ALL, operator=None):
    call = f"np.{function.__name__}(a, b)"
    for left, right in PAIRS:
        cases(function, call, a=a(*left), b=b(*right), dtypes=dtypes)
    cases(function, call, a=a(2), b=b(2), dtypes=SHORT if dtypes is ALL else SHORT[:1])
    either = b if a is anywhere else a  # the narrower domain
    cases(function, f"np.{function.__name__}(a, 2 * a[::-1])", a=either(4), dtypes=dtypes)
    if operator:
        cases(function, f"a {operator} b", f"a {operator} 1.5", a=a(2, 3), b=b(3), dtypes=dtypes)
        cases(function, f"1.5 {operator} a", a=either(2, 3), dtypes=dtypes)


wide = lambda *shape: Argument(shape, -6.0, 6.0)

# fmt: off
for function, domain, dtypes in (
    (np.negative,   anywhere,   ALL),
    (np.positive,   anywhere,   ALL),
    (np.absolute,   nonzero,    ALL),
    (np.fabs,       nonzero,    REAL),
    (np.conjugate,  anywhere,   ALL),
    (np.reciprocal, nonzero,    ALL),
    (np.square,     anywhere,   ALL),
    (np.sqrt,       positive,   ALL),
    (np.cbrt,       nonzero,    REAL),
    (np.exp,        anywhere,   ALL),
    (np.exp2,       anywhere,   ALL),
    (np.expm1,      anywhere,   ALL),
    (np.log,        positive,   ALL),
    (np.log2,       positive,   ALL),
    (np.log10,      positive,   ALL),
    (np.log1p,      positive,   ALL),
    (np.sin,        wide,       ALL),
    (np.cos,        wide,       ALL),
    (np.tan,        inside_one, ALL),
    (np.arcsin,     inside_one, ALL),
    (np.arccos,     inside_one, ALL),
    (np.arctan,     inside_one, ALL),
    (np.sinh,       anywhere,   ALL),
    (np.cosh,       anywhere,   ALL),
    (np.tanh,       anywhere,   ALL),
    (np.arcsinh,    inside_one, ALL),
    (np.arccosh,    above_one,  ALL),
    (np.arctanh,    inside_one, ALL),
    (np.degrees,    anywhere,   REAL),
    (np.radians,    anywhere,   REAL),
    (np.deg2rad,    anywhere,   REAL),
    (np.rad2deg,    anywhere,   REAL),
    (np.modf,       nonzero,    REAL),
    (np.frexp,      nonzero,    REAL),
    (np.sign,       nonzero,    REAL),
):
    unary(function, domain, dtypes)

for function, a, b, dtypes, operator in (
    (np.add,          anywhere, anywhere, ALL,  "+"),
    (np.subtract,     anywhere, anywhere, ALL,  "-"),
    (np.multiply,     anywhere, anywhere, ALL,  "*"),
    (np.divide,       anywhere, nonzero,  ALL,  "/"),
    (np.power,        positive, anywhere, ALL,  "**"),
    (np.float_power,  positive, anywhere, ALL,  None),
    (np.arctan2,      nonzero,  nonzero,  REAL, None),
    (np.hypot,        nonzero,  nonzero,  REAL, None),
    (np.logaddexp,    anywhere, anywhere, REAL, None),
    (np.logaddexp2,   anywhere, anywhere, REAL, None),
    (np.remainder,    anywhere, nonzero,  REAL, "%"),
    (np.fmod,         anywhere, nonzero,  REAL, None),
    (np.divmod,       anywhere, nonzero,  REAL, None),
    (np.copysign,     nonzero,  nonzero,  REAL, None),
    (np.maximum,      anywhere, anywhere, REAL, None),
    (np.minimum,      anywhere, anywhere, REAL, None),
    (np.fmax,         anywhere, anywhere, REAL, None),
    (np.fmin,         anywhere, anywhere, REAL, None),
    (np.heaviside,    nonzero,  anywhere, REAL, None),
):
    binary(function, a, b, dtypes, operator)
# fmt: on

cases(np.square, "a ** 2", "np.power(a, 2)", a=(2, 3))
cases(np.power, "a ** 3", "a ** -2", "2.0 ** a", "np.power(a, np.array([0, 1, 2]))", a=nonzero(2, 3))
cases(np.sqrt, "a ** 0.5", a=positive(3))
cases(np.absolute, "abs(a)", a=nonzero(3))
cases(np.negative, "-a", a=(3,))
cases(np.positive, "+a", a=(3,))
cases(np.add, "np.add(a, 1)", "np.add(a, np.ones(3, a.dtype))", "np.add([1.0, 2.0, 3.0], a)", a=(3,))
cases(
    np.multiply, "np.multiply(a, b, dtype=a.dtype)", "a * 2", "np.float64(2) * a", "a * np.float32(2)", a=(3,), b=(3,)
)
cases(np.exp, "np.exp(a, dtype=np.float64)", "np.sin(a, dtype=np.complex128, order='C')", a=(3,), dtypes=("float32",))
cases(np.divide, "np.divide(a, 3, dtype=np.float32, casting='same_kind')", a=(3,), dtypes=DOUBLE)
cases(np.ldexp, "np.ldexp(a, 3)", "np.ldexp(a, np.array([1, 2, -1]))", a=nonzero(3), dtypes=REAL)
cases(np.ldexp, "np.ldexp(a, 3)", a=at(0.0, 1.0), dtypes=REAL, differs="JAX's derivative at 0 is 1, not 8")
cases(np.divmod, "divmod(a, b)", a=(3,), b=nonzero(3), dtypes=REAL)

cases(np.nextafter, "np.nextafter(a, b)", a=nonzero(3), b=nonzero(3), dtypes=DOUBLE, differs="JAX has no derivative")
cases(np.sign, "np.sign(a)", a=nonzero(3), dtypes=("complex128",), differs="JAX gives zero for complex numbers")
cases(np._core.umath.clip, "np._core.umath.clip(a, -1.0, 1.0)", a=(2, 3), dtypes=REAL)

# at the edges
cases(np.absolute, "np.absolute(a)", a=at(0.0, -0.0, 1.0), dtypes=REAL, orders=1)
cases(
    np.maximum,
    "np.maximum(a, b)",
    "np.maximum(a, 1.0)",
    a=at(1.0, 2.0, 0.0),
    b=at(1.0, 1.0, 1.0),
    dtypes=REAL,
    orders=1,
)
cases(
    np.minimum,
    "np.minimum(a, b)",
    "np.minimum(a, 1.0)",
    a=at(1.0, 2.0, 0.0),
    b=at(1.0, 1.0, 1.0),
    dtypes=REAL,
    orders=1,
)
cases(np.power, "a ** 2.0", "a ** 1", "a ** 0", "a ** 3", a=at(0.0, 1.0, -1.0), dtypes=REAL)
cases(np.heaviside, "np.heaviside(0.0 * a, b)", a=nonzero(3), b=(3,), dtypes=REAL)
cases(np.arctan2, "np.arctan2(a, b)", a=at(0.0, 1.0, -1.0), b=at(-1.0, 0.0, 0.0), dtypes=REAL)
cases(np.tanh, "np.tanh(a)", a=at(-30.0, 0.0, 30.0), dtypes=REAL, differs="JAX takes 1 − y², which is 0 beyond ±19")
cases(np.logaddexp, "np.logaddexp(a, b)", a=at(1000.0, -1000.0), b=at(0.0, 0.0), dtypes=REAL)
cases(np.exp, "np.exp(a)", a=point(0.0))

# Of NumPy's Python layer
cases(np.real, "np.real(a)", "a.real", a=(2, 3))
cases(np.imag, "np.imag(a)", "a.imag", a=(2, 3))
cases(np.real, "np.real(a)", a=())
cases(np.imag, "np.imag(a)", a=())
cases(np.angle, "np.angle(a)", "np.angle(a, deg=True)", a=nonzero(2, 3))
cases(np.sinc, "np.sinc(a)", a=nonzero(2, 3), dtypes=REAL)
cases(np.sinc, "np.sinc(a)", a=at(0.0, 1.0), dtypes=REAL)
cases(np.i0, "np.i0(a)", a=nonzero(8, 16), dtypes=REAL)
cases(np.i0, "np.i0(a)", a=at(0.0, 1.0), dtypes=REAL, orders=1)
cases(np.unwrap, "np.unwrap(a)", a=Argument((5,), -8.0, 8.0), dtypes=REAL)
