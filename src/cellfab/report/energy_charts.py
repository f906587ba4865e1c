"""Charts of energy by place, and of what shocks do to prices and idle capacity."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cellfab.report import labels, style
from cellfab.report.charts import mark_phases
from cellfab.report.numbers import number, percent
from cellfab.result import Phase, RunResult

_PARTS = {
    "electricity, in use": labels.BLUE,
    "heat, in use": labels.VERMILION,
    "electricity, standing by": labels.SKY,
    "heat, standing by": labels.ORANGE,
}
"""Carrier, and whether lots used it (the process, or the station that worked on them) or nobody did."""
_IN_USE = frozenset({"process", "working"})
_MOST_PRICES = len(labels.PRODUCT_COLOURS)


def energy_by_place(result: RunResult, order: list[str]) -> pd.DataFrame:
    """Energy by place, mean over replicates, in the order of the line.

    Returns
    -------
    DataFrame
        place, step, carrier, part (a name of `_PARTS`), kwh, kwh_per_kwh (per good kWh), scrap_kwh, scrap_share,
        co2_kg.
    """
    energy = result.energy
    if energy is None or energy.empty or energy["kwh_per_kwh"].isna().all():
        return pd.DataFrame()
    used = energy["use"].isin(_IN_USE)
    part = energy["carrier"] + used.map({True: ", in use", False: ", standing by"})
    keys = ["place", "step", "carrier", "part"]
    sums = energy.assign(part=part).groupby(keys, sort=False)[["kwh", "kwh_per_kwh", "scrap_kwh", "co2_kg"]].sum()
    out = (sums / result.replicates).reset_index()
    out.insert(6, "scrap_share", out["scrap_kwh"] / out["kwh"])
    rank = {name: place for place, name in enumerate(order)}
    last = len(rank)
    out = out.assign(_rank=[rank.get(str(place).partition(".")[0], last) for place in out["place"]])
    return out.sort_values("_rank", kind="stable").drop(columns="_rank").reset_index(drop=True)


def energy_text(frame: pd.DataFrame) -> str:
    """What the chart of energy says, in words."""
    whole, scrap = frame["kwh_per_kwh"].sum(), frame["scrap_kwh"].sum() / frame["kwh"].sum()
    heat = frame.loc[frame["carrier"] == "heat", "kwh_per_kwh"].sum()
    top = frame.groupby("place", sort=False)["kwh_per_kwh"].sum().sort_values(ascending=False, kind="stable")
    return (
        f"{number(whole)} kWh per good kWh, {percent(heat / whole, 0)} of it heat; most at"
        f" {labels.words(str(top.index[0]))} ({percent(top.iloc[0] / whole, 0)})."
        f" {percent(scrap)} went into what was scrapped."
    )


def energy_bars(frame: pd.DataFrame) -> go.Figure:
    """kWh per good kWh by place, in use and standing by; beside the bars the share that scrap took."""
    table = frame.pivot_table(index="place", columns="part", values="kwh_per_kwh", aggfunc="sum", fill_value=0.0)
    table = table.reindex(list(dict.fromkeys(frame["place"])))
    sums = frame.groupby("place", sort=False)[["kwh", "scrap_kwh"]].sum()
    figure = go.Figure()
    rows = list(range(len(table)))
    for part, colour in _PARTS.items():
        if part in table:
            figure.add_bar(
                x=table[part].tolist(), y=rows, orientation="h", name=part, marker_color=colour,
                hovertemplate="%{y}<br>%{x:.3f} kWh per good kWh<extra>%{fullData.name}</extra>",
            )  # fmt: skip
    total = table.sum(axis=1)
    shares = [scrap / kwh for kwh, scrap in zip(sums["kwh"], sums["scrap_kwh"], strict=True)]
    figure.add_scatter(
        x=total.tolist(), y=rows, mode="text", textposition="middle right", cliponaxis=False, showlegend=False,
        text=[f" {number(kwh)}" + (f" ({percent(share, 0)} scrapped)" if share >= 0.005 else "")
              for kwh, share in zip(total, shares, strict=True)],
        hoverinfo="skip",
    )  # fmt: skip
    style.finish(figure, 96 + 22 * len(rows), barmode="stack", bargap=0.28)
    style.name_rows(figure, [labels.words(str(place).replace(".", ": ")) for place in table.index], 30)
    figure.update_xaxes(title_text="kWh per good kWh", range=[0, 1.35 * float(total.max())])
    return figure


def supply(result: RunResult) -> pd.DataFrame:
    """Prices that change during the run, as multiples of the first week's, and idle capacity, by week.

    Returns
    -------
    DataFrame
        week, idle_cost_usd (mean over replicates), and a column for each item whose price changes; empty where there
        are no shocks and no price changes.
    """
    prices = result.prices
    if prices is None or prices.empty or result.weekly.empty:
        return pd.DataFrame()
    table = prices.pivot(index="week", columns="item", values="usd")
    changing = [name for name in table.columns if table[name].nunique() > 1 and table[name].iloc[0] > 0.0]
    if not changing and not result.shocks:
        return pd.DataFrame()
    swing = {name: table[name].max() / table[name].min() for name in changing}
    changing = sorted(changing, key=lambda name: -swing[name])[:_MOST_PRICES]
    idle = result.weekly.groupby("week", sort=True)["idle_cost_usd"].mean()
    out = pd.DataFrame({"week": idle.index, "idle_cost_usd": idle.to_numpy()})
    for name in changing:
        out[name] = (table[name] / table[name].iloc[0]).reindex(out["week"]).to_numpy()
    return out


def supply_curves(frame: pd.DataFrame, shocks: tuple[Phase, ...]) -> go.Figure:
    """Prices over those of the first week, and idle capacity, with the shocks shaded."""
    items = [name for name in frame.columns if name not in ("week", "idle_cost_usd")]
    rows = 2 if items else 1
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    x = [float(week) + 0.5 for week in frame["week"]]
    for name, colour in zip(items, labels.PRODUCT_COLOURS, strict=False):
        figure.add_scatter(
            x=x, y=frame[name].tolist(), mode="lines", line={"color": colour, "width": 2, "shape": "hvh"},
            name=style.label(labels.words(name)), row=1, col=1,
        )  # fmt: skip
    figure.add_scatter(
        x=x, y=frame["idle_cost_usd"].tolist(), mode="lines+markers", marker={"size": 3}, showlegend=False,
        line={"color": labels.VERMILION, "width": 2}, name="idle capacity", row=rows, col=1,
    )  # fmt: skip
    first, last = float(frame["week"].min()), float(frame["week"].max()) + 1.0
    lanes = mark_phases(figure, shocks, first, last)
    style.finish(figure, 110 + 170 * rows + 18 * lanes, hovermode="x", legend={"y": -0.2, "yanchor": "top"})
    figure.update_layout(margin={"t": 16 + 18 * lanes, "l": 60})
    figure.update_xaxes(range=[first, last], showgrid=True, zeroline=False)
    figure.update_xaxes(title_text="Week", row=rows, col=1)
    if items:
        figure.update_yaxes(title_text="Price, first week = 1", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title_text="Idle capacity, $ per week", row=rows, col=1)
    return figure


def supply_text(shocks: tuple[Phase, ...]) -> str:
    """The shocks in words, by week."""
    return " ".join(
        f"Week {shock.start_week:.0f} to {shock.end_week:.0f}: {labels.words(shock.text)}." for shock in shocks
    )
