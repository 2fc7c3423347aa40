"""The command ``scratch-ad``, also as ``python -m jax_ref.cli``."""

from .commands.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
