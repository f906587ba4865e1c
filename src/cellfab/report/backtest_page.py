"""Backtests as an HTML page: for each plant its bands over time with the public figures in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from cellfab.calibrate.backtest import Backtest, Figure
from cellfab.report import labels, style
from cellfab.report.backtest_text import observation_cells, score_text
from cellfab.report.parts import Chart, Table, as_csv, fill, make_chart, write_whole

_AXES: dict[Figure, str] = {"yield": "yield, %", "lines": "lines running"}


def write_backtests(found: Sequence[Backtest], path: Path) -> None:
    """Write backtests as one self-contained HTML file; its folder must exist, and it appears whole or not at all."""
    write_whole(render(found), path)


def render(found: Sequence[Backtest]) -> str:
    """The page as text (see `write_backtests`)."""
    charts = [_chart(plant, figure) for plant in found for figure in plant.curves]
    content: dict[str, Any] = {"score": score_text(found), "charts": charts, "observations": _observations(found)}
    return fill("backtest.html.j2", content)


def _chart(plant: Backtest, figure: Figure) -> Chart:
    unit = next(one.unit for one in plant.observations if one.figure == figure)
    caption = f"{labels.sentence(plant.record.text)}." if plant.record.text else ""
    curve = plant.curves[figure]
    frame = pd.DataFrame(
        {"date": map(str, curve.days), "low_5": curve.low, "median": curve.middle, "high_95": curve.high}
    )
    title = f"{plant.record.plant}: {_AXES.get(figure, unit)}"
    return make_chart(f"{plant.name}-{figure}", title, caption, _figure(plant, figure, _AXES.get(figure, unit)), frame)


def _figure(plant: Backtest, figure: Figure, axis: str) -> go.Figure:
    """Median and band of the law, the band of each report, and the reports themselves."""
    curve, factor = plant.curves[figure], 100.0 if figure == "yield" else 1.0
    days = [str(day) for day in curve.days]
    drawn = go.Figure()
    line = {"color": labels.BLUE, "width": 0}
    drawn.add_scatter(x=days, y=_times(curve.high, factor), mode="lines", line=line, hoverinfo="skip", showlegend=False)
    drawn.add_scatter(
        x=days, y=_times(curve.low, factor), mode="lines", line=line, fill="tonexty", fillcolor="rgba(0,114,178,0.15)",
        hoverinfo="skip", name="law, 90 %",
    )  # fmt: skip
    drawn.add_scatter(
        x=days,
        y=_times(curve.middle, factor),
        mode="lines",
        line={"color": labels.BLUE, "width": 2},
        name="law, median",
    )
    for given, colour, name in ((True, labels.GREY, "given"), (False, labels.VERMILION, "held back")):
        chosen = [one for one in plant.observations if one.figure == figure and one.given is given]
        if not chosen:
            continue
        drawn.add_scatter(
            x=[str(one.day) for one in chosen], y=[factor * one.value for one in chosen], mode="markers", name=name,
            marker={"color": colour, "size": 10},
            customdata=[f"{one.moment}: {style.label(one.source, 60)}" for one in chosen],
            hovertemplate="%{y:.3~g}<br>%{customdata}<extra></extra>",
        )  # fmt: skip
        if not given:
            drawn.add_scatter(
                x=[str(one.day) for one in chosen], y=[factor * one.predicted for one in chosen], mode="markers",
                marker={"color": labels.VERMILION, "size": 1}, name="report expected, 90 %",
                error_y={
                    "type": "data", "symmetric": False, "width": 5, "thickness": 1.5,
                    "array": [factor * (one.band[1] - one.predicted) for one in chosen],
                    "arrayminus": [factor * (one.predicted - one.band[0]) for one in chosen],
                },
            )  # fmt: skip
    style.finish(drawn, 320)
    drawn.update_yaxes(title_text=axis, rangemode="tozero")
    drawn.update_xaxes(type="date")
    return drawn


def _times(values: Sequence[float], factor: float) -> list[float]:
    return [factor * value for value in values]


def _observations(found: Sequence[Backtest]) -> Table:
    rows = tuple(
        (plant.record.plant, *observation_cells(one), one.source) for plant in found for one in plant.observations
    )
    names = ("plant", "figure", "date", "reported", "given", "predicted", "band of 90 %", "unit", "verdict", "source")
    headings = tuple((name, name in ("reported", "predicted")) for name in names)
    return Table("observations", headings, rows, len(rows), as_csv(pd.DataFrame(rows, columns=list(names))))
