"""The report: one HTML file that needs nothing else, neither network nor program."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from cellfab.compare import Weeks, compare, side_of
from cellfab.errors import UsageError
from cellfab.report import (
    bottleneck_chart,
    carbon_charts,
    charts,
    compare_chart,
    cost_charts,
    energy_charts,
    findings,
    frames,
    gantt,
    labels,
    lines_charts,
    modes_chart,
    output_chart,
    schematic,
)
from cellfab.report.buyers_table import buyer_table
from cellfab.report.layout import order_of_line
from cellfab.report.numbers import MISSING, as_written, duration, is_number, joined, kpi_interval, number, quantity
from cellfab.report.parts import Chart, Table, as_csv, cell_text, fill, make_chart, make_table, write_whole
from cellfab.result import Kpi, RunResult

_MOST_ASSUMPTIONS = 25


def write_report(result: RunResult, path: Path) -> None:
    """Write the report of a run as one self-contained HTML file.

    The page makes no request of any kind (its content security policy forbids it), holds plotly.js once, and is the
    same byte for byte for the same result.

    Parameters
    ----------
    result : RunResult
    path : Path
        File to write; its folder must exist. It appears whole or not at all.
    """
    write_whole(render(result), path)


def render(result: RunResult) -> str:
    """The report's HTML as text (see `write_report`)."""
    return fill("page.html.j2", _content(result))


def _content(result: RunResult) -> dict[str, Any]:
    order = order_of_line(result.nodes, result.edges)
    shares = frames.state_shares(result, order)
    buffers = frames.buffers(result)
    limiting = findings.bottleneck(result)
    drawn = lines_charts.one_for_all(result, shares, buffers)
    ramp, scrap, costs = _ramp_charts(result), _scrap_charts(result, order), _cost_charts(result)
    stations = _station_charts(result, order, shares, limiting)
    summary = [findings.conversion(result), *(chart.caption for chart in (*scrap[:1], *costs[:1], *stations[:1]))]
    return {
        "result": result,
        "weeks": int(result.weekly["week"].nunique()) if not result.weekly.empty else 0,
        "summary": [text for text in summary if text],
        "cards": [_card(name, result.kpi[name]) for name in labels.headline_names(dict(result.kpi))],
        "ramp": [*ramp, *_plan_charts(result), *_supply_charts(result)],
        "energy": _energy_charts(result, order),
        "scrap": scrap,
        "buyers": buyer_table(result),
        "escapes": _escape_table(result),
        "costs": costs,
        "stations": stations,
        "station_table": _station_table(result.kpi, order),
        "lines": _line_charts(result),
        "line_table": lines_charts.table(result),
        "drawing": Markup(
            schematic.draw(drawn.nodes, drawn.edges, drawn.shares, drawn.buffers, drawn.shown.get(limiting, limiting))
        ),
        "legend": Markup(schematic.legend([] if shares.empty else list(shares["state"]))),
        "limiting": limiting,
        "buffers": _buffer_table(buffers),
        "assumptions": _assumption_table(result),
        "figures": _kpi_table(result.kpi),
        "manifest": _manifest(result),
    }


def _ramp_charts(result: RunResult) -> list[Chart]:
    parts = output_chart.by_week(result)
    if not parts.empty:
        figure = output_chart.curves(parts, result.phases)
        return [make_chart("output", "Output by week", output_chart.told(parts), figure, parts)]
    whole = lines_charts.together(result)
    frame = frames.ramp(whole)
    if frame.empty:
        return []
    caption = " ".join(text for text in (findings.conversion(result), frames.band_text(result)) if text)
    kinds = list(dict.fromkeys(frame["product"])) if whole is not result else frames.products(result)
    figure = charts.ramp(frame, labels.colours(kinds), (*result.phases, *result.shocks))
    return [make_chart("ramp", "Line yield, output and cost by week", caption, figure, frame)]


