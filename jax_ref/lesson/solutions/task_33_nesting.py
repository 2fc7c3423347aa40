"""Derivatives of derivatives: dual numbers of dual numbers, each knowing to which derivative it belongs."""

import itertools
import math

levels = itertools.count(1)


class Dual:
    """``level``: of the derivative that it belongs to, an inner one's is larger; value and tangent may be of others."""

    def __init__(self, value, tangent, level):
        self.value, self.tangent, self.level = value, tangent, level

    def __add__(self, other):
        (a, da), (b, db), level = parts(self, other)
        return Dual(a + b, da + db, level)

    def __mul__(self, other):
        (a, da), (b, db), level = parts(self, other)
        return Dual(a * b, da * b + a * db, level)

    __radd__, __rmul__ = __add__, __mul__


def parts(x, y):
    """Value and tangent of both at the larger of their levels, and this: what belongs to another is constant there."""
    # solution
    level = max(getattr(x, "level", 0), getattr(y, "level", 0))
    at = lambda z: (z.value, z.tangent) if getattr(z, "level", 0) == level else (z, 0.0)
    return at(x), at(y), level
    # end


def sin(x):
    return Dual(sin(x.value), cos(x.value) * x.tangent, x.level) if isinstance(x, Dual) else math.sin(x)


def cos(x):
    # solution
    return Dual(cos(x.value), -1.0 * sin(x.value) * x.tangent, x.level) if isinstance(x, Dual) else math.cos(x)
    # end


def derivative(f, x):
    """The derivative of ``f`` at ``x``, which may itself belong to another derivative."""
    # solution
    level = next(levels)
    out = f(Dual(x, 1.0, level))
    return out.tangent if getattr(out, "level", 0) == level else 0.0
    # end
