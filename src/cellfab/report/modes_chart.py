"""Which cause was found when, fixed when, and worth what: failure modes of a line as a timeline."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go

from cellfab.report import labels, style
from cellfab.report.numbers import number
from cellfab.result import RunResult

_MOST = 30
"""Rows of the chart; all are in the table."""
_STRETCHES = (
    ("not found yet", "opened_week", "detected_week", labels.VERMILION),
    ("waiting for a team", "detected_week", "begun_week", labels.ORANGE),
    ("being fixed", "begun_week", "fixed_week", labels.BLUE),
)


def timeline(result: RunResult) -> pd.DataFrame:
    """Lives of failure modes in the first replicate, the dearest first.

    Returns
    -------
    DataFrame
        place, mode, text, moves, share, since, state, opened_week, seen_week, detected_week, begun_week, fixed_week,
        cells, usd; empty where the line does not learn by causes.
    """
    if result.modes is None or result.modes.empty:
        return pd.DataFrame()
    first = result.modes[result.modes["replicate"] == 0].drop(columns="replicate")
    ordered = first.sort_values(["usd", "place", "mode"], ascending=[False, True, True], kind="stable")
    lead = ["place", "mode", "text"]
    return ordered[[*lead, *(name for name in ordered.columns if name not in lead)]].reset_index(drop=True)


def timeline_text(result: RunResult, frame: pd.DataFrame) -> str:
    """What the chart says, in words."""
    lived = frame[frame["opened_week"].notna()]
    fixed, unseen = lived["fixed_week"].notna(), lived["detected_week"].isna()
    whole = float(lived["usd"].sum())
    top = lived.iloc[0] if len(lived) else None
    parts = [f"{int(fixed.sum())} of {len(lived)} causes were fixed; until then they cost {_money(whole)} of scrap."]
    if top is not None and whole > 0.0:
        found = "was never found" if math.isnan(top["detected_week"]) else f"found in week {top['detected_week']:.0f}"
        done = "" if math.isnan(top["fixed_week"]) else f", fixed in week {top['fixed_week']:.0f}"
        parts.append(f"The dearest: {_name(top)} ({found}{done}, {_money(float(top['usd']))}).")
    if unseen.any():
        lost = float(lived.loc[unseen, "usd"].sum())
        parts.append(f"Not found by the end: {int(unseen.sum())}, at a cost of {_money(lost)}.")
    if result.replicates > 1:
        parts.append(f"The first of {result.replicates} replicates is shown.")
    return " ".join(parts)


def timeline_bars(frame: pd.DataFrame, weeks: int) -> go.Figure:
    """A bar from the week in which a mode was there to the one in which it was fixed, and what it cost until then.

    Parameters
    ----------
    frame : DataFrame
        From `timeline`.
    weeks : int
        Of the run, where bars of what was never fixed end.
    """
    shown = frame[frame["opened_week"].notna() & (frame["usd"] > 0.0)].head(_MOST)
    rows = list(range(len(shown)))
    figure = go.Figure()
    for name, start, end, colour in _STRETCHES:
        begin = shown[start]
        until = shown[end].fillna(float(weeks))
        figure.add_bar(
            x=(until - begin).fillna(0.0).tolist(), base=begin.fillna(float(weeks)).tolist(), y=rows, orientation="h",
            name=name, marker_color=colour,
            hovertemplate="%{y}<br>week %{base:.1f} to %{x:.1f}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=shown["fixed_week"].fillna(float(weeks)).tolist(), y=rows, mode="text", textposition="middle right",
        cliponaxis=False, showlegend=False, hoverinfo="skip", text=[f" {_money(usd)}" for usd in shown["usd"]],
    )  # fmt: skip
    style.finish(figure, 110 + 30 * len(rows), barmode="overlay", bargap=0.3)
    style.name_rows(figure, [_name(row) for _, row in shown.iterrows()], 46)
    figure.update_xaxes(title_text="Week", range=[0.0, 1.12 * weeks])
    return figure


def _name(row: pd.Series) -> str:
    """Place and text of a mode, or its name where nobody has given a text; and what brought it back."""
    place = labels.words(str(row["place"]).replace(".", ": "))
    back = "" if row["since"] == "start" else f" (again: {labels.words(str(row['since']))})"
    return f"{place}: {row['text'] or labels.words(str(row['mode']))}{back}"


def _money(usd: float) -> str:
    return f"{number(usd / 1e6)} M$" if usd >= 1e6 else f"{number(usd / 1e3)} k$"