def _line_charts(result: RunResult) -> list[Chart]:
    frame = lines_charts.by_week(result)
    if frame.empty:
        return []
    figure = lines_charts.curves(frame)
    return [make_chart("lines", "Yield and output of each line", lines_charts.told(result), figure, frame)]


def _scrap_charts(result: RunResult, order: list[str]) -> list[Chart]:
    out = []
    several = result.stations is not None
    seen = lines_charts.by_line(result)
    scrap = frames.scrap_causes(seen)
    steps = frames.step_yields(seen, list(dict.fromkeys(result.written.get(name, name) for name in order)))
    kinds = labels.colours(list(dict.fromkeys(steps["product"])) if several and len(steps) else frames.products(result))
    column = {"product": "line"} if several else {}
    if not scrap.empty:
        figure = charts.scrap_pareto(scrap, kinds)
        table = scrap.rename(columns=column)
        out.append(make_chart("scrap", "Scrap by cause", findings.scrap(scrap), figure, table))
    if not steps.empty:
        figure = charts.step_losses(steps, kinds)
        table = steps.rename(columns=column)
        out.append(make_chart("steps", "Loss by step", findings.steps(steps), figure, table))
    modes = modes_chart.timeline(result)
    if not modes.empty:
        weeks = int(result.weekly["week"].nunique())
        told, figure = modes_chart.timeline_text(result, modes), modes_chart.timeline_bars(modes, weeks)
        out.append(make_chart("modes", "Causes found and fixed", told, figure, modes))
    return out


def _cost_charts(result: RunResult) -> list[Chart]:
    frame, spans = frames.costs(result), frames.periods(result)
    if frame.empty or frame.loc[frame["period"] != frames.CONVERSION, "usd_per_kwh"].notna().sum() == 0:
        return []
    out = [make_chart("cost", "Cost by account", findings.cost(frame, spans), charts.cost_bars(frame), frame)]
    sold = set(frame.loc[frame["usd_per_kwh"].notna(), "period"])
    told = [span.label for span in spans if span.label in sold and span.label != frames.CONVERSION]
    if len(told) > 1:
        before, after = told[0], told[-1]
        out += _bridge(result, *(next(span for span in spans if span.label == label) for label in (before, after)))
    parts = cost_charts.breakdown(result)
    if not parts.empty:
        figure = cost_charts.breakdown_map(parts)
        title = "From the cost per kWh to account and station"
        out.append(make_chart("breakdown", title, cost_charts.breakdown_text(parts), figure, parts))
    money = cost_charts.cash(result)
    if not money.empty:
        figure = cost_charts.cash_chart(money)
        out.append(make_chart("cash", "Cash flow", cost_charts.cash_text(money), figure, money))
    return out


def _bridge(result: RunResult, before: frames.Period, after: frames.Period) -> list[Chart]:
    """What changed the full cost from one stretch of the run to another; nothing if a replicate sold nothing in one."""
    side = side_of(result)
    try:
        found = compare(side, side, weeks=(_weeks(before), _weeks(after)))
    except UsageError:
        return []
    title = f"What changed: {before.label.lower()} to {after.label.lower()}"
    told = "The bars add up to the cent: each is what one cause changes when all others change too."
    figure = compare_chart.waterfall(found, (before.label, after.label))
    return [make_chart("bridge", title, told, figure, compare_chart.accounts_frame(found))]


def _weeks(period: frames.Period) -> Weeks:
    """Weeks that have their middle inside."""
    return Weeks(math.ceil(period.low - 0.5), math.ceil(period.high - 0.5) - 1)


def _plan_charts(result: RunResult) -> list[Chart]:
    """The conversion as it was planned and as it was, and its planned capacity beside what was sold."""
    if result.tasks is None or result.capacity is None:
        return []
    mine = result.tasks[result.tasks["replicate"] == 0].drop(columns="replicate")
    start = datetime.date.fromisoformat(str(result.manifest["start_date"]))
    out = [make_chart("plan", "The conversion's tasks", gantt.tasks_text(mine), gantt.gantt(mine, start), mine)]
    planned = result.capacity.drop(columns="replicate")
    if not planned.empty:
        made = gantt.sold_by_week(result)
        colours = labels.colours(frames.products(result))
        table = planned.merge(made, on=["week", "product"], how="outer").sort_values(["week", "product"])
        told = gantt.capacity_text(table, gantt.converted_lines(result))
        figure = gantt.capacity_chart(planned, colours, made)
        out.append(make_chart("capacity", "Capacity by week, planned and sold", told, figure, table))
    return out


