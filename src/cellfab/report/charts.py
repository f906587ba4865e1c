"""Charts of the report: each takes a frame of `cellfab.report.frames` and returns a figure with the same numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cellfab.report import labels, style
from cellfab.report.frames import CONVERSION, main_accounts
from cellfab.report.numbers import number, percent
from cellfab.result import Phase

_PLOT_PX, _MAP_PX = 600.0, 430.0
"""Narrowest width, on paper, of the plots that phases are named over."""
_LETTER_PX = 6.4
_PEAK = 4.0
"""Cost axes end at this multiple of the median where the first weeks would flatten everything else."""


def ramp(frame: pd.DataFrame, products: Mapping[str, str], phases: Sequence[Phase] = ()) -> go.Figure:
    """Line yield, good MWh per week and cost per kWh over the same weeks, the conversion's phases shaded.

    Week w covers the time from w to w + 1, so its point stands at w + 0.5.
    """
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.045)
    for row, (name, factor) in enumerate((("line_yield", 100.0), ("good_energy_mwh", 1.0)), start=1):
        for product, colour in products.items():
            mine = frame.assign(**{c: frame[c].where(frame["product"] == product) for c in _with_band(name)})
            _curve(figure, row, mine, name, factor, style.label(labels.words(product)), colour, row == 1)
    _curve(figure, 3, frame, "cost_usd_per_kwh", 1.0, "full cost", labels.VERMILION, True)
    _curve(figure, 3, frame, "cash_cost_usd_per_kwh", 1.0, "cash cost", labels.PURPLE, True, dash="dash")
    first, last = float(frame["week"].min()), float(frame["week"].max()) + 1.0
    lanes = mark_phases(figure, phases, first, last)
    style.finish(figure, 640 + 18 * lanes, hovermode="x", legend={"y": -0.085, "yanchor": "top"})
    figure.update_layout(margin={"t": 16 + 18 * lanes, "l": 60})
    figure.update_xaxes(range=[first, last], showgrid=True, zeroline=False)
    figure.update_xaxes(title_text="Week", row=3, col=1)
    figure.update_yaxes(title_text="Line yield, %", range=[0, 102], dtick=25, row=1, col=1)
    figure.update_yaxes(title_text="Good MWh per week", rangemode="tozero", row=2, col=1)
    figure.update_yaxes(title_text="$ per good kWh", row=3, col=1)
    _cost_axis(figure, frame)
    return figure


def scrap_pareto(frame: pd.DataFrame, products: Mapping[str, str], most: int = 12) -> go.Figure:
    """Scrap by cause: money (value already added) and cell equivalents side by side, dearest cause first."""
    count = int(frame["rank"].max()) + 1
    shown = frame.assign(place=frame["rank"].clip(upper=most) if count > most + 1 else frame["rank"])
    names = []
    for place, group in shown.groupby("place", sort=True):
        first = group.iloc[0]
        rest = place == most and count > most + 1
        names.append(f"{count - most} other causes" if rest else f"{labels.words(first['station'])}: {first['text']}")
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.06)
    columns = (("usd", "Value already added, $"), ("cell_equivalents", "Cell equivalents"))
    for column, (name, title) in enumerate(columns, start=1):
        table = shown.pivot_table(index="place", columns="product", values=name, aggfunc="sum", fill_value=0.0)
        table = table.reindex(columns=list(products), fill_value=0.0)
        for product, colour in products.items():
            figure.add_bar(
                x=table[product].tolist(),
                y=list(range(len(table))),
                orientation="h",
                name=style.label(labels.words(product)),
                legendgroup=style.label(product),
                showlegend=column == 1 and len(products) > 1,
                marker_color=colour,
                hovertemplate="%{y}<br>%{x:,.4s}<extra>%{fullData.name}</extra>",
                row=1,
                col=column,
            )
        total = table.sum(axis=1)
        share = total / total.sum() if total.sum() else total
        figure.add_scatter(
            x=total.tolist(),
            y=list(range(len(total))),
            mode="text",
            text=[f" {_short(value)} ({percent(part, 0)})" for value, part in zip(total, share, strict=True)],
            textposition="middle right",
            cliponaxis=False,
            showlegend=False,
            hoverinfo="skip",
            row=1,
            col=column,
        )
        figure.update_xaxes(
            title_text=title, range=[0, 1.65 * max(float(total.max()), 1e-9)], nticks=5, row=1, col=column
        )
    rows = len(names)
    style.finish(figure, 110 + 34 * rows, barmode="stack", bargap=0.32)
    style.name_rows(figure, names, 34)
    return figure


def step_losses(frame: pd.DataFrame, products: Mapping[str, str]) -> go.Figure:
    """What each step rejects of the rows that enter it, in per cent, by product, in the order of the line."""
    keys = list(dict.fromkeys(zip(frame["station"], frame["step"], strict=True)))
    place = {key: row for row, key in enumerate(keys)}
    figure = go.Figure()
    for product, colour in products.items():
        mine = frame[frame["product"] == product]
        loss = [100.0 * value for value in mine["loss"]]
        figure.add_bar(
            x=loss,
            y=[place[key] for key in zip(mine["station"], mine["step"], strict=True)],
            orientation="h",
            name=style.label(labels.words(product)),
            marker_color=colour,
            text=[f"{value:.2f} %" if value else "" for value in loss],
            textposition="outside",
            cliponaxis=False,
            customdata=[[yielded, label] for yielded, label in zip(mine["step_yield"], mine["row_unit"], strict=True)],
            hovertemplate="%{y}<br>loses %{x:.3f} %, yield %{customdata[0]:.3%} of %{customdata[1]}"
            "<extra>%{fullData.name}</extra>",
        )
    names = [labels.station_step(station, step) for station, step in keys]
    rows = 13 * len(names) * max(len(products), 1)
    style.finish(figure, 100 + rows + 4 * len(names), barmode="group", bargap=0.12)
    style.name_rows(figure, names, 30)
    worst = max((100.0 * value for value in frame["loss"]), default=0.0)
    figure.update_xaxes(title_text="Rejected, % of what entered the step", range=[0, 1.12 * max(worst, 0.1)])
    figure.update_layout(showlegend=len(products) > 1)
    return figure


def cost_bars(frame: pd.DataFrame) -> go.Figure:
    """Cost per good kWh by account, one bar for each period of production in which cells were sold."""
    sold = frame[frame["usd_per_kwh"].notna() & (frame["period"] != CONVERSION)]
    table, accounts = _by_account(sold)
    figure = go.Figure()
    periods = list(table.index)
    total = table.sum(axis=1)
    for place, account in enumerate(accounts):
        values = table[account].tolist()
        figure.add_bar(
            x=values,
            y=list(range(len(periods))),
            orientation="h",
            name=style.label(labels.account(account)),
            marker={"color": labels.ACCOUNT_COLOURS[place % len(labels.ACCOUNT_COLOURS)]},
            text=[number(value) if value > 0.05 * total.max() else "" for value in values],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="none",
            hovertemplate="%{y}<br>%{x:,.2f} $/kWh<extra>%{fullData.name}</extra>",
        )
    figure.add_scatter(
        x=total.tolist(),
        y=list(range(len(periods))),
        mode="text",
        text=[f" <b>{number(value)} $/kWh</b>" for value in total],
        textposition="middle right",
        cliponaxis=False,
        showlegend=False,
        hoverinfo="skip",
    )
    rows = 46 * len(periods)
    style.finish(figure, 150 + rows, barmode="relative", bargap=0.35)
    style.name_rows(figure, periods)
    low = min(0.0, float(table.clip(upper=0).sum(axis=1).min()))
    figure.update_xaxes(title_text="$ per good kWh", range=[1.1 * low, 1.17 * float(total.max())])
    return figure


def state_bars(frame: pd.DataFrame, bottleneck: str = "") -> go.Figure:
    """How each station spent the calendar, in the order of the line; the bottleneck is marked."""
    stations = list(dict.fromkeys(frame["station"]))
    place = {station: row for row, station in enumerate(stations)}
    figure = go.Figure()
    states = [state for state in labels.STATES if state in set(frame["state"])]
    states += [state for state in dict.fromkeys(frame["state"]) if state not in labels.STATES]
    for state in states:
        mine = frame[frame["state"] == state]
        figure.add_bar(
            x=[100.0 * share for share in mine["share"]],
            y=[place[station] for station in mine["station"]],
            orientation="h",
            name=style.label(labels.state_label(state)),
            marker_color=labels.state_colour(state),
            hovertemplate="%{y}<br>%{x:.1f} % of the calendar<extra>%{fullData.name}</extra>",
        )
    rows = 24 * len(stations)
    style.finish(figure, 96 + rows, barmode="stack", bargap=0.22)
    style.name_rows(figure, [labels.words(station) for station in stations])
    if bottleneck in place:
        ticks = list(figure.layout.yaxis.ticktext)
        ticks[place[bottleneck]] = f"<b>{ticks[place[bottleneck]]} ◄ bottleneck</b>"
        figure.update_yaxes(ticktext=ticks)
    figure.update_xaxes(title_text="Share of calendar time, %", range=[0, 100])
    return figure


def working_map(frame: pd.DataFrame, phases: Sequence[Phase] = ()) -> go.Figure:
    """Share of each week that each station worked: where the dark rows turn light, something else held the line up."""
    stations = list(dict.fromkeys(frame["station"]))
    table = frame.pivot(index="station", columns="week", values="share").reindex(index=stations)
    pooled = float(frame["weeks"].iloc[0])
    weeks = [float(week) for week in table.columns]
    figure = go.Figure(
        go.Heatmap(
            x=[week + pooled / 2.0 for week in weeks],
            y=list(range(len(stations))),
            z=[[None if math.isnan(value) else 100.0 * value for value in row] for row in table.to_numpy()],
            colorscale=[[0, style.faded(labels.GREEN, 0.03)], [1, style.faded(labels.GREEN, 1.0)]],
            zmin=0,
            zmax=100,
            colorbar={"title": {"text": "working, %", "side": "right"}, "thickness": 12, "outlinewidth": 0},
            hovertemplate="%{y}, week %{x:.0f}: %{z:.1f} % working<extra></extra>",
        )
    )
    first, last = min(weeks), max(weeks) + pooled
    lanes = mark_phases(figure, phases, first, last, shade=False, width=_MAP_PX)
    style.finish(figure, 96 + 22 * len(stations) + 18 * lanes, margin={"t": 16 + 18 * lanes})
    style.name_rows(figure, [labels.words(station) for station in stations])
    figure.update_xaxes(title_text="Week", range=[first, last], showgrid=False, zeroline=False)
    return figure


def _curve(
    figure: go.Figure,
    row: int,
    frame: pd.DataFrame,
    column: str,
    factor: float,
    name: str,
    colour: str,
    in_legend: bool,
    dash: str = "solid",
) -> None:
    """One line over the weeks with the band of its replicates."""
    x = [float(week) + 0.5 for week in frame["week"]]
    group = f"{name}"
    if int(frame["n"].max()) > 1:
        low, high = (factor * frame[f"{column}_{end}"].astype(float) for end in ("low", "high"))
        band_x, band_y = style.outline(x, low, high)
        figure.add_scatter(
            x=band_x,
            y=band_y,
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=style.faded(colour),
            legendgroup=group,
            name=f"{name}, band",
            showlegend=False,
            hoverinfo="skip",
            row=row,
            col=1,
        )
    figure.add_scatter(
        x=x,
        y=[None if math.isnan(value) else factor * value for value in frame[column].astype(float)],
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": dash},
        marker={"size": 3, "color": colour},
        name=name,
        legendgroup=group,
        showlegend=in_legend,
        customdata=[int(week) for week in frame["week"]],
        hovertemplate="week %{customdata}: %{y:,.2f}<extra>%{fullData.name}</extra>",
        row=row,
        col=1,
    )


def _with_band(column: str) -> tuple[str, str, str]:
    return column, f"{column}_low", f"{column}_high"


def mark_phases(
    figure: go.Figure, phases: Sequence[Phase], first: float, last: float, shade: bool = True, width: float = _PLOT_PX
) -> int:
    """Shade and name the phases within the weeks shown; returns how many rows of names stand above the plot."""
    ends: list[float] = []
    per_week = width / max(last - first, 1e-9)
    for phase in phases:
        start, end = max(phase.start_week, first), min(phase.end_week, last)
        if end <= start:
            continue
        colour = labels.phase_colour(phase.name)
        if colour and shade:
            figure.add_shape(
                type="rect", x0=start, x1=end, y0=0, y1=1, xref="x", yref="paper", layer="below",
                fillcolor=style.faded(colour), line={"width": 0}, name=style.label(phase.name),
            )  # fmt: skip
        edge = phase.start_week > first
        if edge:
            figure.add_shape(
                type="line", x0=start, x1=start, y0=0, y1=1, xref="x", yref="paper",
                line={"color": style.FAINT, "width": 1, "dash": "dot"},
            )  # fmt: skip
        text = labels.words(phase.name)
        half = 0.5 * (_LETTER_PX * len(text) + 6.0) / per_week
        middle = min(max((start + end) / 2.0, first + half), last - half)
        lane = next((i for i, taken in enumerate(ends) if taken <= middle - half), len(ends))
        if lane == len(ends):
            ends.append(middle + half)
        else:
            ends[lane] = middle + half
        figure.add_annotation(
            x=middle, y=1.0, xref="x", yref="paper", yshift=18 * lane, yanchor="bottom", text=style.label(text),
            showarrow=False, font={"size": 12},
        )  # fmt: skip
    return len(ends)


def _cost_axis(figure: go.Figure, frame: pd.DataFrame) -> None:
    """End the cost axis where the curves settle, and say so, if a few weeks of hardly any sales would flatten them."""
    values = pd.concat([frame["cost_usd_per_kwh"], frame["cash_cost_usd_per_kwh"]]).dropna()
    if values.empty:
        figure.update_yaxes(range=[0, 1], row=3, col=1)
        figure.add_annotation(
            text="nothing was sold", x=0.5, y=0.5, xref="x3 domain", yref="y3 domain", showarrow=False
        )
        return
    top, limit = float(values.max()), _PEAK * float(values.median())
    if top <= limit or float(values.min()) < 0:
        figure.update_yaxes(rangemode="tozero", row=3, col=1)
        return
    figure.update_yaxes(range=[0, limit], row=3, col=1)
    figure.add_annotation(
        text=f"axis ends at {number(limit)}; highest week {number(top)} $/kWh",
        x=1.0, y=0.98, xref="x3 domain", yref="y3 domain", xanchor="right", yanchor="top", showarrow=False,
        font={"size": 11},
    )  # fmt: skip


def _by_account(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Periods by accounts in $/kWh; accounts too small to be seen are added up under "other"."""
    table = frame.pivot_table(index="period", columns="account", values="usd_per_kwh", aggfunc="sum", fill_value=0.0)
    table = table.reindex(list(dict.fromkeys(frame["period"])))
    most = len(labels.ACCOUNT_COLOURS)
    accounts = main_accounts(frame, most if len(table.columns) <= most else most - 1)
    rest = [account for account in table.columns if account not in accounts]
    out = table[accounts].copy()
    if rest:
        out["other"] = table[rest].sum(axis=1) + out.get("other", 0.0)
    return out, list(out.columns)


def _short(value: float) -> str:
    """A number of at most four letters or so, with k or M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{number(value / size)}{letter}"
    return number(value)
