"""The rules, one file per family; importing this package registers them all."""

from . import elementwise, linear_tmp  # noqa: F401