def _supply_charts(result: RunResult) -> list[Chart]:
    frame = energy_charts.supply(result)
    if frame.empty:
        return []
    told = energy_charts.supply_text(result.shocks)
    figure = energy_charts.supply_curves(frame, result.shocks)
    return [make_chart("supply", "Prices and idle capacity by week", told, figure, frame)]


def _energy_charts(result: RunResult, order: list[str]) -> list[Chart]:
    frame = energy_charts.energy_by_place(result, order)
    if frame.empty:
        return []
    told, figure = energy_charts.energy_text(frame), energy_charts.energy_bars(frame)
    out = [make_chart("energy", "Energy by place", told, figure, frame)]
    carbon = carbon_charts.carbon_by_source(result)
    if not carbon.empty:
        told, figure = carbon_charts.carbon_text(carbon), carbon_charts.carbon_bars(carbon)
        out.append(make_chart("carbon", "Carbon dioxide by source", told, figure, carbon))
    return out


def _station_charts(result: RunResult, order: list[str], shares: pd.DataFrame, limiting: str) -> list[Chart]:
    out = []
    if not shares.empty:
        told = findings.stations(shares, limiting)
        out.append(make_chart("states", "Station states", told, charts.state_bars(shares, limiting), shares))
    limits = bottleneck_chart.shares(result)
    if not limits.empty and limits["week"].max() > 0:
        drawn = bottleneck_chart.stacked(limits, result.phases, int(result.states["week"].max()) + 1)
        out.append(make_chart("bottleneck", "Bottleneck by week", findings.shifting_bottleneck(result), drawn, limits))
    weeks = frames.working_by_week(result, order)
    if not weeks.empty:
        figure = charts.working_map(weeks, result.phases)
        out.append(make_chart("working", "Working share by week", "", figure, weeks))
    return out


def _card(name: str, kpi: Kpi) -> dict[str, str]:
    unit = labels.kpi_unit(name, kpi)
    label, about = labels.kpi_label(name)
    value, shown = quantity(kpi.value, unit)
    if isinstance(kpi.value, str):
        value = labels.words(kpi.value)
    interval = kpi_interval(Kpi(kpi.value, unit, kpi.ci_low, kpi.ci_high, kpi.n))
    precision = f"95 % CI {interval}, n\u00a0=\u00a0{kpi.n}" if interval else f"n = {kpi.n}"
    return {"label": label, "about": about, "value": value, "unit": shown, "precision": precision}


def _kpi_table(kpis: Mapping[str, Kpi]) -> Table:
    frame = pd.DataFrame(
        {
            "figure": list(kpis),
            "value": [k.value for k in kpis.values()],
            "unit": [k.unit for k in kpis.values()],
            "ci_low": [k.ci_low for k in kpis.values()],
            "ci_high": [k.ci_high for k in kpis.values()],
            "n": [k.n for k in kpis.values()],
            "reason": [k.reason for k in kpis.values()],
        }
    )
    rows = tuple(tuple(cell_text(value) for value in row) for row in frame.itertuples(index=False))
    headings = ("figure", "value", "unit", "95 % CI from", "to", "n", "note")
    columns = tuple((text, text in ("value", "95 % CI from", "to", "n")) for text in headings)
    return Table("kpi", columns, rows, len(frame), as_csv(frame))


def _escape_table(result: RunResult) -> Table | None:
    """Hidden defects of the cells sold, by mechanism: mean over replicates, the most frequent first."""
    if result.escapes is None or result.escapes.empty:
        return None
    mean = result.escapes.drop(columns="replicate").groupby("mechanism", sort=True).mean().reset_index()
    return make_table("escapes", mean.sort_values("cells", ascending=False, kind="stable"))


