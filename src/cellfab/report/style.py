"""Looks shared by all charts: one font, hairline grids, no background, and axis labels that can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from textwrap import wrap
from typing import Any

import plotly.graph_objects as go

GRID = "rgba(128,128,128,0.28)"
FAINT = "rgba(128,128,128,0.75)"
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtons": [["toImage", "zoom2d", "resetScale2d"]],
}
"""Options of every chart in the page; nothing in them leaves the machine."""


def label(text: str, width: int = 0, lines: int = 2) -> str:
    """Text from a configuration as a chart can show it: markup made harmless, wrapped to `width` letters."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    if not width:
        return escape(clean, quote=False)
    rows = wrap(clean, width, break_long_words=True) or [clean]
    if len(rows) > lines:
        rows = rows[:lines]
        rows[-1] = rows[-1][: width - 1].rstrip() + "…"
    return "<br>".join(escape(row, quote=False) for row in rows)


def finish(figure: go.Figure, height: int, **layout: Any) -> go.Figure:
    """Give a figure the report's looks and its height in pixels."""
    figure.update_layout(
        template="none",
        height=height,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 12.5, "color": "#1b1f24"},
        margin={"l": 12, "r": 16, "t": 34, "b": 44, "pad": 4},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        hoverlabel={"align": "left"},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": FAINT, "activecolor": "#0072B2"},
        barcornerradius=0,
    )
    axis = {
        "gridcolor": GRID,
        "zerolinecolor": GRID,
        "zeroline": True,
        "showline": False,
        "automargin": True,
        "ticks": "",
        "title": {"font": {"size": 12.5}, "standoff": 10},
    }
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    figure.update_layout(**layout)
    return figure


def outline(x: Iterable[float], low: Iterable[float], high: Iterable[float]) -> tuple[list[Any], list[Any]]:
    """Closed outlines of a band, one for each stretch without gaps (NaN), parted by None."""
    band_x: list[Any] = []
    band_y: list[Any] = []
    run: list[tuple[float, float, float]] = []
    for point in [*zip(x, low, high, strict=True), (math.nan, math.nan, math.nan)]:
        if not (math.isnan(point[1]) or math.isnan(point[2])):
            run.append(point)
            continue
        if len(run) > 1:
            if band_x:
                band_x.append(None)
                band_y.append(None)
            band_x += [p[0] for p in run] + [p[0] for p in reversed(run)]
            band_y += [p[1] for p in run] + [p[2] for p in reversed(run)]
        run = []
    return band_x, band_y


def faded(colour: str, opacity: float = 0.2) -> str:
    """A colour #RRGGBB that lets through what lies behind it."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def name_rows(figure: go.Figure, names: Sequence[str], width: int = 26) -> None:
    """Label rows 0, 1, ... of horizontal bars from the top down.

    Rows are numbers and names only their labels, so that equal names stay apart and none is read as a date.
    """
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(names))),
        ticktext=[label(name, width) for name in names],
        range=[len(names) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
    )
