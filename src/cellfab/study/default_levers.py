"""Levers that every scenario has: a unit more, repairs that take less time, more speed, a pair of hands, a remedy.

Each is a small change of one thing, with what it costs where the scenario says what such things cost: a further unit
takes its part of the station's capital, people, power and floor. Sizes of steps are choices, not facts: small enough
that the answer is a slope, large enough that it shows beside chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cellfab.config.distribution import mean_seconds
from cellfab.config.line_spec import BatchStation, ChannelsStation, DwellStation, SerialStation, Station, WebStation
from cellfab.scenario import Scenario

REPAIR_SHARE = 0.10
"""Of the mean time to repair, saved."""
SPEED_SHARE = 0.05
"""Of the speed, more."""
PLACES_SHARE = 0.05
"""Of the positions or the capacity, more."""
LEARNING_SHARE = 0.10
"""Of the time constant of learning, less."""
REMEDY_SHARE = 0.1
"""Of the engineering time of a failure mode, where the remedy is known."""
MORE_TEAMS = 2
EXPERIMENTS_FACTOR = 1.5
HELD_UNTIL_SHARE = 0.5
"""Of the scrap of the first weeks, at which speed is released (as at ACC from January to April 2026: docs/ramps.md)."""
_REPAIR_UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))
"""What a mean repair is told in: the first of which it is half or more."""
_PER_UNIT = ("capex_musd", "operators", "power_kw", "idle_power_kw", "heat_kw", "idle_heat_kw", "floor_m2",
             "warm_up_kwh", "warm_up_heat_kwh")  # fmt: skip
"""What a station costs, all units together."""


class DefaultLever(NamedTuple):
    """A lever before it is written into a study.

    Attributes
    ----------
    name, kind, text : str
    settings : mapping of str to value
        By path.
    amount : float or None
        How much of `unit` it is.
    unit : str
    """

    name: str
    kind: str
    text: str
    settings: Mapping[str, Any]
    amount: float | None = None
    unit: str = ""


def default_levers(scenario: Scenario) -> list[DefaultLever]:
    """Levers of a scenario, in the order of the line, then crews, then how it learns.

    Parameters
    ----------
    scenario : Scenario
        Of one line: of several, each line's own values cannot be set by a path.
    """
    found = [
        lever
        for name, station in scenario.spec.line.stations.items()
        for make in (_more_units, _shorter_repairs, _faster)
        for lever in make(scenario, name, station)
    ]
    return [*found, *_crews(scenario), *_causes(scenario), *_learning(scenario), *_release(scenario)]


KINDS: Mapping[str, str] = {
    "units": "one more machine, or 5 % more positions or room",
    "repairs": "repairs 10 % shorter",
    "speed": "5 % faster",
    "crews": "one more in the crew",
    "causes": "the remedy of a cause of scrap at hand",
    "learning": "more teams, more experiments, faster learning",
    "release": "speed held back until scrap has halved",
}
"""Kinds of levers."""


# ---- stations -------------------------------------------------------------------------------------------------------


def _path(name: str) -> str:
    return f"line.stations.{name}"


def _words(name: str) -> str:
    return name.replace("_", " ").replace(".", ": ")


def _percent(share: float) -> str:
    return f"{100.0 * share:.3g} %"


def _more_units(scenario: Scenario, name: str, station: Station) -> Iterator[DefaultLever]:
    path = _path(name)
    more: float
    whole: float
    if isinstance(station, ChannelsStation):
        more = max(1, round(PLACES_SHARE * station.positions))
        key, whole, text, unit = "positions", station.positions, f"{_words(name)}: {more} more positions", "positions"
    elif isinstance(station, DwellStation):
        if station.capacity is None:
            return
        more, whole = PLACES_SHARE * station.capacity, station.capacity
        key, text, unit = "capacity", f"{_words(name)}: room for {_percent(PLACES_SHARE)} more", "of its room"
    else:
        more, whole = 1, station.parallel
        what = "a second machine" if whole == 1 else f"{whole + 1} machines in place of {whole}"
        if isinstance(station, SerialStation) and station.machines:
            what = "a second chain" if whole == 1 else f"{whole + 1} chains in place of {whole}"
        key, text, unit = "parallel", f"{_words(name)}: {what}", "machines"
    settings: dict[str, Any] = {f"{path}.{key}": whole + more}
    for cost in _PER_UNIT:
        value = getattr(station.economics, cost)
        if value:
            settings[f"{path}.economics.{cost}"] = _short(value * (whole + more) / whole)
    yield DefaultLever(f"more_{name}", "units", text, settings, float(more), unit)


def _shorter_repairs(scenario: Scenario, name: str, station: Station) -> Iterator[DefaultLever]:
    """All repairs of a station, by the same share; the amount is what a mean repair is shorter by."""
    settings: dict[str, Any] = {}
    repairs = rate = 0.0
    machines = station.machines if isinstance(station, SerialStation) else {}
    owners = [(f"{_path(name)}.machines.{one}", machine.failures) for one, machine in machines.items()]
    for path, modes in [(_path(name), station.failures), *owners]:
        for mode, failure in modes.items():
            where = f"{path}.failures.{mode}.time_to_repair"
            settings |= _scaled(scenario, where, 1.0 - REPAIR_SHARE)
            often = 1.0 / mean_seconds(failure.time_to_failure)
            rate += often
            repairs += often * mean_seconds(failure.time_to_repair)
    if not settings or not repairs:
        return
    mean_s = repairs / rate
    one_s, of = next((one for one in _REPAIR_UNITS if mean_s >= one[0] / 2.0), _REPAIR_UNITS[-1])
    text = f"{_words(name)}: repairs {_percent(REPAIR_SHARE)} shorter"
    yield DefaultLever(
        f"repairs_{name}", "repairs", text, settings, _short(REPAIR_SHARE * mean_s / one_s), f"{of} of mean repair"
    )


def _faster(scenario: Scenario, name: str, station: Station) -> Iterator[DefaultLever]:
    """By the station's own rate; where a recipe says how long it takes, there is no such lever."""
    path = _path(name)
    if isinstance(station, WebStation):
        settings = {f"{path}.speed_m_per_min": _short(station.speed_m_per_min * (1.0 + SPEED_SHARE))}
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
            settings |= _scaled(scenario, law, 1.0 / (1.0 + SPEED_SHARE))
    if settings:
        text = f"{_words(name)}: {_percent(SPEED_SHARE)} faster"
        yield DefaultLever(f"speed_{name}", "speed", text, settings, 100.0 * SPEED_SHARE, "% of speed")


