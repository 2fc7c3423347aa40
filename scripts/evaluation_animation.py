"""The notebook's three animations: the evaluations that a Jacobian takes by each method.

Five inputs and three outputs: numerical and forward mode evaluate once per input, reverse mode once per output. Written
as GIF by Pillow, and as one strip of all frames.
"""

import _environment

_environment.enter()

from _results import Results, options
from matplotlib.figure import Figure
from PIL import Image

from scratch_ad.intro import animate_calculation

INPUTS, OUTPUTS = 5, 3
KINDS = ("numerical", "forward", "backward")


def frames_of(path):
    with Image.open(path) as gif:
        frames = []
        for k in range(gif.n_frames):
            gif.seek(k)
            frames.append(gif.convert("RGB"))
        return frames


def strip(frames):
    """All frames of each animation, one animation per row."""
    columns = max(map(len, frames.values()))
    figure = Figure(figsize=(2.4 * columns, 1.75 * len(frames)), layout="constrained")
    for i, (kind, images) in enumerate(frames.items()):
        for k in range(columns):
            ax = figure.add_subplot(len(frames), columns, i * columns + k + 1)
            ax.axis("off")
            if k < len(images):
                ax.imshow(images[k])
            if k == 0:
                ax.set_title(f"{kind}: {len(images)} evaluations", loc="left", fontsize=11)
    return figure


def main():
    chosen = options(__doc__, "evaluation_animation")
    results, frames = Results(chosen), {}
    for kind in KINDS:
        print(kind, flush=True)
        path = results.folder / f"{kind}.gif"
        animate_calculation(path, kind, INPUTS, OUTPUTS)
        frames[kind] = frames_of(path)
    results.figure("strip", strip(frames))
    rows = [
        {"method": kind, "inputs": INPUTS, "outputs": OUTPUTS, "evaluations": len(images)}
        for kind, images in frames.items()
    ]
    results.table("evaluations", rows)
    results.finish(rows=rows)


if __name__ == "__main__":
    main()
