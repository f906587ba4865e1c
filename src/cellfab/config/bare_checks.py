"""What only a plant has, written in a scenario that is a bare line: refused, or told that nothing comes of it."""

from __future__ import annotations

from collections.abc import Iterator

from cellfab.config.problems import Problem
from cellfab.config.ramp_spec import Ramp
from cellfab.config.resolved import Resolved
from cellfab.config.scenario_spec import ScenarioSpec
from cellfab.config.tree_path import TreePath

_NO_USE: tuple[tuple[TreePath, str], ...] = (
    (("materials",), "buys no materials"),
    (("economics",), "posts no cost"),
    (("quality",), "makes no cells that could fail"),
)


def _ramps(spec: ScenarioSpec) -> Iterator[tuple[TreePath, Ramp]]:
    """The ramps of a line, of its copies and of what has been converted, with the place of each."""
    if spec.ramp is not None:
        yield ("ramp",), spec.ramp
    if spec.lines is not None and spec.lines.ramp is not None:
        yield ("lines", "ramp"), spec.lines.ramp
    if spec.conversion is not None and spec.conversion.ramp is not None:
        yield ("conversion", "ramp"), spec.conversion.ramp


def _laws(spec: ScenarioSpec) -> Iterator[TreePath]:
    """Where laws of stations are written."""
    for path, ramp in _ramps(spec):
        yield (*path, "default")
        yield from ((*path, "stations", name) for name in ramp.stations)


def bare_problems(resolved: Resolved, spec: ScenarioSpec) -> Iterator[Problem]:
    """What a bare line would have to do and cannot.

    Parameters
    ----------
    resolved : Resolved
    spec : ScenarioSpec
    """
    if spec.products:
        return
    for path in _laws(spec):
        if resolved.get((*path, "rate", "when")) is not None:
            message = "speed waits for scrap to fall, and a bare line counts no scrap"
            yield resolved.problem((*path, "rate", "when"), message, "write a time_constant_months", key=True)
    if spec.run.ledger_rows:
        yield resolved.problem(("run", "ledger_rows"), "a bare line posts no cost", "leave it out", key=True)
    for path, ramp in _ramps(spec):
        if ramp.labour is not None:
            message = "a bare line has no people who could learn"
            yield resolved.problem((*path, "labour"), message, "leave it out", key=True)


def bare_warnings(resolved: Resolved, spec: ScenarioSpec) -> Iterator[Problem]:
    """What makes no difference to a bare line; parameters as `bare_problems`."""
    if spec.products:
        return
    stations = [(("line", "stations", name, "economics"), "posts no cost") for name in spec.line.stations]
    for path, why in (*_NO_USE, *stations):
        if resolved.get(path):
            hint = "it becomes a plant with `products` and steps"
            yield resolved.problem(path, f"changes nothing: a bare line {why}", hint, key=True)
    for path in _laws(spec):
        if resolved.get((*path, "learning")) is not None:
            message = "changes nothing: a bare line has no process that could be learned, only speed and reliability"
            yield resolved.problem((*path, "learning"), message, key=True)
