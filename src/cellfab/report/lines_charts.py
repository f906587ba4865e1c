"""Several lines of one plant, side by side: curves, what each started with, scrap, and one drawing for all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cellfab.report import labels, style
from cellfab.report.numbers import joined, number, percent
from cellfab.report.parts import Table, as_csv
from cellfab.result import RunResult

SHARED = "shared"
"""In place of a line's name, for scrap of stations that the lines share."""
ALL_PRODUCTS = "all_products"
"""In place of a product's name, where lines make different ones at a time."""
_FIGURES = (
    ("opening_maturity", "maturity at start"), ("opening_yield", "yield, first four weeks"),
    ("final_yield", "final yield"), ("good_energy_mwh", "good output"), ("weeks_to_90pct_yield", "weeks to 90 % yield"),
    ("weeks_to_90pct_rate", "weeks to 90 % of rate"),
)  # fmt: skip


class Drawing(NamedTuple):
    """What `cellfab.report.schematic.draw` draws, and what each node is called there."""

    nodes: list[tuple[str, str, str]]
    edges: list[tuple[str, str]]
    shares: pd.DataFrame
    buffers: pd.DataFrame
    shown: dict[str, str]


def by_week(result: RunResult) -> pd.DataFrame:
    """Curves of every line, mean over replicates.

    Returns
    -------
    DataFrame
        line, week, weeks_since_start, line_yield (0-1; NaN where a step saw nothing), good_energy_mwh. Empty where
        there is one line.
    """
    if result.lines is None or result.lines.empty:
        return pd.DataFrame()
    keys = ["line", "week", "weeks_since_start"]
    return result.lines.groupby(keys, sort=False)[["line_yield", "good_energy_mwh"]].mean().reset_index()


def together(result: RunResult) -> RunResult:
    """A plant whose lines make different products in the same week, as if it had one product.

    Its yield is that of the lines, weighed by the cells that they begin in the week; other figures are as they were.
    """
    if result.lines is None or result.weekly.empty or result.weekly["product"].nunique() < 2:
        return result
    known = result.lines.dropna(subset=["line_yield"])
    weighed = known.assign(good=known["line_yield"] * known["cells_started"])
    sums = weighed.groupby(["replicate", "week"])[["good", "cells_started"]].sum()
    line_yield = (sums["good"] / sums["cells_started"]).rename("line_yield").reset_index()
    weekly = result.weekly.drop(columns="line_yield").merge(line_yield, how="left", on=["replicate", "week"])
    return replace(result, weekly=weekly.assign(product=ALL_PRODUCTS))


def curves(frame: pd.DataFrame) -> go.Figure:
    """Yield and output by calendar week, and yield by weeks since each line's own start."""
    figure = make_subplots(rows=3, cols=1, vertical_spacing=0.09)
    colours = labels.colours(list(dict.fromkeys(frame["line"])))
    panels = (
        ("week", "line_yield", 100.0), ("week", "good_energy_mwh", 1.0), ("weeks_since_start", "line_yield", 100.0),
    )  # fmt: skip
    for row, (along, name, factor) in enumerate(panels, start=1):
        for line, colour in colours.items():
            mine = frame[frame["line"] == line]
            figure.add_scatter(
                x=[float(week) + 0.5 for week in mine[along]],
                y=[None if pd.isna(value) else factor * value for value in mine[name]],
                mode="lines",
                name=style.label(labels.words(line)),
                legendgroup=style.label(line),
                showlegend=row == 1,
                line={"color": colour, "width": 2},
                hovertemplate="%{y:.4g}<extra>%{fullData.name}</extra>",
                row=row,
                col=1,
            )
    style.finish(figure, 720)
    figure.update_layout(margin={"l": 60})
    figure.update_yaxes(title_text="Line yield, %", range=[0, 102], dtick=25, row=1, col=1)
    figure.update_yaxes(title_text="Good MWh per week", rangemode="tozero", row=2, col=1)
    figure.update_yaxes(title_text="Line yield, %", range=[0, 102], dtick=25, row=3, col=1)
    figure.update_xaxes(rangemode="tozero")
    figure.update_xaxes(title_text="Week", row=2, col=1)
    figure.update_xaxes(title_text="Weeks since the line's own start", row=3, col=1)
    return figure


