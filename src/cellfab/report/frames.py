"""The numbers behind each chart and table: tidy frames aggregated from a result, averaged over replicates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from cellfab.core.ledger import Holding
from cellfab.economics.recycling import RECYCLING
from cellfab.report.labels import QUIET_PHASES, STATES
from cellfab.result import RunResult

RAMP_SERIES = ("line_yield", "good_energy_mwh", "cost_usd_per_kwh", "cash_cost_usd_per_kwh")
"""Weekly columns drawn as ramp curves."""
MANY_REPLICATES = 20
"""From here on bands are the 5th to 95th percentile; below, the smallest to the largest."""
MAX_POINTS = 5_000
"""Most points of one trace."""
SETTLED_WEEKS = 13
"""A quarter at the end of the run, taken as what the line settled to."""
CONVERSION = "Conversion"
"""Name of the period in which a line is converted."""


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of weeks over which costs are added up; `low` is included, `high` is not."""

    label: str
    low: float
    high: float

    def holds(self, weeks: pd.Series) -> pd.Series:
        """Which of `weeks` have their middle inside."""
        middle = weeks.astype(float) + 0.5
        return (middle >= self.low) & (middle < self.high)


def products(result: RunResult) -> list[str]:
    """Names of the products in the order in which they are made."""
    found: dict[str, None] = {}
    for frame in (result.weekly, result.scrap, result.steps):
        if not frame.empty:
            ordered = frame.sort_values("week", kind="stable") if "week" in frame else frame
            found.update(dict.fromkeys(str(name) for name in ordered["product"] if name))
    return list(found)


def ramp(result: RunResult) -> pd.DataFrame:
    """Weekly curves over replicates.

    Returns
    -------
    DataFrame
        week, phase, product, n, and for each of `RAMP_SERIES` its mean, `_low` and `_high` over the replicates that
        have a value in that week (line_yield 0-1, good_energy_mwh MWh, costs $/kWh; NaN where none has one).
    """
    weekly = result.weekly
    if weekly.empty:
        return pd.DataFrame()
    ordered = weekly.sort_values(["week", "replicate"], kind="stable")
    groups = ordered.groupby("week", sort=True)
    out = groups[["phase", "product"]].first()
    out["n"] = groups["replicate"].nunique()
    many = result.replicates >= MANY_REPLICATES
    for name in RAMP_SERIES:
        column = groups[name]
        out[name] = column.mean()
        out[f"{name}_low"] = column.quantile(0.05) if many else column.min()
        out[f"{name}_high"] = column.quantile(0.95) if many else column.max()
    return out.reset_index()


def band_text(result: RunResult) -> str:
    """What the bands of `ramp` are, in words; empty for one replicate."""
    if result.replicates < 2:
        return ""
    if result.replicates >= MANY_REPLICATES:
        return f"Line: mean of {result.replicates} replicates. Band: 5th to 95th percentile."
    return f"Line: mean of {result.replicates} replicates. Band: smallest to largest replicate."


def scrap_causes(result: RunResult) -> pd.DataFrame:
    """Scrap by cause and product, mean per replicate, the dearest cause first.

    Returns
    -------
    DataFrame
        station, step, cause, text, product, rows, row_unit, cell_equivalents, usd, and `rank` (0 is the dearest cause;
        rows of one cause share it).
    """
    if result.scrap.empty:
        return pd.DataFrame()
    keys = ["station", "step", "cause", "text", "product", "row_unit"]
    out = result.scrap.groupby(keys, sort=True)[["rows", "cell_equivalents", "usd"]].sum().reset_index()
    out[["rows", "cell_equivalents", "usd"]] = out[["rows", "cell_equivalents", "usd"]] / result.replicates
    total = out.groupby(["station", "step", "cause"], sort=True)[["usd", "cell_equivalents"]].sum()
    total = total.sort_values(["usd", "cell_equivalents"], ascending=False, kind="stable")
    rank = {key: place for place, key in enumerate(total.index)}
    out["rank"] = [rank[key] for key in zip(out["station"], out["step"], out["cause"], strict=True)]
    return out.sort_values(["rank", "product"], kind="stable").reset_index(drop=True)


def step_yields(result: RunResult, order: list[str]) -> pd.DataFrame:
    """First-pass yield by station, step and product over all replicates, stations in the `order` of the line.

    Returns
    -------
    DataFrame
        station, step, product, rows_in, rows_scrapped (mean per replicate), row_unit, step_yield and loss (both 0-1).
    """
    if result.steps.empty:
        return pd.DataFrame()
    keys = ["station", "step", "product", "row_unit"]
    out = result.steps.groupby(keys, sort=False)[["rows_in", "rows_scrapped"]].sum().reset_index()
    out = out[out["rows_in"] > 0].copy()
    out["loss"] = out["rows_scrapped"] / out["rows_in"]
    out["step_yield"] = 1.0 - out["loss"]
    out[["rows_in", "rows_scrapped"]] = out[["rows_in", "rows_scrapped"]] / result.replicates
    return _in_order(out, order)


