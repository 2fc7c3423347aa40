"""The tables, in .readme/devices.md, of a run on a GPU, from the JSON that ``scripts/gpu.py`` writes."""

import json
from collections import Counter
from pathlib import Path

from ..engines.guard import harmless


def document(path):
    """The content of a file of ``scripts/gpu.py``. Raises ValueError if it is none."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.keys() >= {"run", "steps"}:
            return content
    except (ValueError, RecursionError):
        pass
    raise ValueError(f"{path} is no JSON of scripts/gpu.py.")


def tables_of(path):
    """``tables`` of a file. Raises ValueError if what is in it has other parts."""
    content = document(path)
    try:
        return harmless(tables(content), longest=10**6)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise ValueError(f"{path} is no JSON of scripts/gpu.py: it has other parts.") from None


def tables(content):
    """Markdown: where it was measured, and a table for each kind of step that has rows."""
    steps = {name: step["rows"] for name, step in content["steps"].items() if step["rows"]}
    found = [_where(content["run"])]
    for names, title, make in _TABLES:
        rows = [row for name in names if name in steps for row in make(name, steps[name], content["steps"][name])]
        if rows:
            aligned = ["---", *["---:"] * (len(rows[0]) - 1)]
            found += ["", *(f"| {' | '.join(cells)} |" for cells in (title, aligned, *rows))]
    return "\n".join(found)


def _where(run):
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    driver = f", driver {run['driver']}" if run["driver"] else ""
    return f"Measured on {run['device']}{driver} ({run['precision']}), {run['when'][:10]}; {versions}:"


_CHECKED = ("against JAX there and on the CPU", "functions and dtypes", "cases", "right", "wrong", "error", "missing")
_ERRORS = ("error", "timeout", "crashed")


def _checked(name, rows, step):
    """One row per engine."""
    counts, units = {}, Counter()
    for row in rows:
        if "counts" in row:
            engine = row["name"].partition(", ")[2] or {"cupy": "over CuPy's arrays"}.get(name, "compiled, both modes")
            counts.setdefault(engine, Counter()).update(row["counts"])
            units[engine] += 1
    of = "" if name == "families" or step["status"] == "done" else f" of {step['of']}"
    for engine, found in counts.items():
        what = {"families": "a function of each family", "catalogue": "the catalogue"}.get(name, "the catalogue")
        numbers = (found.total(), found["right"], found["wrong"], sum(found[e] for e in _ERRORS), found["missing"])
        yield (f"{what}, {engine}", f"{units[engine]}{of}", *map(str, numbers))


_PROGRAM = ("value and gradient", "numbers", "time, ours ÷ JAX", "10–90 %", "device time", "flops", "bytes", "apart")


def _programs(name, rows, _):
    for row in rows:
        if "cost" not in row:
            yield (row["name"], *["–"] * (len(_PROGRAM) - 2), row["problem"])
            continue
        low, middle, high = row["wall ratio"]
        ours, theirs = row["cost"]["ours"], row["cost"]["JAX"]
        ratio = lambda what: f"{ours[what] / theirs[what]:.2f}" if theirs[what] else "–"  # noqa: B023
        costs = f"{row['device ratio'][1]:.2f}", ratio("flops"), ratio("bytes")
        trained = name == "training"
        said = f"training: {row['name']}, {row['steps']} steps" if trained else row["name"]
        size = "–" if trained else f"{row['numbers']:,}"
        apart = max(row["apart"]) if trained else row["apart"]
        yield (said, size, f"{middle:.2f}", f"{low:.2f}–{high:.2f}", *costs, f"{apart:.1e}")


_METHODS = ("ours forward", "JAX forward", "ours reverse", "JAX reverse")


def _scaling(_name, rows, _):
    for row in rows:
        if times := row.get("times"):
            yield (f"{row['n']:,} × {row['m']:,}", *(f"{times[m] / times['f']:.3g}" for m in _METHODS))
        else:
            yield (row["name"], row["problem"], *["–"] * 3)


def _precision(_name, rows, _):
    for row in rows:
        numbers = (row["ours"], row["JAX"], row["limit"]) if "ours" in row else ("–", "–", row["problem"])
        yield (row["name"], *(x if isinstance(x, str) else f"{x:.3g}" for x in numbers))


_TABLES = (
    (("families", "catalogue", "cupy"), _CHECKED, _checked),
    (("training", "programs"), _PROGRAM, _programs),
    (("scaling",), ("Jacobian, in evaluations of f: inputs × outputs", *_METHODS), _scaling),
    (("precision",), ("at the default precision, differences in tolerances", "ours", "JAX", "allowed"), _precision),
)
