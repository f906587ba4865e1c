"""Levers that every scenario has: of its stations and crews, of its tests, of its causes of scrap, of how it learns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cellfab.config.ramp_spec import Ramp
from cellfab.scenario import Scenario
from cellfab.study.default_lever import DefaultLever, percent, quoted, short, words
from cellfab.study.levers_on_lines import line_levers, named_for_lines
from cellfab.study.threshold_levers import threshold_levers

LEARNING_SHARE = 0.10
"""Of the time constant of learning, less."""
REMEDY_SHARE = 0.1
"""Of the engineering time of a failure mode, where the remedy is known."""
MORE_TEAMS = 2
EXPERIMENTS_FACTOR = 1.5
MOST_EXPERIMENTS_SHARE = 0.5
FIRST_EXPERIMENTS_SHARE = 0.05
"""Of lots, where there are no experiments yet."""
HELD_UNTIL_SHARE = 0.5
"""Of the scrap of the first weeks, at which speed is released (as at ACC from January to April 2026: docs/ramps.md)."""

KINDS: Mapping[str, str] = {
    "units": "one more machine, or 5 % more positions or room",
    "repairs": "repairs 10 % shorter",
    "speed": "5 % faster",
    "crews": "one more in the crew",
    "inspection": "a threshold of a test or gauge 10 % looser",
    "causes": "the remedy of a cause of scrap at hand",
    "learning": "more teams, more experiments, faster learning",
    "release": "speed held back until scrap has halved",
}
"""Kinds of levers."""


def default_levers(scenario: Scenario) -> list[DefaultLever]:
    """Levers of a scenario, in the order of the line, then crews, then tests, then how it learns.

    Of several lines, each lever of what exists once per line is pulled on all of them.
    """
    return [
        *line_levers(scenario),
        *threshold_levers(scenario),
        *_causes(scenario),
        *_learning(scenario),
        *_release(scenario),
    ]


def _ramps(scenario: Scenario) -> Iterator[tuple[str, Ramp]]:
    """The laws of the lines, of their copies and of what has been converted, with the path of each."""
    spec = scenario.spec
    if spec.ramp is not None:
        yield "ramp", spec.ramp
    if spec.lines is not None and spec.lines.ramp is not None:
        yield "lines.ramp", spec.lines.ramp
    if spec.conversion is not None and spec.conversion.ramp is not None:
        yield "conversion.ramp", spec.conversion.ramp


def _causes(scenario: Scenario) -> Iterator[DefaultLever]:
    """Of each cause with a name: recognised at the first cell, and mended in a tenth of the time."""
    modes = None if scenario.spec.ramp is None else scenario.spec.ramp.failure_modes
    if modes is None:
        return
    for place, written in modes.places.items():
        for name, mode in written.modes.items():
            path = f"ramp.failure_modes.places.{quoted(place)}.modes.{name}"
            settings = {
                f"{path}.recognised_share": 1.0,
                f"{path}.difficulty_factor": short(REMEDY_SHARE * mode.difficulty_factor),
            }
            text = f"remedy at hand: {mode.text or words(name)} ({words(place)})"
            key = f"remedy_{place.replace('.', '_')}_{name}"
            yield named_for_lines(scenario, DefaultLever(key, "causes", text, settings, at=place))


def _learning(scenario: Scenario) -> Iterator[DefaultLever]:
    ramp = scenario.spec.ramp
    if ramp is None:
        return
    modes = ramp.failure_modes
    if modes is None:
        months: dict[str, float] = {}
        for path, laws in _ramps(scenario):
            months[f"{path}.default.learning.time_constant_months"] = laws.default.learning.time_constant_months
            for name in scenario.resolved.get(f"{path}.stations") or ():
                own = f"{path}.stations.{name}.learning.time_constant_months"
                months |= {own: value} if (value := scenario.resolved.get(own)) is not None else {}
        faster = {path: short((1.0 - LEARNING_SHARE) * value) for path, value in months.items()}
        yield DefaultLever("learning", "learning", f"learning {percent(LEARNING_SHARE)} faster", faster)
        return
    teams = modes.fixing.teams
    yield DefaultLever(
        "teams", "learning", f"engineers: {teams + MORE_TEAMS} teams in place of {teams}",
        {"ramp.failure_modes.fixing.teams": teams + MORE_TEAMS}, float(MORE_TEAMS), "teams",
    )  # fmt: skip
    path, now = "ramp.failure_modes.experiments", modes.experiments
    if now is not None and now.start_share:
        share = short(min(MOST_EXPERIMENTS_SHARE, EXPERIMENTS_FACTOR * now.start_share))
        settings = {f"{path}.start_share": share}
        text = f"experiments: {percent(share)} of lots at first in place of {percent(now.start_share)}"
    else:
        settings = {f"{path}.start_share": FIRST_EXPERIMENTS_SHARE, f"{path}.end_share": FIRST_EXPERIMENTS_SHARE}
        text = f"experiments: {percent(FIRST_EXPERIMENTS_SHARE)} of lots in place of none"
    yield DefaultLever("experiments", "learning", text, settings)


def _release(scenario: Scenario) -> Iterator[DefaultLever]:
    """Speed by policy in place of by the calendar, on lines that are new or newly converted."""
    settings: dict[str, Any] = {}
    for path, laws in _ramps(scenario):
        rate = laws.default.rate
        if rate.when is None and rate.start < rate.mature and not laws.months_before_start:
            settings[f"{path}.default.rate.when.scrap_falls_to_share"] = HELD_UNTIL_SHARE
    if settings:
        text = "speed held back until scrap has halved"
        if "ramp.default.rate.when.scrap_falls_to_share" not in settings:
            text = f"speed {'after the conversion' if scenario.spec.conversion else 'of later lines'} {text[6:]}"
        yield DefaultLever("hold_speed", "release", text, settings)