def state_shares(result: RunResult, order: list[str]) -> pd.DataFrame:
    """Share of calendar time by station and state over all replicates and weeks.

    Returns
    -------
    DataFrame
        station, state, hours (mean per replicate), share (0-1; the shares of a station add up to 1).
    """
    if result.states.empty:
        return pd.DataFrame()
    out = result.states.groupby(["station", "state"], sort=False)["hours"].sum().reset_index()
    total = out.groupby("station")["hours"].transform("sum")
    out["share"] = (out["hours"] / total).where(total > 0, 0.0)
    out["hours"] = out["hours"] / result.replicates
    rank = {state: place for place, state in enumerate(STATES)}
    out = out.assign(_rank=[rank.get(state, len(rank)) for state in out["state"]])
    out = out.sort_values(["_rank", "state"], kind="stable").drop(columns="_rank")
    return _in_order(out, order)


def working_by_week(result: RunResult, order: list[str]) -> pd.DataFrame:
    """Share of calendar time each station worked, by week; weeks are pooled where there are too many to draw.

    Returns
    -------
    DataFrame
        station, week (first of the pooled weeks), weeks (how many), share (0-1).
    """
    states = result.states
    if states.empty or states["week"].nunique() < 2:
        return pd.DataFrame()
    cells = states["station"].nunique() * states["week"].nunique()
    pooled = next(
        size for size in (1, 2, 4, 13, 26, 52, math.ceil(cells / MAX_POINTS) * 52) if cells <= size * MAX_POINTS
    )
    week = (states["week"] // pooled) * pooled
    hours = states["hours"].where(states["state"] == "working", 0.0)
    frame = pd.DataFrame({"station": states["station"], "week": week, "working": hours, "hours": states["hours"]})
    out = frame.groupby(["station", "week"], sort=True)[["working", "hours"]].sum().reset_index()
    out["share"] = (out["working"] / out["hours"]).where(out["hours"] > 0)
    out["weeks"] = pooled
    return _in_order(out[["station", "week", "weeks", "share"]], order)


def buffers(result: RunResult) -> pd.DataFrame:
    """Content and waiting time of each buffer, mean over replicates (maximum: the largest of them)."""
    if result.buffers.empty:
        return pd.DataFrame()
    groups = result.buffers.groupby("buffer", sort=False)
    out = groups[["unit", "capacity"]].first()
    out["mean"] = groups["mean"].mean()
    out["maximum"] = groups["maximum"].max()
    out[["wait_mean_s", "wait_p95_s"]] = groups[["wait_mean_s", "wait_p95_s"]].mean()
    return out.reset_index()


def periods(result: RunResult) -> list[Period]:
    """Stretches of the run that costs are compared over: before, in and after a conversion, and the last quarter."""
    if result.weekly.empty:
        return []
    first, last = float(result.weekly["week"].min()), float(result.weekly["week"].max()) + 1.0
    busy = [phase for phase in result.phases if phase.name not in QUIET_PHASES]
    out = [Period("Whole run", first, last)]
    if busy:
        start, end = min(phase.start_week for phase in busy), max(phase.end_week for phase in busy)
        out = [Period("Before the conversion", first, start), Period(CONVERSION, start, end)]
        out.append(Period("After the release", end, last))
    settled = last - SETTLED_WEEKS
    if settled - out[-1].low >= SETTLED_WEEKS:
        out.append(Period(f"Last {SETTLED_WEEKS} weeks", settled, last))
    return [period for period in out if period.high > period.low]


def borne(result: RunResult) -> pd.DataFrame:
    """Full cost by replicate, week and account: value that has left the line, less what recyclers paid for scrap.

    Returns
    -------
    DataFrame
        replicate, week, account, usd.
    """
    columns = ["replicate", "week", "account", "usd"]
    if result.holdings is None or result.holdings.empty:
        return pd.DataFrame(columns=columns)
    left = result.holdings.loc[result.holdings["holding"] != Holding.RETURNED, columns]
    if result.incomes is None or result.incomes.empty:
        return left
    sold = result.incomes.loc[result.incomes["account"].str.startswith(RECYCLING), columns]
    return pd.concat([left, sold.assign(usd=-sold["usd"])], ignore_index=True) if len(sold) else left


def costs(result: RunResult) -> pd.DataFrame:
    """Full cost by account over the periods of the run.

    Returns
    -------
    DataFrame
        period, account, usd (mean per replicate), good_kwh (sold in the period, mean per replicate), usd_per_kwh (NaN
        where nothing was sold). Ratios are of sums over replicates.
    """
    whole = borne(result)
    if whole.empty or result.weekly.empty:
        return pd.DataFrame()
    pieces = []
    for period in periods(result):
        inside = whole[period.holds(whole["week"])]
        kwh = 1_000.0 * float(result.weekly.loc[period.holds(result.weekly["week"]), "good_energy_mwh"].sum())
        piece = inside.groupby("account", sort=True)["usd"].sum().reset_index()
        piece = piece[piece["usd"].abs() > 0.0]
        piece.insert(0, "period", period.label)
        piece["good_kwh"] = kwh / result.replicates
        piece["usd_per_kwh"] = piece["usd"] / kwh if kwh > 0 else math.nan
        piece["usd"] = piece["usd"] / result.replicates
        pieces.append(piece)
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame()


def main_accounts(frame: pd.DataFrame, most: int) -> list[str]:
    """The `most` accounts with the largest sums in a frame of `costs`, largest first."""
    size = frame.groupby("account", sort=True)["usd"].sum().abs().sort_values(ascending=False, kind="stable")
    return [str(account) for account in size.index[:most]]


def _in_order(frame: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    rank = {name: place for place, name in enumerate(order)}
    places = frame.assign(_place=[rank.get(name, len(rank)) for name in frame["station"]])
    return places.sort_values("_place", kind="stable").drop(columns="_place").reset_index(drop=True)
