"""The plan of a conversion as a Gantt chart, and its capacity beside what came out of the line."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from cellfab.ramp.capacity import PLANNED
from cellfab.ramp.project import on_line
from cellfab.report import labels, style
from cellfab.report.numbers import percent
from cellfab.result import RunResult

_ROW_PX = 21
_THICK, _THIN = 0.62, 0.16
_LEAST_WEEKS = 0.05
"""Shorter tasks are drawn as diamonds."""


def gantt(frame: pd.DataFrame, start: datetime.date) -> go.Figure:
    """Tasks as bars over the weeks: critical ones in their own colour, floats and slips as thin tails.

    Parameters
    ----------
    frame : DataFrame
        Of `cellfab.planning.task_rows`, with p90_week where probabilities are known.
    start : date
        First day of week 0.
    """
    figure = go.Figure()
    rows = frame.reset_index(drop=True)
    rows["place"] = rows.index
    bars = rows[rows["finish_week"] - rows["start_week"] >= _LEAST_WEEKS]
    points = rows[rows["finish_week"] - rows["start_week"] < _LEAST_WEEKS]
    for name, chosen, colour in (
        ("critical", bars[bars["critical"] == 1], labels.VERMILION),
        ("with float", bars[bars["critical"] == 0], labels.BLUE),
    ):
        if not chosen.empty:
            _bars(figure, name, chosen, "start_week", "finish_week", colour, _THICK, 0.0)
    floating = rows[rows["float_weeks"] > _LEAST_WEEKS]
    floating = floating.assign(end=floating["finish_week"] + floating["float_weeks"])
    if not floating.empty:
        _bars(figure, "float", floating, "finish_week", "end", labels.GREY, _THIN, 0.0)
    moved = rows[(rows["planned_finish_week"] - rows["finish_week"]).abs() > _LEAST_WEEKS]
    if not moved.empty:
        _bars(figure, "as planned", moved, "planned_start_week", "planned_finish_week", labels.GREEN, _THIN, 0.42)
    if "p90_week" in rows:
        late = rows[rows["p90_week"] - rows["finish_week"] > _LEAST_WEEKS]
        if not late.empty:
            _bars(
                figure, "to the end in nine of ten cases", late, "finish_week", "p90_week", labels.ORANGE, _THIN, 0.42
            )
    if not points.empty:
        figure.add_scatter(
            x=points["finish_week"].tolist(), y=points["place"].tolist(), mode="markers", name="milestone",
            marker={"symbol": "diamond", "size": 10, "color": "#1b1f24"},
            customdata=[str(_day(start, week)) for week in points["finish_week"]],
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    last = float(rows[["finish_week", *(["p90_week"] if "p90_week" in rows else [])]].to_numpy().max())
    first = float(rows[["start_week", "planned_start_week"]].to_numpy().min())
    style.finish(figure, 130 + _ROW_PX * len(rows), barmode="overlay", hovermode="closest")
    style.name_rows(figure, [_told(name) for name in rows["task"]], 34)
    month_axis(figure, start, first, last)
    figure.update_layout(legend={"y": 1.0, "yanchor": "bottom"}, margin={"t": 40})
    return figure


def _bars(
    figure: go.Figure, name: str, rows: pd.DataFrame, first: str, last: str, colour: str, width: float, down: float
) -> None:
    figure.add_bar(
        base=rows[first].tolist(),
        x=(rows[last] - rows[first]).tolist(),
        y=(rows["place"] + down).tolist(),
        orientation="h",
        name=name,
        width=width,
        marker_color=colour,
        customdata=[
            [style.label(str(text)), begin, end]
            for text, begin, end in zip(rows["text"], rows[first], rows[last], strict=True)
        ],
        hovertemplate="week %{customdata[1]:.1f} to %{customdata[2]:.1f}<br>%{customdata[0]}"
        "<extra>%{fullData.name}</extra>",
    )


def month_axis(figure: go.Figure, start: datetime.date, first_week: float, last_week: float) -> None:
    """Name the months on an axis of weeks: every one, third or twelfth, so that the names stay apart."""
    months = max((last_week - first_week) / 4.35, 1.0)
    every = 1 if months <= 14 else 3 if months <= 48 else 12
    values, texts = [], []
    day = _day(start, first_week).replace(day=1)
    while (day - start).days / 7.0 <= last_week + 4.0:
        if (day.month - 1) % every == 0:
            values.append((day - start).days / 7.0)
            texts.append(day.strftime("%b %Y"))
        day = (day + datetime.timedelta(days=32)).replace(day=1)
    figure.update_xaxes(
        tickvals=values, ticktext=texts, range=[first_week - 1.0, last_week + 2.0], showgrid=True, zeroline=False
    )


def _day(start: datetime.date, week: float) -> datetime.date:
    return start + datetime.timedelta(days=int(week * 7.0))


def capacity_chart(planned: pd.DataFrame, products: Mapping[str, str], made: pd.DataFrame | None = None) -> go.Figure:
    """Planned capacity by week and product, and what the simulation sold of each.

    Parameters
    ----------
    planned : DataFrame
        week, product, mwh, sold_mwh.
    products : mapping of str to str
        Colour of each.
    made : DataFrame, optional
        week, product, good_energy_mwh.
    """
    figure = go.Figure()
    for product, colour in products.items():
        name = labels.words(product)
        mine = planned[planned["product"] == product]
        if not mine.empty:
            for column, told, dash in (("mwh", "capacity", "dot"), ("sold_mwh", "to be sold", "dash")):
                if column == "mwh" and (mine["mwh"] - mine["sold_mwh"]).abs().max() < 1e-9:
                    continue
                figure.add_scatter(
                    x=(mine["week"] + 0.5).tolist(), y=mine[column].tolist(), mode="lines",
                    name=style.label(f"{name}, {told}, planned"),
                    line={"color": colour, "width": 2, "dash": dash, "shape": "hvh"},
                    hovertemplate="week %{x:.0f}: %{y:,.1f} MWh<extra>%{fullData.name}</extra>",
                )  # fmt: skip
        if made is not None:
            sold = made[made["product"] == product]
            figure.add_scatter(
                x=(sold["week"] + 0.5).tolist(), y=sold["good_energy_mwh"].tolist(), mode="lines",
                name=style.label(f"{name}, sold in the simulation"), line={"color": colour, "width": 2},
                hovertemplate="week %{x:.0f}: %{y:,.1f} MWh<extra>%{fullData.name}</extra>",
            )  # fmt: skip
    style.finish(figure, 340, hovermode="x")
    figure.update_xaxes(title_text="Week", zeroline=False)
    figure.update_yaxes(title_text="MWh per week", rangemode="tozero")
    return figure


def sold_by_week(result: RunResult) -> pd.DataFrame:
    """week, product, good_energy_mwh: energy of the cells sold, mean over replicates.

    Where lines are converted one by one, of those lines only, as their plan says nothing of the others. They share no
    station, so that each has sinks of its own, called after it.
    """
    columns = ["week", "product", "good_energy_mwh"]
    if result.releases is None or result.releases.empty:
        return pd.DataFrame(columns=columns)
    good = result.releases[result.releases["holding"] == "finished_good"]
    if converted := converted_lines(result):
        own = tuple(on_line(line, "") for line in converted)
        good = good[good["station"].str.startswith(own)]
    sums = good.groupby(["week", "product"], sort=True)["energy_kwh"].sum() / 1e3 / result.replicates
    return sums.rename("good_energy_mwh").reset_index()


def converted_lines(result: RunResult) -> list[str]:
    """Lines that are converted one by one; none where the plant has one line, or all of them are converted at once."""
    return [] if result.tasks is None else [str(line) for line in dict.fromkeys(result.tasks["line"]) if line]


def tasks_text(frame: pd.DataFrame) -> str:
    """What decided the release, and what was later than planned."""
    critical = frame[frame["critical"] == 1].sort_values(["start_week", "finish_week"], kind="stable")
    path = ", ".join(_told(name) for name in critical["task"])
    lasted = (frame["finish_week"] - frame["start_week"]) - (frame["planned_finish_week"] - frame["planned_start_week"])
    late = frame.assign(late=lasted)[lasted > _LEAST_WEEKS].sort_values("late", ascending=False, kind="stable")
    text = f"On the path that decides the release: {path}."
    if not late.empty:
        longer = ", ".join(
            f"{_told(row['task'])} by {row['late']:.1f} weeks" for row in late.head(5).to_dict("records")
        )
        text += f" Longer than planned: {longer}."
    return text


def capacity_text(table: pd.DataFrame, lines: Sequence[str] = ()) -> str:
    """How much of the planned capacity was sold, and of which lines if not of all."""
    planned, sold = float(table["sold_mwh"].sum()), float(table["good_energy_mwh"].sum())
    text = f"Planned: {PLANNED}."
    if lines:
        text = f"Of {', '.join(labels.words(line) for line in lines)}. {text}"
    return f"{text} The simulation sold {percent(sold / planned, 0)} of what was planned." if planned > 0.0 else text


def _told(task: str) -> str:
    return labels.words(task.replace(".", " "))
