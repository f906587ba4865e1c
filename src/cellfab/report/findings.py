"""One plain sentence for each part of a result: what a reader should take away before looking at the numbers."""

from __future__ import annotations

import pandas as pd

from cellfab.report.frames import CONVERSION, Period
from cellfab.report.labels import QUIET_PHASES, sentence, words
from cellfab.report.numbers import joined, number, percent
from cellfab.result import RunResult

_BOTTLENECKS = 3
"""Stations that are told to be the shifting bottleneck."""


def conversion(result: RunResult) -> str:
    """When the line stopped, what was done when, and when it was released; empty without a conversion."""
    busy = [phase for phase in result.phases if phase.name not in QUIET_PHASES]
    if not busy:
        return ""
    steps = ", ".join(
        f"{words(p.name)} week {p.start_week:.0f} to {p.end_week:.0f}{f' ({p.text})' if p.text else ''}" for p in busy
    )
    length = max(p.end_week for p in busy) - min(p.start_week for p in busy)
    text = f"Conversion of {length:.0f} weeks: {steps}."
    reached = result.kpi.get("weeks_to_90pct_rate")
    if reached is not None and isinstance(reached.value, int | float):
        text += f" 90 % of the new rate is reached {number(reached.value)} weeks after the stop."
    return text


def scrap(frame: pd.DataFrame) -> str:
    """The dearest cause of scrap and its share of the money lost."""
    if frame.empty:
        return "Nothing was scrapped."
    cost = frame.groupby("rank")["usd"].sum()
    total = float(cost.sum())
    first = frame.iloc[0]
    share = f", {percent(float(cost.iloc[0]) / total, 0)} of {joined(total, 'usd')} thrown away" if total > 0 else ""
    return f"Dearest cause: {first['text']} ({words(first['station'])}){share}."


def steps(frame: pd.DataFrame) -> str:
    """The step that rejects the largest share of what enters it."""
    if frame.empty or float(frame["loss"].max()) <= 0.0:
        return ""
    worst = frame.sort_values("loss", ascending=False, kind="stable").iloc[0]
    return (
        f"Largest loss: {words(worst['station'])} rejects {percent(float(worst['loss']), 2)} of the "
        f"{words(worst['row_unit'])} that enter it ({words(worst['product'])}). Steps without a bar reject nothing."
    )


def cost(frame: pd.DataFrame, spans: list[Period]) -> str:
    """Cost per good kWh in each period in which something was sold."""
    if frame.empty:
        return ""
    totals = frame.groupby("period", sort=False)["usd_per_kwh"].sum(min_count=1)
    made = [p.label for p in spans if p.label != CONVERSION and totals.get(p.label, float("nan")) > 0]
    told = ", ".join(f"{label.lower()} {number(totals[label])} $/kWh" for label in made)
    text = f"Full cost {told}." if told else "Nothing was sold, so there is no cost per kWh."
    during = frame[frame["period"] == CONVERSION]
    if not during.empty:
        sold = joined(float(during["good_kwh"].iloc[0]) / 1_000.0, "MWh")
        text += f" During the conversion {joined(float(during['usd'].sum()), 'usd')} were spent and {sold} sold."
    return text


def bottleneck(result: RunResult) -> str:
    """Name of the station that limits the line; empty if the result names none."""
    kpi = result.kpi.get("bottleneck")
    return kpi.value if kpi is not None and isinstance(kpi.value, str) else ""


def shifting_bottleneck(result: RunResult) -> str:
    """The stations that were the bottleneck for longest, in one sentence; empty where nobody watched."""
    names = [name.partition(".")[2] for name in result.kpi if name.startswith("bottleneck_share.")]
    share = {name: _value(result, f"bottleneck_share.{name}") for name in names}
    alone = {name: _value(result, f"bottleneck_sole_share.{name}") for name in names}
    first = [name for name in sorted(names, key=lambda name: -share[name]) if share[name] >= 0.005][:_BOTTLENECKS]
    if not first:
        return ""
    parts = [f"{words(name)} {percent(share[name], 0)} of the time" for name in first[:1]]
    parts[0] += f" ({percent(alone[first[0]], 0)} alone)"
    parts += [f"{words(name)} {percent(share[name], 0)}" for name in first[1:]]
    rest = sum(share.values()) - sum(share[name] for name in first)
    if rest >= 0.005:
        parts.append(f"others {percent(rest, 0)}")
    nobody = 1.0 - sum(share.values())
    if nobody >= 0.005:
        parts.append(f"nobody {percent(nobody, 0)}")
    return f"Shifting bottleneck: {', '.join(parts)}."


def _value(result: RunResult, name: str) -> float:
    value = result.kpi[name].value
    return float(value) if isinstance(value, (int, float)) else 0.0


def stations(frame: pd.DataFrame, limiting: str) -> str:
    """How much of the calendar the limiting station worked, and what it lost most to apart from a conversion."""
    mine = frame[frame["station"] == limiting] if limiting and not frame.empty else pd.DataFrame()
    if mine.empty:
        return ""
    share = dict(zip(mine["state"], mine["share"], strict=True))
    lost = max(
        (state for state in share if state not in ("working", "converting")), key=lambda state: share[state], default=""
    )
    text = f"{sentence(words(limiting))} limits the line: working {percent(share.get('working', 0.0))} of the calendar"
    return f"{text}, {words(lost)} {percent(share[lost])}." if lost and share[lost] > 0 else f"{text}."
