"""Levers of tests and gauges: each threshold that a step marks as one, a little looser.

What is gained is fewer rejects, false ones above all; what is lost shows as escapes. Tighter is, for small steps, the
opposite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cellfab.config.spec import Threshold
from cellfab.scenario import Scenario, places
from cellfab.steps.base import Step
from cellfab.study.default_lever import DefaultLever, quoted, short, words
from cellfab.study.levers_on_lines import named_for_lines
from cellfab.units import is_dimensionless, split_name

LOOSER_SHARE = 0.10
"""Of the distance of a threshold from what is exactly as designed, further out."""


def threshold_levers(scenario: Scenario) -> Iterator[DefaultLever]:
    """One lever for each threshold of each place, in the order of the line; for all products made there."""
    one = scenario.one_line
    for place in places(one.spec.line):
        steps = {
            product: one.steps[place.key, product] for product in one.spec.products if (place.key, product) in one.steps
        }
        for name, mark in next(iter(steps.values())).thresholds.items() if steps else ():
            base = ".".join((*map(str, place.path), "params"))
            settings, told = _settings(scenario, base, place.key, steps, name, mark)
            if not settings:
                continue
            stem = _stem(name)[0]
            text = f"{words(place.key)}: {mark.text or words(stem)} {' and '.join(told)}"
            lever = DefaultLever(
                f"looser_{place.key.replace('.', '_')}_{stem}", "inspection", text, settings, 100.0 * LOOSER_SHARE,
                "% looser", place.key,
            )  # fmt: skip
            yield named_for_lines(scenario, lever)


def _settings(
    scenario: Scenario, base: str, place: str, steps: Mapping[str, Step], name: str, mark: Threshold
) -> tuple[dict[str, Any], list[str]]:
    """What is set, wherever the threshold is written, and each change in words, once."""
    resolved = scenario.resolved
    recipes = {product: f"products.{product}.params.{quoted(place)}" for product in steps}
    for_all = any(resolved.get(f"{recipe}.{name}") is None for recipe in recipes.values())
    fields = type(next(iter(steps.values())).params).model_fields
    lines = [f"lines.named.{line}.{base}" for line in scenario.layout.lines]
    settings: dict[str, Any] = {}
    told: dict[str, None] = {}
    for path in (*([base] if for_all else ()), *lines, *recipes.values()):
        value = resolved.get(f"{path}.{name}")
        if value is None and path == base:
            value = fields[name].default
        if value is None:
            continue
        counted_from = 0.0
        if mark.of:
            written = [resolved.get(f"{where}.{mark.of}") for where in (path, base)]
            counted_from = next((one for one in written if one is not None), fields[mark.of].default)
        new = short(mark.loosened(value, LOOSER_SHARE, counted_from))
        if new != value:
            settings[f"{path}.{name}"] = new
            told[f"{_shown(name, new)} in place of {_shown(name, value)}"] = None
    return settings, list(told)


def _stem(name: str) -> tuple[str, str]:
    """The name of a parameter without its unit, and the unit: "%" of shares, none of other numbers without one."""
    stem, unit = split_name(name)
    if unit is not None:
        return stem, str(unit)
    stem, _, kind = name.rpartition("_")
    if kind in ("fraction", "share"):
        return stem, "%"
    return (stem, "") if is_dimensionless(name) and stem else (name, "")


def _shown(name: str, value: float) -> str:
    unit = _stem(name)[1]
    return f"{100.0 * value:.4g} %" if unit == "%" else f"{value:.4g} {unit}".rstrip()
