"""The page of the notebook's three animations: a box whose Jacobian is taken by each method, and what that was measured
to cost. It runs in the page (evaluations.js), under the stepper's controls; the curves are those of cost_scaling.py.
"""

import csv
import json

import numpy as np

MOST, HIDDEN = 8, 4  # inputs and outputs that a viewer may choose, and the hidden units of his box
SHOWN = ("numerical", "forward", "reverse")


def data(costs=None):
    """What the page holds: the box (``A``, ``B``, ``p``), and the curves of cost_scaling.py's folder ``costs``, if any.

    ``A`` is (hidden, inputs), ``B`` (outputs, hidden), ``p`` (inputs,); the viewer's n and m take the first of each.
    """
    rng = np.random.default_rng(3)
    box = {"A": rng.normal(size=(HIDDEN, MOST)), "B": rng.normal(size=(MOST, HIDDEN)), "p": rng.normal(size=MOST)}
    return {
        **{name: np.round(array, 2).tolist() for name, array in box.items()},
        **(_measured(costs) if costs else {"measured": None}),
    }


def _measured(costs):
    with (costs / "costs.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] in SHOWN and "1" in (row["n"], row["m"])]
    curves = [
        {"method": row["method"], "n": int(row["n"]), "m": int(row["m"])}
        | {name: float(row[f"{name} ratio"]) for name in ("operations", "time")}
        for row in rows
    ]
    return {"measured": curves, "hidden": json.loads((costs / "numbers.json").read_text())["hidden"]}
