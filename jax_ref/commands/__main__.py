"""``python -m jax_ref.commands`` is the command ``scratch-ad`` as well."""

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())