def told(result: RunResult) -> str:
    """What each line started with, in words."""
    parts = []
    for line in _lines(result):
        yields = result.kpi.get(f"opening_yield.line.{line}")
        if yields is not None and isinstance(yields.value, float):
            parts.append(f"{labels.words(line)} {percent(yields.value, 0)}")
    return f"Line yield in the first four weeks with cells: {', '.join(parts)}." if parts else ""


def table(result: RunResult) -> Table | None:
    """Lines by figures; None where there is one line."""
    lines = _lines(result)
    if result.lines is None or not lines:
        return None
    starts = result.lines.assign(start=result.lines["week"] - result.lines["weeks_since_start"])
    start = starts.groupby("line")["start"].first()
    found = {line: {name: result.kpi.get(f"{name}.line.{line}") for name, _ in _FIGURES} for line in lines}
    rows = []
    for line in lines:
        cells = [joined(kpi.value, labels.kpi_unit(name, kpi)) if kpi else "–" for name, kpi in found[line].items()]
        rows.append((labels.words(line), number(float(start[line])), *cells))
    frame = pd.DataFrame(
        [[line, start[line], *(getattr(kpi, "value", None) for kpi in found[line].values())] for line in lines],
        columns=["line", "start_week", *(name for name, _ in _FIGURES)],
    )
    columns = (("line", False), ("starts in week", True), *((title, True) for _, title in _FIGURES))
    return Table("by-line", columns, tuple(rows), len(rows), as_csv(frame))


def _lines(result: RunResult) -> list[str]:
    return [] if result.lines is None else list(dict.fromkeys(result.lines["line"]))


def by_line(result: RunResult) -> RunResult:
    """The same result with scrap and losses of like stations of all lines together, and the line in place of a product.

    The result itself where there is one line.
    """
    if result.stations is None:
        return result
    line = dict(zip(result.stations["station"], result.stations["line"], strict=True))

    def together(frame: pd.DataFrame) -> pd.DataFrame:
        places = [str(place).partition(".") for place in frame["station"]]
        owner = [line.get(station) or SHARED for station, _, _ in places]
        names = [result.written.get(station, station) + dot + machine for station, dot, machine in places]
        return frame.assign(product=owner, station=names)

    return replace(result, scrap=together(result.scrap), steps=together(result.steps))


def one_for_all(result: RunResult, shares: pd.DataFrame, buffers: pd.DataFrame) -> Drawing:
    """The graph of all lines with like nodes drawn as one: "wind (3)" stands for the winders of three lines.

    Shares of time are means over the lines that are there; what buffers hold is added up.
    """
    if not result.written:
        return Drawing(list(result.nodes), list(result.edges), shares, buffers, {})
    count: dict[str, int] = {}
    for name in result.written.values():
        count[name] = count.get(name, 0) + 1
    shown = {
        name: f"{written} ({count[written]})" if count[written] > 1 else written
        for name, written in result.written.items()
    }
    nodes = {shown.get(name, name): (kind, step) for name, kind, step in reversed(result.nodes)}
    edges = dict.fromkeys((shown.get(giver, giver), shown.get(taker, taker)) for giver, taker in result.edges)
    if not shares.empty:
        shares = shares.assign(station=[shown.get(name, name) for name in shares["station"]])
        whole = shares.groupby("station", sort=False)["hours"].sum()
        shares = shares.groupby(["station", "state"], sort=False)["hours"].sum().reset_index()
        shares["share"] = shares["hours"] / shares["station"].map(whole)
    if not buffers.empty:
        amounts = ["capacity", "mean", "maximum"]
        buffers = buffers.assign(buffer=[shown.get(name, name) for name in buffers["buffer"]])
        buffers = buffers.groupby(["buffer", "unit"], sort=False)[amounts].sum(min_count=1).reset_index()
    order = [shown.get(name, name) for name, _, _ in result.nodes]
    return Drawing([(name, *nodes[name]) for name in dict.fromkeys(order)], list(edges), shares, buffers, shown)
