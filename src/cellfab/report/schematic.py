"""The line as a drawing: inline SVG, each station with a bar of how its time was spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import Any

import pandas as pd

from cellfab.report import layout
from cellfab.report.labels import STATES, state_colour, state_label, words
from cellfab.report.numbers import is_number, joined, number, percent

_COLUMN, _TRACK = 142.0, 76.0
_WIDTH, _HEIGHT = 112.0, 60.0
_MARGIN, _GUTTER = 14.0, 32.0
_LETTERS = 16


def draw(
    nodes: Sequence[tuple[str, str, str]],
    edges: Sequence[tuple[str, str]],
    shares: pd.DataFrame,
    buffers: pd.DataFrame,
    bottleneck: str = "",
) -> str:
    """The line as one `<svg>` element.

    Parameters
    ----------
    nodes, edges : sequences
        As in `RunResult`: (name, kind, step or "") and (from, to).
    shares : DataFrame
        station, state, share (0-1), as from `frames.state_shares`.
    buffers : DataFrame
        As from `frames.buffers`; its figures appear when the pointer rests on a buffer's mark.
    bottleneck : str
        Station drawn with a heavy frame; empty for none.

    Returns
    -------
    str
        Markup that needs the report's style sheet for its colours; empty without nodes. Names are escaped.
    """
    if not nodes:
        return ""
    names, links = layout.contract(nodes, edges)
    places = layout.place(names, links)
    tops = _band_tops(places, links)
    centres = {name: _centre(spot, tops) for name, spot in places.items()}
    columns = max(spot.column for spot in places.values()) + 1
    width = 2 * _MARGIN + columns * _COLUMN
    height = max(y for _, y in centres.values()) + _HEIGHT / 2 + _MARGIN
    by_station = _shares_by_station(shares)
    buffer_text = {str(row["buffer"]): _buffer_text(row) for row in buffers.to_dict("records")}
    parts = [
        f'<svg class="line" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-labelledby="line-title" '
        f'style="max-width:{width:.0f}px" xmlns="http://www.w3.org/2000/svg">',
        f'<title id="line-title">The line: {len(names)} nodes from source to sink</title>',
    ]
    lanes = _gutter_lanes(links, places)
    for index, link in enumerate(links):
        parts.append(_link(link, places, centres, tops, lanes.get(index, 0), width, buffer_text))
    kinds = {name: (kind, step) for name, kind, step in nodes}
    for name in names:
        kind, step = kinds[name]
        parts.append(_node(name, kind, step, centres[name], by_station.get(name, {}), name == bottleneck, buffer_text))
    parts.append("</svg>")
    return "\n".join(parts)


def legend(states: Sequence[str]) -> str:
    """Colours of the states that occur as a row of swatches in HTML."""
    items = (
        f'<li><span class="swatch" style="background:{colour}"></span>{escape(label)}</li>'
        for state, (label, colour) in STATES.items()
        if state in states
    )
    return f'<ul class="legend">{"".join(items)}<li><span class="buffer-mark"></span>buffer</li></ul>'


def _band_tops(places: Mapping[str, layout.Place], links: Sequence[layout.Link]) -> dict[int, float]:
    """Upper edge of each band; between two bands there is room for the links that turn."""
    turning: dict[int, int] = {}
    for link in links:
        if places[link.start].band != places[link.end].band:
            band = places[link.start].band
            turning[band] = turning.get(band, 0) + 1
    tops, top = {}, _MARGIN
    for band in range(max(spot.band for spot in places.values()) + 1):
        tops[band] = top
        tracks = max(spot.track for spot in places.values() if spot.band == band)
        top += tracks * _TRACK + _HEIGHT + _GUTTER + 8.0 * turning.get(band, 0)
    return tops


def _centre(spot: layout.Place, tops: Mapping[int, float]) -> tuple[float, float]:
    return _MARGIN + (spot.column + 0.5) * _COLUMN, tops[spot.band] + spot.track * _TRACK + _HEIGHT / 2


def _gutter_lanes(links: Sequence[layout.Link], places: Mapping[str, layout.Place]) -> dict[int, int]:
    """Which of the parallel paths under its band each turning link takes."""
    lanes: dict[int, int] = {}
    used: dict[int, int] = {}
    for index, link in enumerate(links):
        band = places[link.start].band
        if band != places[link.end].band:
            lanes[index] = used.get(band, 0)
            used[band] = lanes[index] + 1
    return lanes


def _link(
    link: layout.Link,
    places: Mapping[str, layout.Place],
    centres: Mapping[str, tuple[float, float]],
    tops: Mapping[int, float],
    lane: int,
    width: float,
    buffer_text: Mapping[str, str],
) -> str:
    x0, y0 = centres[link.start]
    x1, y1 = centres[link.end]
    x0, x1 = x0 + _WIDTH / 2, x1 - _WIDTH / 2
    bend = 0.4 * (_COLUMN - _WIDTH)
    if places[link.start].band == places[link.end].band:
        turn = x1 - bend
        path = f"M{x0:.1f} {y0:.1f}H{turn:.1f}V{y1:.1f}H{x1:.1f}" if y0 != y1 else f"M{x0:.1f} {y0:.1f}H{x1:.1f}"
        mark = ((x0 + turn) / 2 if y0 != y1 and turn - x0 > 2 * bend else x0 + bend, y0)
    else:
        level = tops[places[link.start].band + 1] - _GUTTER / 2 - 8.0 * lane
        right, left = min(x0 + bend - 4.0 * lane, width - 4.0), max(x1 - bend - 4.0 * lane, 4.0)
        path = f"M{x0:.1f} {y0:.1f}H{right:.1f}V{level:.1f}H{left:.1f}V{y1:.1f}H{x1:.1f}"
        mark = ((right + left) / 2 - 40.0 * lane, level)
    out = [f'<path class="link" d="{path}"/>', f'<path class="arrow" d="M{x1:.1f} {y1:.1f}l-6 -4v8z"/>']
    for place, buffer in enumerate(link.buffers):
        x, y = mark[0] + 12.0 * (place - (len(link.buffers) - 1) / 2), mark[1]
        text = escape(buffer_text.get(buffer, f"Buffer {words(buffer)}"))
        out.append(f'<path class="buffer" d="M{x - 6:.1f} {y - 6:.1f}h12l-6 12z"><title>{text}</title></path>')
    return "".join(out)


def _node(
    name: str,
    kind: str,
    step: str,
    centre: tuple[float, float],
    shares: Mapping[str, float],
    bottleneck: bool,
    buffer_text: Mapping[str, str],
) -> str:
    x, y = centre[0] - _WIDTH / 2, centre[1] - _HEIGHT / 2
    if not shares:
        about = buffer_text.get(name, f"{kind}: {words(name)}")
        return (
            f'<g class="end"><title>{escape(about)}</title>'
            f'<rect x="{x:.1f}" y="{y + 9:.1f}" width="{_WIDTH:.1f}" height="{_HEIGHT - 18:.1f}" rx="20"/>'
            f"{_lines(name, centre[0], centre[1] + 4.0, 'middle')}</g>"
        )
    tip = [f"{words(name)} ({', '.join(part for part in (kind, words(step) if step else '') if part)})"]
    tip += [f"{state_label(state)} {percent(share)}" for state, share in shares.items() if share > 0.0005]
    if bottleneck:
        tip.insert(1, "bottleneck")
    return (
        f'<g class="station{" bottleneck" if bottleneck else ""}"><title>{escape("; ".join(tip))}</title>'
        f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="{_WIDTH:.1f}" height="{_HEIGHT:.1f}" rx="3"/>'
        f"{_bar(shares, x + 1.0, y + _HEIGHT - 9.0)}{_lines(name, x + 6.0, y + 20.5, 'start')}"
        f'<text class="small" x="{x + 6:.1f}" y="{y + _HEIGHT - 14:.1f}">{escape(kind)}</text>'
        f'<text class="small figure" x="{x + _WIDTH - 6:.1f}" y="{y + _HEIGHT - 14:.1f}" text-anchor="end">'
        f"{percent(shares.get('working', 0.0), 0)}</text></g>"
    )


def _lines(name: str, x: float, y: float, anchor: str) -> str:
    """A name in at most two lines about the height `y`."""
    rows = wrap(words(name), _LETTERS, break_long_words=True) or [name]
    if len(rows) > 2:
        rows = [rows[0], rows[1][: _LETTERS - 1].rstrip() + "…"]
    top = y - 6.5 * (len(rows) - 1)
    spans = (f'<tspan x="{x:.1f}" y="{top + 13.0 * place:.1f}">{escape(row)}</tspan>' for place, row in enumerate(rows))
    return f'<text text-anchor="{anchor}">{"".join(spans)}</text>'


def _bar(shares: Mapping[str, float], left: float, top: float) -> str:
    """The calendar of a station as a stacked bar."""
    known = [state for state in STATES if state in shares]
    out = []
    for state in (*known, *(state for state in shares if state not in STATES)):
        width = shares[state] * (_WIDTH - 2.0)
        if width > 0.05:
            place = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="8"'
            out.append(f'<rect {place} fill="{state_colour(state)}"/>')
            left += width
    return "".join(out)


def _shares_by_station(shares: pd.DataFrame) -> dict[str, dict[str, float]]:
    out: dict[str, dict[str, float]] = {}
    for row in shares.to_dict("records"):
        out.setdefault(str(row["station"]), {})[str(row["state"])] = float(row["share"])
    return out


def _buffer_text(row: Mapping[Any, Any]) -> str:
    unit, capacity = str(row["unit"] or ""), row["capacity"]
    room = f"room for {joined(float(capacity), unit)}" if is_number(capacity) else "unlimited"
    return f"Buffer {words(str(row['buffer']))}: {room}, mean {number(float(row['mean']))}"
