"""What a bare line made week by week: parts per hour of each product, and the sentence that it tells."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from cellfab.report import labels, style
from cellfab.report.charts import mark_phases
from cellfab.report.numbers import number
from cellfab.result import Phase, RunResult


def by_week(result: RunResult) -> pd.DataFrame:
    """Parts and parts per hour by week and product, mean over replicates.

    Returns
    -------
    DataFrame
        week, product, parts, per_h; empty of a plant, whose output is in energy, and of a run of less than two weeks.
    """
    found = result.output
    if found is None or found.empty or int(found["week"].max()) == 0:
        return pd.DataFrame()
    return found.groupby(["week", "product"], sort=True)[["parts", "per_h"]].mean().reset_index()


def told(frame: pd.DataFrame) -> str:
    """The weeks of least and of most output."""
    per_week = {int(str(week)): float(rate) for week, rate in frame.groupby("week")["per_h"].sum().items()}
    least, most = min(per_week, key=per_week.__getitem__), max(per_week, key=per_week.__getitem__)
    mean = sum(per_week.values()) / len(per_week)
    return (
        f"Between {number(per_week[least])} parts per hour in week {least} and {number(per_week[most])} in week {most};"
        f" {number(mean)} on average."
    )


def curves(frame: pd.DataFrame, phases: Sequence[Phase]) -> go.Figure:
    """One line for each product over the weeks, the phases of a conversion shaded.

    Parameters
    ----------
    frame : DataFrame
        From `by_week`.
    phases : sequence of Phase
    """
    figure = go.Figure()
    for product, colour in labels.colours(list(dict.fromkeys(frame["product"]))).items():
        mine = frame[frame["product"] == product]
        figure.add_scatter(
            x=[week + 0.5 for week in mine["week"].tolist()], y=mine["per_h"].tolist(), mode="lines",
            line={"color": colour, "width": 2}, name=style.label(labels.words(product)),
            hovertemplate="%{y:.4g} per h<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    first, last = 0.0, float(frame["week"].max()) + 1.0
    lanes = mark_phases(figure, phases, first, last)
    style.finish(figure, 300 + 18 * lanes, hovermode="x", legend={"y": -0.25, "yanchor": "top"})
    figure.update_layout(margin={"t": 16 + 18 * lanes, "l": 60}, showlegend=True)
    figure.update_xaxes(title_text="Week", range=[first, last])
    figure.update_yaxes(title_text="Parts per hour", rangemode="tozero")
    return figure