def _station_table(kpis: Mapping[str, Kpi], order: list[str]) -> Table | None:
    """Figures named "figure.station" as a table of stations by figures."""
    rank = {name: place for place, name in enumerate(order)}
    split = [name.partition(".") for name in kpis if "." in name]
    names = [(head, tail) for head, _, tail in split if tail in rank]  # others are by product or by defect
    figures = list(dict.fromkeys(head for head, _ in names))
    owners = sorted(dict.fromkeys(tail for _, tail in names), key=lambda name: rank[name])
    if not owners:
        return None
    units: dict[str, str] = {}
    for name, kpi in kpis.items():
        units.setdefault(name.partition(".")[0], labels.kpi_unit(name, kpi))
    rows = []
    for owner in owners:
        found = [kpis.get(f"{figure}.{owner}") for figure in figures]
        rows.append(
            (
                labels.words(owner),
                *(joined(k.value, units[f]) if k else MISSING for f, k in zip(figures, found, strict=True)),
            )
        )
    frame = pd.DataFrame(
        [[owner, *(getattr(kpis.get(f"{figure}.{owner}"), "value", None) for figure in figures)] for owner in owners],
        columns=["name", *figures],
    )
    columns = (("station or buffer", False), *((labels.words(figure), True) for figure in figures))
    return Table("by-station", columns, tuple(rows), len(rows), as_csv(frame))


def _buffer_table(frame: pd.DataFrame) -> Table | None:
    if frame.empty:
        return None
    rows = []
    for row in frame.to_dict("records"):
        capacity = row["capacity"] if is_number(row["capacity"]) else None
        rows.append(
            (
                labels.words(str(row["buffer"])),
                str(row["unit"] or ""),
                number(capacity) if capacity is not None else "unlimited",
                number(row["mean"]),
                number(row["maximum"]),
                f"{100.0 * row['mean'] / capacity:.0f} %" if capacity else MISSING,
                duration(row["wait_mean_s"]),
                duration(row["wait_p95_s"]),
            )
        )
    headings = ("buffer", "unit", "capacity", "mean", "maximum", "mean fill", "mean wait", "95 % wait less than")
    return Table(
        "buffers",
        tuple((text, text not in ("buffer", "unit")) for text in headings),
        tuple(rows),
        len(rows),
        as_csv(frame),
    )


def _assumption_table(result: RunResult) -> Table | None:
    if not result.assumptions:
        return None
    rows = []
    for path, value, low, high, text in result.assumptions[:_MOST_ASSUMPTIONS]:
        span = (
            f"{100.0 * (high - low) / abs(value):.0f} %" if low is not None and high is not None and value else MISSING
        )
        rows.append((path, as_written(value), as_written(low), as_written(high), span, text))
    frame = pd.DataFrame(result.assumptions, columns=["input", "value", "low", "high", "text"])
    headings = (("input", False), ("value", True), ("low", True), ("high", True), ("range", True), ("note", False))
    return Table("assumptions", headings, tuple(rows), len(result.assumptions), as_csv(frame))


def _manifest(result: RunResult) -> list[tuple[str, str]]:
    head = [("scenario", result.name), ("digest", result.digest), ("seed", str(result.seed))]
    head.append(("replicates", str(result.replicates)))
    known = {name for name, _ in head}
    rest = [
        *_flat("", result.manifest),
        *_flat("counts", {name: f"{count:,}" for name, count in result.counts.items()}),
        *_flat("timing", result.timing),
    ]
    return [*head, *((name, text) for name, text in rest if name not in known)]


def _flat(prefix: str, value: Any) -> Iterable[tuple[str, str]]:
    """A nested mapping as dotted names and texts; a list becomes one row for each entry."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), inner)
    elif isinstance(value, list | tuple):
        yield prefix, "\n".join(str(inner) for inner in value)
    else:
        yield prefix, as_written(value) if isinstance(value, float) else str(value)
