"""A fleet as an HTML page: what its plants sell against demand, price and import parity, credits, share of demand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.fleet.result import TABLES, FleetResult, days_of, quarter_of
from cellfab.report import labels, style
from cellfab.report.fleet_text import headline, market_rows, plant_rows, plants_of, weeks_of
from cellfab.report.numbers import number, percent
from cellfab.report.parts import Chart, Table, as_csv, fill, make_chart, make_table, write_whole

_COLOURS = (*labels.ACCOUNT_COLOURS[:8], "#882255", "#332288", "#BBBBBB")
_BAND = "rgba(60,60,60,0.16)"
_LOW, _HIGH = 0.1, 0.9
_PANELS = 5
"""Plants beside each other in the chart of single plants."""


def write_fleet_page(result: FleetResult, path: Path) -> None:
    """Write a fleet as one self-contained HTML file; its folder must exist, and it appears whole or not at all."""
    write_whole(render(result), path)


def render(result: FleetResult) -> str:
    """The page as text (see `write_fleet_page`)."""
    content: dict[str, Any] = {
        "title": result.name,
        "description": result.description,
        "told": f"{result.replicates} replicates, seed {result.seed}, from {result.start}",
        "summary": headline(result),
        "charts": [_fleet(result), _price(result), _credits(result), _share(result), _each(result)],
        "market": _grid("market by year", *market_rows(result)),
        "plants": _grid("plants", *plant_rows(result)),
        "responses": make_table("responses", _responses(result)),
        "columns": make_table("columns", _columns()),
    }
    return fill("fleet.html.j2", content)


def _quarterly(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Mean and band over replicates by quarter."""
    by = frame.groupby("quarter", sort=True)[column]
    return pd.DataFrame({"mean": by.mean(), "low": by.quantile(_LOW), "high": by.quantile(_HIGH)})


