"""Two runs side by side: the waterfall from the one's cost per kWh to the other's, and their key figures."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cellfab.core.ledger import Holding
from cellfab.economics.waterfall import BARS, Kind, Output, effects, in_cents
from cellfab.errors import ConfigError, UsageError
from cellfab.result import Kpi, RunResult

if TYPE_CHECKING:
    import pandas as pd

_TABLES = {"weekly": "ramp", "holdings": "holdings", "releases": "releases", "incomes": "incomes"}
"""Tables of a run that a comparison reads: attribute of `Side`, and name of the file."""


@dataclass(frozen=True)
class Side:
    """One of two runs that are compared.

    Attributes
    ----------
    name : str
    seed, replicates : int
    currency_year : int or None
        None of a bare line.
    kpi : mapping of str to Kpi
    weekly, holdings, releases, incomes : DataFrame
        As in `RunResult`.
    """

    name: str
    seed: int
    replicates: int
    currency_year: int | None
    kpi: Mapping[str, Kpi]
    weekly: pd.DataFrame
    holdings: pd.DataFrame
    releases: pd.DataFrame
    incomes: pd.DataFrame


class Weeks(NamedTuple):
    """Weeks of a run, the first and the last included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"weeks {self.first} to {self.last}" if self.last > self.first else f"week {self.first}"


class Bar(NamedTuple):
    """One bar of the waterfall.

    Attributes
    ----------
    name : str
    usd_per_kwh : float
        Mean over the pairs of replicates.
    cents : int
        The same as it is printed.
    half_width : float or None
        Of the 95 % confidence interval of the mean; None unless replicates are paired, and two of them at least.
    accounts : mapping of str to float
        What makes it up, by account of the ledger, $/kWh.
    """

    name: str
    usd_per_kwh: float
    cents: int
    half_width: float | None
    accounts: Mapping[str, float]


