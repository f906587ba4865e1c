"""Contracts of a fleet's plants: what is promised in each week, at which price, and whether anybody wants so much."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cellfab.config.fleet_spec import Contract, FleetFile
from cellfab.config.problems import Problem
from cellfab.config.resolved import Resolved
from cellfab.economics.capital import WEEKS_PER_YEAR

_KWH_PER_GWH = 1e6
_DAYS_PER_WEEK = 7


class Promised(NamedTuple):
    """What a plant has promised for one week: kWh, and their mean price in $/kWh (0 where there are none)."""

    kwh: float
    usd_per_kwh: float


def promised(contracts: Mapping[str, Contract], start: datetime.date, weeks: int) -> list[Promised]:
    """All contracts of a plant together in each week; each is spread evenly over its days."""
    found = []
    for week in range(weeks):
        monday = start + datetime.timedelta(weeks=week)
        kwh = [_kwh(one, monday) for one in contracts.values()]
        usd = math.fsum(each * one.price_usd_per_kwh for each, one in zip(kwh, contracts.values(), strict=True))
        whole = math.fsum(kwh)
        found.append(Promised(whole, usd / whole if whole else 0.0))
    return found


def _kwh(contract: Contract, monday: datetime.date) -> float:
    """Of one contract in the week that begins on a day."""
    sunday = monday + datetime.timedelta(days=_DAYS_PER_WEEK - 1)
    days = (min(sunday, contract.ends) - max(monday, contract.begins)).days + 1
    whole = (contract.ends - contract.begins).days + 1
    return contract.energy_gwh * _KWH_PER_GWH * max(days, 0) / whole


def oversold(resolved: Resolved, spec: FleetFile, weeks: int) -> Iterator[Problem]:
    """More promised in a week than all buyers want at their reference prices: told at the largest contract of it."""
    fleet, start = spec.fleet, spec.run.start_date
    of_plants = [promised(plant.contracts, start, weeks) for plant in fleet.plants.values()]
    wanted = [(buyer.factor, buyer.gwh_per_year.weekly(start, weeks)) for buyer in fleet.buyers.values()]
    for week in range(weeks):
        gwh = math.fsum(one[week].kwh for one in of_plants) * WEEKS_PER_YEAR / _KWH_PER_GWH
        most = math.fsum(factor * by_week[week] for factor, by_week in wanted)
        if gwh <= most:
            continue
        monday = start + datetime.timedelta(weeks=week)
        largest = max(
            ((plant, name) for plant, one in fleet.plants.items() for name in one.contracts),
            key=lambda place: _kwh(fleet.plants[place[0]].contracts[place[1]], monday),
        )
        message = f"in the week of {monday} contracts come to {gwh:.3g} GWh a year, and all buyers want {most:.3g}"
        yield resolved.problem(("fleet", "plants", largest[0], "contracts", largest[1]), message, key=True)
        return