def _yearly(result: FleetResult, frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The same of an amount, as a rate by the year: quarters have 12 to 14 weeks."""
    weeks = pd.Series([quarter_of(day) for day in days_of(result.start, weeks_of(result))]).value_counts()
    return _quarterly(frame, column).div(weeks / WEEKS_PER_YEAR, axis=0)


def _year_ticks(figure: go.Figure, quarters: pd.Index, every: int = 1) -> None:
    """Years instead of quarters along the axis."""
    first = [name for name in quarters if name.endswith("Q1")][::every]
    figure.update_xaxes(tickmode="array", tickvals=first, ticktext=[name[:4] for name in first], tickangle=0)


def _plant_quarters(result: FleetResult) -> pd.DataFrame:
    """replicate, plant, quarter, sold_gwh, capacity_gwh."""
    table = result.tables["plants"]
    names = {week: quarter_of(day) for week, day in enumerate(days_of(result.start, weeks_of(result)))}
    table = table.assign(quarter=table["week"].map(names))
    sums = table.groupby(["replicate", "plant", "quarter"], sort=True)[["sold_mwh", "capacity_mwh"]].sum() / 1e3
    return sums.rename(columns={"sold_mwh": "sold_gwh", "capacity_mwh": "capacity_gwh"}).reset_index()


def _fleet(result: FleetResult) -> Chart:
    """The fleet figure: GWh by plant, stacked, with the band of the sum, against demand."""
    sold = _plant_quarters(result)
    market = result.tables["market"]
    figure = go.Figure()
    means = pd.DataFrame({p: _yearly(result, sold[sold["plant"] == p], "sold_gwh")["mean"] for p in plants_of(result)})
    for place, plant in enumerate(means.columns):
        figure.add_scatter(
            x=means.index.tolist(), y=means[plant].tolist(), mode="lines", stackgroup="plants",
            name=style.label(labels.words(plant)), line={"width": 0.5, "color": _COLOURS[place % len(_COLOURS)]},
            hovertemplate="%{x}: %{y:,.2f} GWh<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    _band(figure, _yearly(result, market, "fleet_gwh"), "fleet, 10 to 90 % of replicates", _BAND)
    for column, name, dash in (
        ("bought_gwh", "demand at the price", "solid"), ("wanted_gwh", "demand at reference prices", "dot"),
    ):  # fmt: skip
        line = _yearly(result, market, column)["mean"]
        figure.add_scatter(
            x=line.index.tolist(), y=line.tolist(), mode="lines", name=name,
            line={"color": "#1b1f24", "width": 2, "dash": dash},
            hovertemplate="%{x}: %{y:,.2f} GWh<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    style.finish(figure, 470, hovermode="x")
    _legend_beside(figure)
    figure.update_yaxes(title_text="GWh a year", rangemode="tozero")
    _year_ticks(figure, means.index)
    frame = means.join(_yearly(result, market, "bought_gwh")["mean"].rename("bought")).reset_index()
    told = (
        "Storage cells sold by plant, mean of all replicates. What lies between plants and demand comes from imports"
        " and second life."
    )
    return make_chart("fleet", "Storage cells by plant, against demand", told, figure, frame)


def _price(result: FleetResult) -> Chart:
    market = result.tables["market"]
    price, parity = _quarterly(market, "price_usd_per_kwh"), _quarterly(market, "parity_usd_per_kwh")
    figure = go.Figure()
    _band(figure, price, "price, 10 to 90 %", "rgba(0,114,178,0.18)")
    for frame, name, colour, dash in (
        (price, "price", labels.BLUE, "solid"), (parity, "import parity", labels.VERMILION, "dash"),
    ):  # fmt: skip
        if frame["mean"].notna().any():
            figure.add_scatter(
                x=frame.index.tolist(), y=frame["mean"].tolist(), mode="lines", name=name,
                line={"color": colour, "width": 2, "dash": dash},
                hovertemplate="%{x}: %{y:,.1f} $/kWh<extra>%{fullData.name}</extra>",
            )  # fmt: skip
    style.finish(figure, 320, hovermode="x")
    figure.update_yaxes(title_text="$/kWh", rangemode="tozero")
    _year_ticks(figure, price.index)
    frame = price.join(parity["mean"].rename("import_parity")).reset_index()
    told = "At import parity the market takes all that the fleet can make; below it, the plants' cost sets the price."
    return make_chart("price", "Price and import parity", told, figure, frame)


def _credits(result: FleetResult) -> Chart:
    paid = _yearly(result, result.tables["market"], "credits_usd") / 1e6
    figure = go.Figure()
    figure.add_bar(
        x=paid.index.tolist(), y=paid["mean"].tolist(), name="tax credits", marker={"color": labels.GREEN},
        error_y={
            "type": "data", "symmetric": False, "thickness": 1, "width": 3,
            "array": (paid["high"] - paid["mean"]).clip(lower=0.0).tolist(),
            "arrayminus": (paid["mean"] - paid["low"]).clip(lower=0.0).tolist(),
        },
        hovertemplate="%{x}: %{y:,.0f} M$<extra></extra>",
    )  # fmt: skip
    style.finish(figure, 280)
    figure.update_yaxes(title_text="M$ a year", rangemode="tozero")
    _year_ticks(figure, paid.index)
    whole = result.kpi["credits_musd"].value
    told = f"{number(float(whole) / 1e3)} bn$ in all, on what is sold by plants in the United States."  # type: ignore[arg-type]
    return make_chart("credits", "Tax credits paid", told, figure, paid.reset_index())


def _share(result: FleetResult) -> Chart:
    """Who serves the demand."""
    market, sellers = result.tables["market"], result.tables["sellers"]
    fleet = _quarterly(market.assign(share=100.0 * market["fleet_gwh"] / market["bought_gwh"]), "share")
    figure = go.Figure()
    _band(figure, fleet, "fleet, 10 to 90 %", "rgba(0,158,115,0.18)")
    shown = {"fleet": fleet["mean"]}
    bought = market.set_index(["replicate", "quarter"])["bought_gwh"]
    for name in sellers.loc[sellers["kind"] == "supplier", "seller"].unique():
        own = sellers[sellers["seller"] == name].set_index(["replicate", "quarter"])["gwh"]
        shown[name] = (100.0 * own / bought).groupby("quarter").mean()
    colours = (labels.GREEN, labels.VERMILION, labels.PURPLE, labels.ORANGE, labels.SKY)
    for place, (name, line) in enumerate(shown.items()):
        figure.add_scatter(
            x=line.index.tolist(), y=line.tolist(), mode="lines", name=style.label(labels.words(name)),
            line={"color": colours[place % len(colours)], "width": 2},
            hovertemplate="%{x}: %{y:,.1f} %<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    style.finish(figure, 300, hovermode="x")
    figure.update_yaxes(title_text="% of what is bought", rangemode="tozero")
    _year_ticks(figure, fleet.index)
    share = result.kpi["served_share"].value
    told = f"The fleet serves {percent(float(share), 0)} of all that is bought." if share is not None else ""
    return make_chart("share", "Who serves the demand", told, figure, pd.DataFrame(shown).reset_index())


def _each(result: FleetResult) -> Chart:
    """Each plant by itself: what it could sell and what it sells, with bands."""
    table = _plant_quarters(result)
    plants = plants_of(result)
    rows = -(-len(plants) // _PANELS)
    figure = make_subplots(
        rows=rows, cols=min(_PANELS, len(plants)), shared_xaxes=True, horizontal_spacing=0.04,
        vertical_spacing=0.4 / rows, subplot_titles=[style.label(labels.words(plant), 24) for plant in plants],
    )  # fmt: skip
    frames = []
    for place, plant in enumerate(plants):
        own = table[table["plant"] == plant]
        sold, able = _yearly(result, own, "sold_gwh"), _yearly(result, own, "capacity_gwh")
        frames.append(sold.join(able["mean"].rename("could")).reset_index().assign(plant=plant))
        at = {"row": place // _PANELS + 1, "col": place % _PANELS + 1}
        _band(figure, sold, "", "rgba(0,114,178,0.2)", at)
        for frame, name, dash in ((able, "could be sold", "dot"), (sold, "sold", "solid")):
            figure.add_scatter(
                x=frame.index.tolist(), y=frame["mean"].tolist(), mode="lines", showlegend=place == 0, name=name,
                line={"color": labels.GREY if dash == "dot" else labels.BLUE, "width": 2, "dash": dash},
                hovertemplate="%{x}: %{y:,.2f} GWh<extra>%{fullData.name}</extra>", **at,
            )  # fmt: skip
    style.finish(figure, 60 + 190 * rows)
    figure.update_layout(legend={"y": 1.0 + 0.22 / rows})
    figure.update_yaxes(rangemode="tozero")
    _year_ticks(figure, sold.index, every=2)
    told = "GWh a year, with the band of 10 to 90 % of the replicates: conversions are late by chance."
    return make_chart("each", "Each plant", told, figure, pd.concat(frames, ignore_index=True))


def _band(figure: go.Figure, frame: pd.DataFrame, name: str, colour: str, at: dict[str, int] | None = None) -> None:
    """A shaded band; left out where all replicates agree."""
    if (frame["high"] - frame["low"]).abs().max() < 1e-9:
        return
    x, where = frame.index.tolist(), at or {}
    figure.add_scatter(
        x=[*x, *reversed(x)], y=[*frame["high"].tolist(), *reversed(frame["low"].tolist())], fill="toself",
        fillcolor=colour, line={"width": 0}, mode="lines", hoverinfo="skip", showlegend=bool(name), name=name, **where,
    )  # fmt: skip


def _legend_beside(figure: go.Figure) -> None:
    """The legend to the right, where it has many entries."""
    figure.update_layout(
        legend={"orientation": "v", "x": 1.01, "xanchor": "left", "y": 1.0, "yanchor": "top"}, margin={"r": 190}
    )


def _responses(result: FleetResult) -> pd.DataFrame:
    """What was measured of each scenario."""
    return pd.DataFrame(
        {
            "scenario": one["scenario"],
            "product": one["product"],
            "gwh_per_year": one["gwh_per_year"],
            "of the closed form": one["effectiveness"],
            "weeks of work in a lot": one["work_weeks"],
            **{f"yield at maturity {m:g}": y for m, y in zip(one["maturities"], one["good_of_begun"], strict=True)},
            "fixed cost, M$ a week": one["fixed_usd_per_week"] / 1e6,
        }
        for one in result.responses
    )


def _columns() -> pd.DataFrame:
    rows = [(table, column, text) for table, columns in TABLES.items() for column, text in columns.items()]
    return pd.DataFrame(rows, columns=["file", "column", "meaning"])


def _grid(name: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table of texts as the terminal shows it."""
    frame = pd.DataFrame(rows, columns=list(headings))
    columns = tuple((heading, place > 0) for place, heading in enumerate(headings))
    return Table(name, columns, tuple(tuple(row) for row in rows), len(rows), as_csv(frame))
