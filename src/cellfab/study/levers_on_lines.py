"""Levers of stations and crews in a plant of several lines: the same change on each line, also on one that differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cellfab.config.line_spec import Line
from cellfab.config.loader import check
from cellfab.scenario import Scenario
from cellfab.study.default_lever import DefaultLever
from cellfab.study.station_levers import Written, levers_of_line

_EACH = ("units", "crews")
"""Kinds of which each line gets the amount, where it is a number of something."""


def line_levers(scenario: Scenario) -> list[DefaultLever]:
    """Levers of the stations and crews of a scenario of one line or several."""
    resolved, lines = scenario.resolved, scenario.layout.lines
    if not lines:
        return levers_of_line(Written(scenario.spec.line, resolved.get))
    line, _ = check(resolved, Line, ["line"])
    assert line is not None
    differing = {
        name: {
            one.name: one for one in levers_of_line(Written(scenario.alone[name].spec.line, _value_on(scenario, name)))
        }
        for name in lines
        if resolved.get(f"lines.named.{name}.line")
    }
    found = []
    for lever in levers_of_line(Written(line, resolved.get)):
        settings = dict(lever.settings)
        for name, own in differing.items():
            if lever.name in own:
                settings |= own_settings(scenario, name, own[lever.name].settings)
        found.append(named_for_lines(scenario, lever._replace(settings=settings)))
    return found


def own_settings(scenario: Scenario, line: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of settings for all lines, those that one line has values of its own for, by their paths there."""
    own = {f"lines.named.{line}.{path}": value for path, value in settings.items()}
    return {path: value for path, value in own.items() if scenario.resolved.get(path) is not None}


def named_for_lines(scenario: Scenario, lever: DefaultLever) -> DefaultLever:
    """The lever, saying on how many lines it is done; what lines share exists once."""
    if not scenario.layout.lines:
        return lever
    copies = len(scenario.layout.copies(lever.at))
    if copies == 1:
        return lever._replace(text=f"{lever.text} (shared by all lines)")
    amount = lever.amount
    if amount is not None and lever.kind in _EACH and not lever.unit.startswith("%"):
        amount *= copies
    return lever._replace(text=f"{lever.text}, on each of {copies} lines", amount=amount)


def _value_on(scenario: Scenario, line: str) -> Callable[[str], Any]:
    """What holds at a path on one line: what is written for it alone, over what is written for all."""

    def value(path: str) -> Any:
        common, own = scenario.resolved.get(path), scenario.resolved.get(f"lines.named.{line}.{path}")
        if (
            isinstance(common, dict)
            and isinstance(own, dict)
            and own.get("law", common.get("law")) == common.get("law")
        ):
            return common | own
        return common if own is None else own

    return value