def _scaled(scenario: Scenario, path: str, factor: float) -> dict[str, Any]:
    """Settings that make a law of durations longer or shorter by a factor."""
    law = scenario.resolved.get(path)
    found: dict[str, Any] = {}
    for key, value in law.items():
        if key == "values_s":
            found[f"{path}.{key}"] = [_short(factor * one) for one in value]
        elif key.endswith("_s") and value is not None:
            found[f"{path}.{key}"] = _short(factor * value)
    return found


def _short(value: float) -> float:
    """With the digits that a step of some per cent leaves."""
    return float(f"{value:.6g}")


# ---- people, causes, learning ---------------------------------------------------------------------------------------


def _crews(scenario: Scenario) -> Iterator[DefaultLever]:
    for name, crew in scenario.spec.line.crews.items():
        text = f"crew {_words(name)}: {crew.size + 1} in place of {crew.size}"
        yield DefaultLever(
            f"crew_{name}", "crews", text, {f"line.crews.{name}.size": crew.size + 1}, 1.0, "in the crew"
        )


def _causes(scenario: Scenario) -> Iterator[DefaultLever]:
    """Of each cause with a name: recognised at the first cell, and mended in a tenth of the time."""
    modes = None if scenario.spec.ramp is None else scenario.spec.ramp.failure_modes
    if modes is None:
        return
    for place, written in modes.places.items():
        for name, mode in written.modes.items():
            path = f"ramp.failure_modes.places.{_quoted(place)}.modes.{name}"
            settings = {
                f"{path}.recognised_share": 1.0,
                f"{path}.difficulty_factor": _short(REMEDY_SHARE * mode.difficulty_factor),
            }
            text = f"remedy at hand: {mode.text or _words(name)} ({_words(place)})"
            yield DefaultLever(f"remedy_{place.replace('.', '_')}_{name}", "causes", text, settings)


def _quoted(name: str) -> str:
    """A name with dots as one part of a path."""
    return f'"{name}"' if "." in name else name


def _learning(scenario: Scenario) -> Iterator[DefaultLever]:
    ramp = scenario.spec.ramp
    if ramp is None:
        return
    modes = ramp.failure_modes
    if modes is None:
        path = "ramp.default.learning.time_constant_months"
        months = _short((1.0 - LEARNING_SHARE) * ramp.default.learning.time_constant_months)
        yield DefaultLever("learning", "learning", f"learning {_percent(LEARNING_SHARE)} faster", {path: months})
        return
    teams = modes.fixing.teams
    yield DefaultLever(
        "teams", "learning", f"engineers: {teams + MORE_TEAMS} teams in place of {teams}",
        {"ramp.failure_modes.fixing.teams": teams + MORE_TEAMS}, float(MORE_TEAMS), "teams",
    )  # fmt: skip
    if modes.experiments is not None and modes.experiments.start_share:
        share = _short(min(1.0, EXPERIMENTS_FACTOR * modes.experiments.start_share))
        text = f"experiments: {_percent(share)} of lots at first in place of {_percent(modes.experiments.start_share)}"
        yield DefaultLever("experiments", "learning", text, {"ramp.failure_modes.experiments.start_share": share})


def _release(scenario: Scenario) -> Iterator[DefaultLever]:
    """Speed by policy in place of by the calendar."""
    ramp = scenario.spec.ramp
    if ramp is None or ramp.default.rate.when is not None or ramp.default.rate.start >= ramp.default.rate.mature:
        return
    settings = {"ramp.default.rate.when.scrap_falls_to_share": HELD_UNTIL_SHARE}
    yield DefaultLever("hold_speed", "release", "speed held back until scrap has halved", settings)
