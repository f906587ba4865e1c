"""Which station was the shifting bottleneck when: its share of each week, stacked, and the sentence it tells."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from cellfab.report import labels, style
from cellfab.report.charts import mark_phases
from cellfab.result import Phase, RunResult

_MOST = 8
"""Stations with a colour of their own; the others are one band. All are in the table."""
_OTHERS = "other stations"
_COLOURS = (*labels.ACCOUNT_COLOURS[:_MOST], labels.ACCOUNT_COLOURS[-1])


def shares(result: RunResult) -> pd.DataFrame:
    """Share of each week in which each station was the bottleneck, mean over replicates.

    Returns
    -------
    DataFrame
        week, station, share, sole_share (0-1), the station that was it for longest first; empty where nobody watched.
    """
    found = result.bottlenecks
    if found is None or found.empty:
        return pd.DataFrame()
    frame = found.assign(sole_share=found["share"] * (found["sole_h"] / found["bottleneck_h"]))
    summed = frame.groupby(["week", "station"], sort=True)[["share", "sole_share"]].sum().reset_index()
    summed[["share", "sole_share"]] /= result.replicates
    total = summed.groupby("station")["share"].sum().sort_values(ascending=False, kind="stable")
    rank = {station: place for place, station in enumerate(total.index)}
    ordered = summed.assign(rank=[rank[station] for station in summed["station"]]).sort_values(["rank", "week"])
    return ordered.drop(columns="rank").reset_index(drop=True)


def stacked(frame: pd.DataFrame, phases: Sequence[Phase], weeks: int) -> go.Figure:
    """Bars by week, of the share in which each station was the bottleneck.

    Parameters
    ----------
    frame : DataFrame
        From `shares`.
    phases : sequence of Phase
        Of a conversion.
    weeks : int
        Of the run.
    """
    names = list(dict.fromkeys(frame["station"]))
    own = names if len(names) <= _MOST + 1 else names[:_MOST]
    bands = frame.assign(band=[name if name in own else _OTHERS for name in frame["station"]])
    table = bands.pivot_table(index="week", columns="band", values="share", aggfunc="sum", fill_value=0.0)
    table = table.reindex(index=range(weeks), fill_value=0.0)
    figure = go.Figure()
    for name, colour in zip([*own, *([] if own == names else [_OTHERS])], _COLOURS, strict=False):
        figure.add_bar(
            x=[week + 0.5 for week in table.index], y=[100.0 * value for value in table[name]], width=1.0,
            name=style.label(labels.words(name)), marker={"color": colour, "line": {"width": 0}},
            customdata=list(table.index), hovertemplate="week %{customdata}: %{y:.0f} %<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    lanes = mark_phases(figure, phases, 0.0, float(weeks), shade=False)
    style.finish(figure, 330 + 18 * lanes, barmode="stack", bargap=0.0, margin={"t": 34 + 18 * lanes})
    figure.update_layout(legend={"orientation": "h", "y": -0.22, "yanchor": "top"}, showlegend=True)
    figure.update_xaxes(title_text="Week", range=[0.0, float(weeks)], showgrid=False)
    figure.update_yaxes(title_text="Bottleneck, % of the week", range=[0, 100])
    return figure
