"""``python -m jax_ref`` is the command ``scratch-ad``."""

from .commands.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
