"""Integrals of samples, odd and even in number; tests/test_integrate.py has those of functions, and the solvers."""

from scratch_ad.scipy import integrate

from . import DOUBLE, DOUBLES, cases, positive

LACKS = "JAX has no such function"


def of(name, *arguments, dtypes=DOUBLES, **options):
    """Cases of ``scipy.integrate``'s function of this name, with these arguments."""
    cases(getattr(integrate, name), *(f"scipy.integrate.{name}({a})" for a in arguments), dtypes=dtypes, **options)


of("trapezoid", "a", "a, axis=0", a=(2, 3))
of("trapezoid", "a, np.cumsum(b) ** 2", "a, dx=b[0]", a=(2, 3), b=positive(3), dtypes=DOUBLE)
of("trapezoid", "a", a=(121,), dtypes=DOUBLE)
of(
    "cumulative_trapezoid",
    "a, np.cumsum(b), initial=0",
    "a, dx=b[0]",
    a=(2, 3),
    b=positive(3),
    differs=LACKS,
    dtypes=DOUBLE,
)
of("simpson", "a, np.cumsum(b)", "a[:, :4], np.cumsum(b[:4])", a=(2, 5), b=positive(5), differs=LACKS, dtypes=DOUBLE)
of("simpson", "a.T, dx=b, axis=0", a=(2, 4), b=positive(), differs=LACKS, dtypes=DOUBLE)
of("cumulative_simpson", "a, x=np.cumsum(b), initial=b[0]", a=(2, 5), b=positive(5), differs=LACKS, dtypes=DOUBLE)
of("romb", "a, b", "a.T, axis=0, dx=b", a=(2, 5), b=positive(), differs=LACKS, dtypes=DOUBLE)
