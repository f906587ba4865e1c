"""Levers as bars: what each changes, with its interval, in the order of the ranking."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import plotly.graph_objects as go

from cellfab.report import labels, style
from cellfab.report.levers_text import metric_name, metric_scale, sentence
from cellfab.report.parts import Chart, make_chart
from cellfab.study.levers import LeverRanking

_MOST_BARS = 30


def lever_charts(found: LeverRanking) -> Iterator[Chart]:
    """One chart for each figure; in all of them the levers stand in the order of the ranking."""
    for place, metric in enumerate(found.metrics):
        shown = [one for one in found.effects if metric in one.changes]
        if shown:
            yield _bars(found, metric, place)


def _bars(found: LeverRanking, metric: str, place: int) -> Chart:
    divisor, unit = metric_scale(found, metric)
    effects = [one for one in found.effects if metric in one.changes]
    shown = effects if len(effects) <= _MOST_BARS else [*effects[: _MOST_BARS - 5], *effects[-5:]]
    drawn = go.Figure()
    for name, colour, wanted in (("sure", labels.BLUE, True), ("may be zero", labels.GREY, False)):
        rows = [(row, one.changes[metric]) for row, one in enumerate(shown) if one.certain(metric) is wanted]
        drawn.add_bar(
            x=[change.mean / divisor for _, change in rows],
            y=[row for row, _ in rows],
            error_x={"type": "data", "array": [change.half_width / divisor for _, change in rows], "thickness": 1.2,
                     "width": 3},
            orientation="h", name=name, marker_color=colour,
            hovertemplate="%{x:,.4g}" + f" {unit}<extra>{name}</extra>",
        )  # fmt: skip
    drawn.update_xaxes(title_text=style.label(f"Change of {metric_name(metric)}, {unit}".rstrip(", ")))
    style.finish(drawn, 120 + 28 * len(shown), barmode="overlay", bargap=0.3)
    style.name_rows(drawn, [one.text for one in shown], 46)
    title = f"What each lever does to {metric_name(metric)}"
    caption = sentence(found, effects[0]) if metric == found.ranking.metric else ""
    if len(shown) < len(effects):
        caption += f" The first {_MOST_BARS - 5} and the last 5 of {len(effects)} are drawn; the table has all."
    frame = pd.DataFrame([
        {
            "rank": rank, "lever": one.name, "what": one.text, "change": (change := one.changes[metric]).mean,
            "low": change.low, "high": change.high, "pairs": change.n, "amount": one.lever.amount,
            "of": one.lever.unit, "what it means": sentence(found, one),
        }
        for rank, one in enumerate(found.effects, 1)
        if metric in one.changes
    ])  # fmt: skip
    return make_chart(f"levers-{place}", title, caption.strip(), drawn, frame)
