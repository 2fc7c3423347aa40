"""A layered layout of a small graph: layers by longest paths, dummies on long edges, rows ordered by their neighbours.

After Sugiyama, Tagawa and Toda (1981): an edge that skips layers runs through a *dummy* in each of them; rows are put
where the mean of their neighbours is, from above and from below in turn, and pushed apart without changing that order.
"""

import itertools
from typing import NamedTuple

SWEEPS = 24
DUMMY = 14  # width


class Layout(NamedTuple):
    """Centres of the nodes, an SVG path per edge, and the size of it all."""

    centres: dict
    paths: dict
    width: float
    height: float


def layered(nodes, edges, size, gaps=(26, 44)):
    """Lay out nodes, given in an order that all edges follow, from top to bottom; ``size(node)`` is (width, height)."""
    layer = _layers(nodes, edges)
    rows = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in nodes:
        rows[layer[node]].append(node)
    chains = {}
    for a, b in edges:
        chains[a, b] = [a, *((a, b, k) for k in range(layer[a] + 1, layer[b])), b]
        for dummy in chains[a, b][1:-1]:
            rows[dummy[2]].append(dummy)
    width = lambda node: DUMMY if isinstance(node, tuple) else size(node)[0]
    x = _columns(rows, chains.values(), width, gaps[0])
    y, bottom = {}, 0.0
    for row in rows:
        tall = max(size(node)[1] for node in row if not isinstance(node, tuple))
        y |= dict.fromkeys(row, bottom + tall / 2)
        bottom += tall + gaps[1]
    height = lambda node: 0 if isinstance(node, tuple) else size(node)[1]
    paths = {edge: _path([(x[n], y[n], height(n) / 2) for n in chain]) for edge, chain in chains.items()}
    right = max((x[node] + width(node) / 2 for node in x), default=0.0)
    return Layout({node: (x[node], y[node]) for node in nodes}, paths, right, max(bottom - gaps[1], 0.0))


def _layers(nodes, edges):
    above = {node: [] for node in nodes}
    below = {node: [] for node in nodes}
    for a, b in edges:
        above[b].append(a)
        below[a].append(b)
    layer = {}
    for node in nodes:
        layer[node] = max((layer[a] + 1 for a in above[node]), default=0)
    for node in nodes:
        if not above[node] and below[node]:  # an input stands next to its first use
            layer[node] = min(layer[b] for b in below[node]) - 1
    return layer


def _columns(rows, chains, width, gap):
    up = {node: [] for row in rows for node in row}
    down = {node: [] for node in up}
    for chain in chains:
        for a, b in itertools.pairwise(chain):
            down[a].append(b)
            up[b].append(a)
    x = {}
    for row in rows:
        x |= _apart(row, dict.fromkeys(row, 0.0), width, gap)
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        for row in rows if downwards else rows[::-1]:
            near = {}
            for node in row:
                first, other = (up[node], down[node]) if downwards else (down[node], up[node])
                near[node] = first + other if sweep > 2 * SWEEPS // 3 else first or other
            wish = {node: sum(x[n] for n in near[node]) / len(near[node]) if near[node] else x[node] for node in row}
            row.sort(key=wish.__getitem__)
            x |= _apart(row, wish, width, gap)
    left = min((x[node] - width(node) / 2 for node in x), default=0.0)
    return {node: at - left for node, at in x.items()}


def _apart(row, wish, width, gap):
    """Where the nodes of a row stand, in its order: near their wishes, and no two nearer than ``gap``."""
    blocks = []  # of nodes that touch: the nodes, how far each is from the first, and where that is
    for node in row:
        blocks.append(([node], [0.0], wish[node]))
        while len(blocks) > 1:
            (left, offsets, at), (right, others, then) = blocks[-2:]
            apart = offsets[-1] + width(left[-1]) / 2 + gap + width(right[0]) / 2
            if then - at >= apart:
                break
            offsets = offsets + [apart + offset for offset in others]
            at = sum(wish[n] - offset for n, offset in zip(left + right, offsets, strict=True)) / len(offsets)
            blocks[-2:] = [(left + right, offsets, at)]
    return {n: at + offset for nodes, offsets, at in blocks for n, offset in zip(nodes, offsets, strict=True)}


def _path(points):
    """A smooth line down through points, each (x, y, half of the height there)."""
    (x, y, half), *rest = points
    y += half
    text = f"M{x:.1f},{y:.1f}"
    for next_x, centre, half in rest:
        end = centre - half
        middle = (y + end) / 2
        text += f"C{x:.1f},{middle:.1f} {next_x:.1f},{middle:.1f} {next_x:.1f},{end:.1f}"
        x, y = next_x, end
    return text
