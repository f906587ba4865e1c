"""A plan as an HTML page: Gantt, probability of the release, payments, capacity and all numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from cellfab.planning import ProjectPlan, task_rows
from cellfab.ramp.capacity import PLANNED
from cellfab.ramp.chances import SHARES
from cellfab.ramp.project import COMMISSIONING, RELEASE, STOP, on_line
from cellfab.report import labels, style
from cellfab.report.gantt import capacity_chart, gantt, month_axis
from cellfab.report.parts import Chart, fill, make_chart, make_table, write_whole
from cellfab.report.plan_text import headline, milestones
from cellfab.units import TICKS_PER_WEEK


def write_plan(found: ProjectPlan, path: Path) -> None:
    """Write a plan as one self-contained HTML file, made like the report of a run; its folder must exist."""
    write_whole(render(found), path)


def render(found: ProjectPlan) -> str:
    """The page as text (see `write_plan`)."""
    content: dict[str, Any] = {
        "title": found.scenario.name,
        "summary": headline(found),
        "charts": _charts(found),
        "milestones": make_table("milestones", milestone_frame(found)),
    }
    return fill("plan.html.j2", content)


def _charts(found: ProjectPlan) -> list[Chart]:
    timeline = found.timeline
    frame = pd.DataFrame(list(task_rows(found.project, timeline, timeline, found.chances)))
    start = found.scenario.spec.run.start_date
    path = ", ".join(name.replace("_", " ").replace(".", " ") for name in timeline.critical)
    out = [make_chart("gantt", "Plan", f"Critical path: {path}.", gantt(frame, start), frame)]
    if found.chances is not None:
        dates = _date_frame(found)
        told = "Share of all cases in which it has happened; the dotted lines are the dates as planned."
        if not dates.empty:
            out.append(make_chart("dates", "Probability of each date", told, _date_chart(found), dates))
    if found.capex_musd:
        money = pd.DataFrame({"month": list(found.capex_musd), "musd": list(found.capex_musd.values())})
        total = f"{sum(found.capex_musd.values()):.1f} M$ in all, as planned."
        out.append(make_chart("payments", "Payments by month", total, _money_chart(money), money))
    if found.capacity:
        planned = pd.DataFrame(found.capacity)
        colours = labels.colours(list(dict.fromkeys(planned["product"])))
        told = f"{PLANNED.capitalize()}."
        out.append(make_chart("capacity", "Capacity by week", told, capacity_chart(planned, colours), planned))
    return out


def milestone_frame(found: ProjectPlan) -> pd.DataFrame:
    """Planned day of each milestone, and the days by which it is reached with given probabilities."""
    rows = []
    for name, task in milestones(found):
        tick = found.timeline.dates[task.name].finish
        row = {"milestone": name, "planned": str(found.day(tick))}
        if found.chances is not None:
            for share, later in zip(SHARES, found.chances.quantiles(task.name), strict=True):
                row[f"P{100.0 * share:.0f}"] = str(found.day(later))
            row["on time"] = f"{100.0 * found.chances.probability(task.name, tick):.0f} %"
        rows.append(row)
    return pd.DataFrame(rows)


def _told(found: ProjectPlan) -> dict[str, str]:
    """Milestones of which a curve is drawn: of each line stop, restart and release, if they are not certain."""
    assert found.chances is not None
    names = {
        on_line(line, part): f"{text} ({line})" if line else text
        for line in found.project.lines
        for part, text in ((STOP, "line stops"), (COMMISSIONING, "line restarts"), (RELEASE, "product released"))
    }
    return {task: name for task, name in names.items() if len(set(found.chances.finishes[task].tolist())) > 1}


def _date_frame(found: ProjectPlan) -> pd.DataFrame:
    assert found.chances is not None
    rows = []
    for task, name in _told(found).items():
        for percent in range(5, 100, 5):
            (tick,) = found.chances.quantiles(task, (percent / 100.0,))
            rows.append({"event": name, "share": percent / 100.0, "day": str(found.day(tick))})
    return pd.DataFrame(rows)


def _date_chart(found: ProjectPlan) -> go.Figure:
    assert found.chances is not None
    figure = go.Figure()
    ends = []
    for place, (task, name) in enumerate(_told(found).items()):
        colour = labels.PRODUCT_COLOURS[place % len(labels.PRODUCT_COLOURS)]
        ticks = sorted(int(tick) for tick in found.chances.finishes[task])
        weeks = [tick / TICKS_PER_WEEK for tick in ticks]
        figure.add_scatter(
            x=weeks, y=[100.0 * (index + 1) / len(weeks) for index in range(len(weeks))], mode="lines", name=name,
            line={"color": colour, "width": 2, "shape": "hv"},
            hovertemplate="%{y:.0f} %<extra>%{fullData.name}</extra>",
        )  # fmt: skip
        planned = found.timeline.dates[task].finish / TICKS_PER_WEEK
        figure.add_shape(
            type="line", x0=planned, x1=planned, y0=0, y1=100, line={"color": colour, "width": 1, "dash": "dot"}
        )
        ends += [weeks[0], weeks[-1], planned]
    style.finish(figure, 320, hovermode="x")
    month_axis(figure, found.scenario.spec.run.start_date, min(ends), max(ends))
    figure.update_yaxes(title_text="Per cent of cases", range=[0, 102], dtick=25)
    return figure


def _money_chart(money: pd.DataFrame) -> go.Figure:
    figure = go.Figure()
    figure.add_bar(
        x=[str(month) for month in money["month"]], y=money["musd"].tolist(), marker_color=labels.BLUE, name="paid"
    )
    style.finish(figure, 260, showlegend=False)
    figure.update_xaxes(type="category")
    figure.update_yaxes(title_text="M$")
    return figure