class Figure(NamedTuple):
    """One key figure of both runs, over their whole length; None where it has no number."""

    name: str
    unit: str
    before: float | str | None
    after: float | str | None

    @property
    def difference(self) -> float | None:
        """After less before, of two numbers."""
        if isinstance(self.before, int | float) and isinstance(self.after, int | float):
            return self.after - self.before
        return None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one run's cost per kWh becomes another's.

    Attributes
    ----------
    kind : str
        Of cost: full, cash or net.
    names : pair of str
    weeks : pair of Weeks
    good_mwh : pair of float
        Sold in those weeks, mean per replicate.
    usd_per_kwh : pair of float
        Mean over replicates.
    cents : pair of int
        The same as it is printed: the first and the cents of all bars add up to the second.
    bars : tuple of Bar
    pairs : int
        Pairs of replicates behind the means.
    paired : bool
        Each replicate with the one of the same number and seed, so that most of chance cancels out.
    figures : tuple of Figure
    """

    kind: Kind
    names: tuple[str, str]
    weeks: tuple[Weeks, Weeks]
    good_mwh: tuple[float, float]
    usd_per_kwh: tuple[float, float]
    cents: tuple[int, int]
    bars: tuple[Bar, ...]
    pairs: int
    paired: bool
    figures: tuple[Figure, ...]


def read_side(folder: Path) -> Side:
    """A run from its folder.

    Raises
    ------
    UsageError
        If the folder is not one that `cellfab run` wrote.
    ConfigError
        If one of its files is missing or cannot be read.
    """
    import pandas as pd

    if not (folder / "kpi.json").is_file():
        raise UsageError(f"'{folder}' is not the folder of a run: it has no kpi.json")
    try:
        document = json.loads((folder / "kpi.json").read_text(encoding="utf-8"))
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        frames = {name: pd.read_parquet(folder / f"{file}.parquet") for name, file in _TABLES.items()}
        kpi = {
            name: Kpi(kpi["value"], kpi["unit"], kpi["ci_low"], kpi["ci_high"], kpi["n"], kpi.get("reason", ""))
            for name, kpi in document["kpi"].items()
        }
        name, seed = str(document["scenario"]["name"]), int(document["seed"])
        replicates = int(document["replicates"])
    except FileNotFoundError as error:
        raise ConfigError(f"{error.filename}: is missing; run the scenario again") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{folder}: cannot be read: {error}") from error
    return Side(name, seed, replicates, manifest.get("currency_year"), kpi, **frames)


def side_of(result: RunResult) -> Side:
    """A run from its result."""
    assert result.holdings is not None
    assert result.releases is not None
    assert result.incomes is not None
    return Side(
        name=result.name,
        seed=result.seed,
        replicates=result.replicates,
        currency_year=result.manifest.get("currency_year"),
        kpi=result.kpi,
        weekly=result.weekly,
        holdings=result.holdings,
        releases=result.releases,
        incomes=result.incomes,
    )


def weeks_of(side: Side, text: str) -> Weeks:
    """Weeks chosen of a run: `FIRST:END` as Python cuts a list (`0:16`, `92:`, `-13:`), or the name of a phase.

    Raises
    ------
    UsageError
        If the run has no such weeks.
    """
    length = 1 + int(side.weekly["week"].max())
    first, colon, end = text.partition(":")
    if not colon:
        inside = side.weekly.loc[(side.weekly["phase"] == text) & (side.weekly["replicate"] == 0), "week"]
        if inside.empty:
            phases = ", ".join(dict.fromkeys(side.weekly["phase"]))
            raise UsageError(f"'{text}' is no phase of {side.name}; choose one of: {phases}; or weeks such as 0:16")
        return Weeks(int(inside.min()), int(inside.max()))
    try:
        chosen = range(length)[slice(*(int(part) if part.strip() else None for part in (first, end)))]
    except ValueError:
        raise UsageError(f"'{text}' are no weeks: write FIRST:END, such as 0:16 or -13:") from None
    if not chosen:
        raise UsageError(f"{side.name} has weeks 0 to {length - 1}, and none of them is in {text}")
    return Weeks(chosen[0], chosen[-1])


def compare(
    before: Side, after: Side, kind: Kind = "full", weeks: tuple[str | Weeks, str | Weeks] = (":", ":")
) -> Comparison:
    """The waterfall from one run's cost per kWh to the other's.

    Parameters
    ----------
    before, after : Side
        Two runs, or one run twice with different weeks.
    kind : str
        full, cash or net.
    weeks : pair of Weeks or str
        As text, see `weeks_of`.

    Raises
    ------
    UsageError
        If the two cannot be compared: a line without money, dollars of different years, or nothing sold.
    """
    sides = (before, after)
    _refuse_incomparable(before, after)
    first_weeks, last_weeks = (
        weeks_of(side, span) if isinstance(span, str) else span for side, span in zip(sides, weeks, strict=True)
    )
    chosen = (first_weeks, last_weeks)
    outputs = [[o.of_kind(kind) for o in _outputs(side, span)] for side, span in zip(sides, chosen, strict=True)]
    paired = before.replicates == after.replicates and before.seed == after.seed
    pairs = list(zip(*outputs, strict=True)) if paired else [(a, b) for a in outputs[0] for b in outputs[1]]
    bars = _bars(pairs, paired)
    start, end = (statistics.fmean(output.usd_per_kwh for output in side) for side in outputs)
    first, cents, last = in_cents(start, end, [bar.usd_per_kwh for bar in bars])
    return Comparison(
        kind=kind,
        names=(before.name, after.name),
        weeks=chosen,
        good_mwh=(_mean_mwh(outputs[0]), _mean_mwh(outputs[1])),
        usd_per_kwh=(start, end),
        cents=(first, last),
        bars=tuple(bar._replace(cents=cent) for bar, cent in zip(bars, cents, strict=True)),
        pairs=len(pairs),
        paired=paired,
        figures=_figures(before, after),
    )


def _refuse_incomparable(before: Side, after: Side) -> None:
    for side in (before, after):
        if side.currency_year is None:
            raise UsageError(f"{side.name} is a bare line: it has no cost to compare")
    if before.currency_year != after.currency_year:
        raise UsageError(
            f"{before.name} is in dollars of {before.currency_year} and {after.name} of {after.currency_year}: "
            "bring them to one year first (economics.currency_year, and every price)"
        )


def _outputs(side: Side, weeks: Weeks) -> list[Output]:
    """What each replicate's output of those weeks bears."""

    def inside(frame: pd.DataFrame, replicate: int) -> Any:
        mine = (frame["replicate"] == replicate) & frame["week"].between(weeks.first, weeks.last)
        return frame[mine]

    found = []
    for replicate in range(side.replicates):
        sold = inside(side.releases, replicate)
        sold = sold[sold["holding"] == Holding.FINISHED_GOOD]
        kwh = math.fsum(sold["energy_kwh"])
        if kwh <= 0.0:
            raise UsageError(f"{side.name} sold nothing in {weeks}: it has no cost per kWh")
        held = inside(side.holdings, replicate)
        sums = held[held["holding"] != Holding.RETURNED].groupby(["holding", "account"], sort=True)[["quantity", "usd"]]
        borne = {
            (Holding(holding), account): (float(quantity), float(usd))
            for (holding, account), quantity, usd in sums.sum().itertuples()
        }
        incomes = inside(side.incomes, replicate).groupby("account", sort=True)["usd"].sum()
        earned = {str(account): float(usd) for account, usd in incomes.items()}
        found.append(Output(weeks.last - weeks.first + 1.0, float(sold["rows"].sum()), kwh, borne, earned))
    return found


def _bars(pairs: Sequence[tuple[Output, Output]], paired: bool) -> list[Bar]:
    """Means over pairs, in the order of `BARS`; the cents are given later."""
    sums: dict[str, dict[str, float]] = {}
    by_pair: list[dict[str, float]] = []
    for before, after in pairs:
        one: dict[str, float] = {}
        for effect in effects(before, after):
            of_bar = sums.setdefault(effect.bar, {})
            of_bar[effect.account] = of_bar.get(effect.account, 0.0) + effect.usd_per_kwh / len(pairs)
            one[effect.bar] = one.get(effect.bar, 0.0) + effect.usd_per_kwh
        by_pair.append(one)
    bars = []
    for name in (name for name in BARS if name in sums):
        values = [one.get(name, 0.0) for one in by_pair]
        bars.append(Bar(name, statistics.fmean(values), 0, _half_width(values) if paired else None, sums[name]))
    return bars


def _half_width(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    from scipy.special import stdtrit

    return float(stdtrit(len(values) - 1, 0.975)) * statistics.stdev(values) / math.sqrt(len(values))


def _mean_mwh(outputs: Sequence[Output]) -> float:
    return statistics.fmean(output.kwh for output in outputs) / 1e3


def _figures(before: Side, after: Side) -> tuple[Figure, ...]:
    """Key figures that at least one of the two has, in the order of the first."""
    found = []
    for name in dict.fromkeys((*before.kpi, *after.kpi)):
        values = [side.kpi[name].value if name in side.kpi else None for side in (before, after)]
        unit = (before.kpi.get(name) or after.kpi[name]).unit
        if any(value is not None for value in values):
            found.append(Figure(name, unit, values[0], values[1]))
    return tuple(found)
