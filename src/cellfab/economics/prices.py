"""Prices week by week: the schedules of a scenario, read once for a run."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from cellfab.config.economics_spec import Economics
from cellfab.config.materials_spec import Material
from cellfab.economics.tariffs import weekly_duties


@dataclass(frozen=True)
class WeeklyPrices:
    """What things cost in each week of a run, in dollars per unit; index 0 is the first week.

    Attributes
    ----------
    weeks : int
        Weeks with prices; one more than the run has, because what ends with the last week is posted to the next.
    electricity, heat : list of float
        $/kWh.
    materials : dict of str to list of float
        Dollars per unit bought, without duty.
    consumables : dict of str to list of float
        Dollars per unit used up.
    duties : dict of str to list of float
        Duty over the price, of the materials that are dutiable in some week.
    """

    weeks: int
    electricity: list[float]
    heat: list[float]
    materials: dict[str, list[float]]
    duties: dict[str, list[float]]
    consumables: dict[str, list[float]]


def weekly_prices(
    economics: Economics, materials: Mapping[str, Material], start: datetime.date, weeks: int
) -> WeeklyPrices:
    """Prices of `weeks` weeks from the day `start`, and of the week after them as of the last.

    Raises
    ------
    ValueError
        If a schedule has a gap.
    """

    def after(values: list[float]) -> list[float]:
        return [*values, values[-1]]

    duties = weekly_duties(economics.tariffs, materials, start, weeks)
    return WeeklyPrices(
        weeks=weeks + 1,
        electricity=after(economics.electricity_usd_per_kwh.weekly(start, weeks)),
        heat=after(economics.heat_usd_per_kwh.weekly(start, weeks)),
        materials={name: after(material.price_usd.weekly(start, weeks)) for name, material in materials.items()},
        duties={name: after(duty) for name, duty in duties.items()},
        consumables={name: after(one.price_usd.weekly(start, weeks)) for name, one in economics.consumables.items()},
    )
