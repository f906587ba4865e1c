"""Levers of stations and crews: a unit more, repairs that take less time, more speed, a pair of hands.

Each is a small change of one thing, with what it costs where the scenario says what such things cost: a further unit
takes its part of the station's capital, people, power and floor. Sizes of steps are choices, not facts: small enough
that the answer is a slope, large enough that it shows beside chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cellfab.config.distribution import mean_seconds
from cellfab.config.line_spec import (
    BatchStation,
    ChannelsStation,
    DwellStation,
    Line,
    SerialStation,
    Station,
    WebStation,
)
from cellfab.study.default_lever import DefaultLever, percent, short, words

REPAIR_SHARE = 0.10
"""Of the mean time to repair, saved."""
SPEED_SHARE = 0.05
"""Of the speed, more."""
PLACES_SHARE = 0.05
"""Of the positions or the capacity, more."""
_REPAIR_UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))
"""What a mean repair is told in: the first of which it is half or more."""
_PER_UNIT = ("capex_musd", "operators", "power_kw", "idle_power_kw", "heat_kw", "idle_heat_kw", "floor_m2",
             "warm_up_kwh", "warm_up_heat_kwh")  # fmt: skip
"""What a station costs, all units together."""


class Written(NamedTuple):
    """One line as it is written.

    Attributes
    ----------
    line : Line
    value : callable
        What is written at a path such as "line.stations.wind.cycle"; None where nothing is.
    """

    line: Line
    value: Callable[[str], Any]


def levers_of_line(written: Written) -> list[DefaultLever]:
    """Levers of one line, in its order, then of its crews."""
    found = [
        lever
        for name, station in written.line.stations.items()
        for make in (_more_units, _shorter_repairs, _faster)
        for lever in make(written, name, station)
    ]
    return [*found, *_crews(written.line)]


def _path(name: str) -> str:
    return f"line.stations.{name}"


def _more_units(written: Written, name: str, station: Station) -> Iterator[DefaultLever]:
    path = _path(name)
    more: float
    whole: float
    if isinstance(station, ChannelsStation):
        more = max(1, round(PLACES_SHARE * station.positions))
        key, whole, text, unit = "positions", station.positions, f"{words(name)}: {more} more positions", "positions"
    elif isinstance(station, DwellStation):
        if station.capacity is None:
            return
        more, whole = PLACES_SHARE * station.capacity, station.capacity
        key, text, unit = "capacity", f"{words(name)}: room for {percent(PLACES_SHARE)} more", "% of its room"
    else:
        more, whole = 1, station.parallel
        what = "a second machine" if whole == 1 else f"{whole + 1} machines in place of {whole}"
        if isinstance(station, SerialStation) and station.machines:
            what = "a second chain" if whole == 1 else f"{whole + 1} chains in place of {whole}"
        key, text, unit = "parallel", f"{words(name)}: {what}", "machines"
    settings: dict[str, Any] = {f"{path}.{key}": whole + more}
    for cost in _PER_UNIT:
        value = getattr(station.economics, cost)
        if value:
            settings[f"{path}.economics.{cost}"] = short(value * (whole + more) / whole)
    amount = 100.0 * PLACES_SHARE if unit.startswith("%") else float(more)
    yield DefaultLever(f"more_{name}", "units", text, settings, amount, unit, name)


def _shorter_repairs(written: Written, name: str, station: Station) -> Iterator[DefaultLever]:
    """All repairs of a station, by the same share; the amount is what a mean repair is shorter by."""
    settings: dict[str, Any] = {}
    repairs = rate = 0.0
    machines = station.machines if isinstance(station, SerialStation) else {}
    owners = [(f"{_path(name)}.machines.{one}", machine.failures) for one, machine in machines.items()]
    for path, modes in [(_path(name), station.failures), *owners]:
        for mode, failure in modes.items():
            where = f"{path}.failures.{mode}.time_to_repair"
            settings |= _scaled(written, where, 1.0 - REPAIR_SHARE)
            often = 1.0 / mean_seconds(failure.time_to_failure)
            rate += often
            repairs += often * mean_seconds(failure.time_to_repair)
    if not settings or not repairs:
        return
    mean_s = repairs / rate
    one_s, of = next((one for one in _REPAIR_UNITS if mean_s >= one[0] / 2.0), _REPAIR_UNITS[-1])
    text = f"{words(name)}: repairs {percent(REPAIR_SHARE)} shorter"
    yield DefaultLever(
        f"repairs_{name}", "repairs", text, settings, short(REPAIR_SHARE * mean_s / one_s), f"{of} of mean repair", name
    )


def _faster(written: Written, name: str, station: Station) -> Iterator[DefaultLever]:
    """By the station's own rate; where a recipe says how long it takes, there is no such lever."""
    path = _path(name)
    if isinstance(station, WebStation):
        settings = {f"{path}.speed_m_per_min": short(station.speed_m_per_min * (1.0 + SPEED_SHARE))}
    else:
        laws = []
        if isinstance(station, (SerialStation, BatchStation)) and station.cycle is not None:
            laws.append(f"{path}.cycle")
        if isinstance(station, SerialStation):
            laws += [f"{path}.machines.{machine}.cycle" for machine in station.machines]
        if isinstance(station, ChannelsStation) and station.occupied is not None:
            laws.append(f"{path}.occupied")
        settings = {}
        for law in laws:
            settings |= _scaled(written, law, 1.0 / (1.0 + SPEED_SHARE))
    if settings:
        text = f"{words(name)}: {percent(SPEED_SHARE)} faster"
        yield DefaultLever(f"speed_{name}", "speed", text, settings, 100.0 * SPEED_SHARE, "% of speed", name)


def _scaled(written: Written, path: str, factor: float) -> dict[str, Any]:
    """Settings that make a law of durations longer or shorter by a factor."""
    law = written.value(path)
    found: dict[str, Any] = {}
    for key, value in law.items():
        if key == "values_s":
            found[f"{path}.{key}"] = [short(factor * one) for one in value]
        elif key.endswith("_s") and value is not None:
            found[f"{path}.{key}"] = short(factor * value)
    return found


def _crews(line: Line) -> Iterator[DefaultLever]:
    for name, crew in line.crews.items():
        text = f"crew {words(name)}: {crew.size + 1} in place of {crew.size}"
        settings = {f"line.crews.{name}.size": crew.size + 1}
        yield DefaultLever(f"crew_{name}", "crews", text, settings, 1.0, "in the crew", name)
