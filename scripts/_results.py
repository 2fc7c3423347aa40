"""What the scripts share: their options, the look of their figures, and the files they leave."""

import argparse
import csv
import hashlib
import json
import sys
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from jax_ref.sweep import devices

ROOT = Path(__file__).resolve().parent.parent

COLORS = {
    "numerical": "#c2571a",
    "symbolic": "#8a6d00",
    "forward": "#1b6ca8",
    "reverse": "#a3195b",
    "JAX": "#3d3d3d",
    "jax.jacfwd": "#7fb2d9",
    "jax.jacrev": "#dd8bb4",
}

PANEL = (4.6, 3.6)  # inches of one picture, whose letters can be read on a phone

plt.rcParams.update(
    {
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.25,
        "legend.frameon": False,
        "lines.linewidth": 2,
        "savefig.dpi": 160,
        "savefig.transparent": True,  # so that a dark page can turn it
        "svg.hashsalt": "scratch-ad",  # the same figure, the same file
    }
)


def seed(text):
    """A seed of NumPy's, for argparse."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 0 on")
    return int(text)


def parsed(parser):
    """The options; the folder ``--out`` is made, so that nothing is computed that cannot be kept."""
    chosen = parser.parse_args()
    try:
        chosen.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=chosen.out):
            return chosen
    except OSError as error:
        parser.exit(2, f"{parser.prog}: --out {chosen.out}: {error.strerror}. Name a place that can be written to.\n")


def parser_of(description, name):
    """A parser of the options that every script takes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "results" / name, help="folder for the results (%(default)s)"
    )
    parser.add_argument("--seed", type=seed, default=0, help="seed of every random number (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a smaller run of the same kind")
    return parser


def options(description, name, by_jax=False):
    """The options that every script takes; ``by_jax``: and where JAX computes, which is seen to before it starts."""
    parser = parser_of(description, name)
    if by_jax:
        where = "where JAX computes; auto: where it would by itself (%(default)s)"
        parser.add_argument("--device", choices=devices.CHOICES, default="auto", help=where)
    chosen = parsed(parser)
    if by_jax:
        devices.prepare(chosen.device)
        try:
            devices.devices(chosen.device)
        except ValueError as error:
            parser.exit(2, f"{parser.prog}: {error}\n")
    return chosen


def settings(seed, quick, device="auto"):
    """What a result depends on; equal settings make a second run needless."""
    sources = sorted(p for folder in ("scratch_ad", "jax_ref", "scripts") for p in (ROOT / folder).rglob("*.py"))
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in sources)).hexdigest()
    return {"seed": seed, "quick": quick, "device": device, "source": digest, "python": sys.version.split()[0]}


class Results:
    """The files of one script in one folder."""

    def __init__(self, options):
        self.folder = options.out
        self.settings = settings(options.seed, options.quick, getattr(options, "device", "auto"))
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "numbers.json").unlink(missing_ok=True)

    def figure(self, name, figure):
        """Save a figure as PNG and SVG."""
        for suffix in ("png", "svg"):
            figure.savefig(self.folder / f"{name}.{suffix}", metadata={"Date": None} if suffix == "svg" else None)
        plt.close(figure)

    def table(self, name, rows):
        """Save a list of equal-keyed dictionaries as CSV."""
        with (self.folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)

    def finish(self, **numbers):
        """Save the numbers as JSON, last of all: where this file is, the script has run to its end."""
        text = json.dumps({"settings": self.settings, **numbers}, indent=2, default=float)
        (self.folder / "numbers.json").write_text(text + "\n")


def finished(folder, expected):
    """Whether a script has run to its end in this folder with these settings."""
    numbers = folder / "numbers.json"
    return numbers.exists() and json.loads(numbers.read_text())["settings"] == expected
