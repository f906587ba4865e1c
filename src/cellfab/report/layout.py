"""Where each node of the line is drawn: longest-path layers, folded into bands like lines of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_COLUMNS = 8
"""Layers side by side in one band: what fits a page with names that can be read."""


@dataclass(frozen=True, slots=True)
class Place:
    """Band from the top, column from the left, and track from the band's top (a branch keeps its track)."""

    band: int
    column: int
    track: float


@dataclass(frozen=True, slots=True)
class Link:
    """A connection between two drawn nodes and the buffers that lie on it."""

    start: str
    end: str
    buffers: tuple[str, ...] = ()


def contract(nodes: Sequence[tuple[str, str, str]], edges: Sequence[tuple[str, str]]) -> tuple[list[str], list[Link]]:
    """Turn every buffer with one feeder and one taker into a mark on the link between them.

    Returns
    -------
    names : list of str
        Nodes that stay, in the order written.
    links : list of Link
    """
    into, out = _neighbours([name for name, _, _ in nodes], edges)
    folded = {name for name, kind, _ in nodes if kind == "buffer" and len(into[name]) == 1 and len(out[name]) == 1}
    names = [name for name, _, _ in nodes if name not in folded]
    links = []
    for name in names:
        for follower in out[name]:
            passed: list[str] = []
            while follower in folded and follower not in passed:
                passed.append(follower)
                follower = out[follower][0]
            if follower not in folded:
                links.append(Link(name, follower, tuple(passed)))
    return names, links


def layers(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Layer of each node: the longest path that leads to it; what starts a path is moved next to what it feeds.

    Nodes on a cycle, which a valid line has none of, are all put behind the others rather than left out.
    """
    into, out = _neighbours(names, pairs)
    layer: dict[str, int] = {}
    waiting = {name: len(into[name]) for name in names}
    ready = [name for name in names if waiting[name] == 0]
    for name in ready:
        layer[name] = max((layer[feeder] + 1 for feeder in into[name]), default=0)
        for follower in out[name]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                ready.append(follower)
    last = max(layer.values(), default=-1)
    for name in names:
        layer.setdefault(name, last + 1)
    for name in names:
        if not into[name] and out[name]:
            layer[name] = max(0, min(layer[follower] for follower in out[name]) - 1)
    return layer


def order_of_line(nodes: Sequence[tuple[str, str, str]], edges: Sequence[tuple[str, str]]) -> list[str]:
    """Names of all nodes from the first to the last: branch by branch up to where branches meet."""
    names = [name for name, _, _ in nodes]
    layer = layers(names, edges)
    origin = _origins(names, edges)
    merged = {name: len(origin[name]) > 1 for name in names}
    return sorted(names, key=lambda name: (merged[name], min(origin[name]) if not merged[name] else 0, layer[name]))


def place(names: Sequence[str], links: Sequence[Link], most_columns: int = MOST_COLUMNS) -> dict[str, Place]:
    """Band, column and track of each node.

    Bands are broken where the fewest links cross, none wider than `most_columns`. Each source has a track; a node lies
    on the mean track of the sources it descends from, moved apart where two would touch.
    """
    pairs = [(link.start, link.end) for link in links]
    layer = layers(names, pairs)
    count = max(layer.values(), default=-1) + 1
    crossing = [sum(layer[start] < cut <= layer[end] for start, end in pairs) for cut in range(count + 1)]
    starts = _breaks(crossing, count, most_columns)
    band_of = {column: sum(start <= column for start in starts) - 1 for column in range(count)}
    origin = _origins(names, pairs)
    wanted = {name: sum(origin[name]) / len(origin[name]) for name in names}
    places: dict[str, Place] = {}
    for column in range(count):
        members = sorted((name for name in names if layer[name] == column), key=lambda name: wanted[name])
        for name, track in zip(members, _apart([wanted[name] for name in members]), strict=True):
            places[name] = Place(band_of[column], column - starts[band_of[column]], track)
    return _from_zero(places)


def _neighbours(
    names: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    into: dict[str, list[str]] = {name: [] for name in names}
    out: dict[str, list[str]] = {name: [] for name in names}
    for start, end in dict.fromkeys(pairs):
        if start in out and end in into:
            out[start].append(end)
            into[end].append(start)
    return into, out


def _origins(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> dict[str, frozenset[int]]:
    """Indices of the sources that each node descends from."""
    into, _ = _neighbours(names, pairs)
    layer = layers(names, pairs)
    sources = [name for name in names if not into[name]]
    found: dict[str, frozenset[int]] = {name: frozenset({place}) for place, name in enumerate(sources)}
    for name in sorted(names, key=lambda name: layer[name]):
        for feeder in into[name]:
            found[name] = found.get(name, frozenset()) | found.get(feeder, frozenset())
    return {name: found.get(name) or frozenset({0}) for name in names}


def _breaks(crossing: Sequence[int], count: int, most: int) -> list[int]:
    """First layer of each band: fewest bands, then fewest links cut, then bands of like width."""
    best: dict[int, tuple[tuple[int, int, int], list[int]]] = {count: ((0, 0, 0), [])}
    for start in range(count - 1, -1, -1):
        options = []
        for end in range(start + 1, min(start + most, count) + 1):
            (bands, cuts, squares), rest = best[end]
            cut = crossing[end] if end < count else 0
            options.append(((bands + 1, cuts + cut, squares + (end - start) ** 2), [start, *rest]))
        best[start] = min(options)
    return best[0][1]


def _apart(wanted: Sequence[float]) -> list[float]:
    """Sorted positions moved at least one apart, keeping their mean."""
    out: list[float] = []
    for position in wanted:
        out.append(position if not out else max(position, out[-1] + 1.0))
    shift = (sum(out) - sum(wanted)) / len(out) if out else 0.0
    return [position - shift for position in out]


def _from_zero(places: Mapping[str, Place]) -> dict[str, Place]:
    lowest: dict[int, float] = {}
    for spot in places.values():
        lowest[spot.band] = min(lowest.get(spot.band, spot.track), spot.track)
    return {name: Place(spot.band, spot.column, spot.track - lowest[spot.band]) for name, spot in places.items()}
