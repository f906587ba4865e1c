"""What shocks do to prices and supplies: factors by week, and windows in which nothing is supplied.

There are two mechanisms. A price factor multiplies the price of a material; a week's factor is the mean over its seven
days. A closed window is a stretch of time in which a station is not supplied: in each week of the run that a shock
touches, it is open first, for the share that is left, and then closed. `closures` says which stations.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from cellfab.config.shock_spec import Shock
from cellfab.economics.prices import WeeklyPrices
from cellfab.units import TICKS_PER_WEEK

DAYS_PER_WEEK = 7
TICKS_PER_DAY = TICKS_PER_WEEK // DAYS_PER_WEEK
Window = tuple[int, int]
"""From one tick up to another."""


def price_factors(shocks: Iterable[Shock], material: str, start: datetime.date, weeks: int) -> list[float]:
    """Factor on the price of a material in each of `weeks` weeks from the day `start`."""
    changes = [shock for shock in shocks if shock.subject == material and shock.price_multiplier != 1.0]
    if not changes:
        return [1.0] * weeks
    factors = []
    for week in range(weeks):
        days = [start + datetime.timedelta(days=DAYS_PER_WEEK * week + day) for day in range(DAYS_PER_WEEK)]
        by_day = [math.prod(one.price_multiplier for one in changes if one.first <= day <= one.last) for day in days]
        # The mean of seven equal numbers need not be that number.
        factors.append(by_day[0] if len(set(by_day)) == 1 else math.fsum(by_day) / DAYS_PER_WEEK)
    return factors


def with_shocks(prices: WeeklyPrices, shocks: Iterable[Shock], start: datetime.date) -> WeeklyPrices:
    """Prices of materials times the factors of the shocks; the week after the run as the last one."""
    known = tuple(shocks)
    if not known:
        return prices
    materials = {}
    for name, plain in prices.materials.items():
        factors = price_factors(known, name, start, prices.weeks - 1)
        materials[name] = [price * factor for price, factor in zip(plain, [*factors, factors[-1]], strict=True)]
    return replace(prices, materials=materials)


def span(shock: Shock, start: datetime.date, horizon: int) -> Window:
    """Ticks from which and up to which a shock lasts, within the run."""
    first = (shock.first - start).days * TICKS_PER_DAY
    return max(first, 0), min((shock.last - start).days * TICKS_PER_DAY + TICKS_PER_DAY, horizon)


def closed_windows(shock: Shock, start: datetime.date, horizon: int) -> list[Window]:
    """Windows in which a shock leaves nothing: in each week, the end of what it touches.

    Parameters
    ----------
    shock : Shock
    start : date
        First day of the run.
    horizon : int
        Ticks of the run.
    """
    windows = []
    begin, end = span(shock, start, horizon)
    while begin < end:
        upto = min(end, (begin // TICKS_PER_WEEK + 1) * TICKS_PER_WEEK)
        closed = begin + round(shock.open_share * (upto - begin))
        if closed < upto:
            windows.append((closed, upto))
        begin = upto
    return merged(windows)


def merged(windows: Iterable[Window]) -> list[Window]:
    """Windows in order, those that overlap or touch joined."""
    joined: list[Window] = []
    for first, last in sorted(windows):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def closed_ticks(windows: Iterable[Window], start: int, end: int) -> int:
    """Ticks from `start` to `end` that lie in closed windows."""
    return sum(max(min(last, end) - max(first, start), 0) for first, last in windows)


def closures(
    shocks: Mapping[str, Shock], users: Mapping[str, Iterable[str]], plant: Iterable[str], start: datetime.date,
    horizon: int,
) -> dict[str, list[Window]]:  # fmt: skip
    """By station: windows in which it is not supplied.

    Without a material those who need it stand still. A part of it makes a part of the cells, so then the plant does:
    stations that are faster than the line would take in their open time all that the line needs.

    Parameters
    ----------
    shocks : mapping of str to Shock
    users : mapping of str to names
        Stations that need a material, by its name.
    plant : names
        Stations that stand still when the plant does.
    start : date
    horizon : int
        Ticks of the run.
    """
    by_station: dict[str, list[Window]] = {}
    for shock in shocks.values():
        windows = closed_windows(shock, start, horizon)
        alone = shock.subject is not None and shock.open_share == 0.0
        for station in users.get(str(shock.subject), ()) if alone else plant:
            if windows:
                by_station[station] = merged([*by_station.get(station, ()), *windows])
    return by_station
