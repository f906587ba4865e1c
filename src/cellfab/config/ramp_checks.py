"""Laws of a ramp that lead away from where they are said to lead; for a station, with what it does not say itself."""

from __future__ import annotations

from collections.abc import Iterator

from cellfab.config.problems import Problem
from cellfab.config.ramp_spec import Ramp
from cellfab.config.resolved import Resolved
from cellfab.config.tree_path import TreePath


def ramp_problems(resolved: Resolved, ramp: Ramp | None, at: TreePath) -> Iterator[Problem]:
    """What makes a line slower or more crowded the longer it runs.

    Parameters
    ----------
    resolved : Resolved
        Where things are written.
    ramp : Ramp or None
    at : TreePath
        Where it is written: ("ramp",), ("lines", "ramp") or ("conversion", "ramp").
    """
    if ramp is None:
        return
    default = ramp.default.rate
    if default.start > default.mature:
        yield _slower(resolved, (*at, "default", "rate"), default.start, default.mature)
    for name in ramp.stations:
        rate = ramp.of(name).rate
        if rate.start > rate.mature and rate != default:
            yield _slower(resolved, (*at, "stations", name, "rate"), rate.start, rate.mature)
    labour = ramp.labour
    if labour is not None and labour.mature_cells < labour.first_cells:
        message = f"{labour.mature_cells} cells are fewer than first_cells ({labour.first_cells})"
        path: TreePath = (*at, "labour", "mature_cells")
        yield resolved.problem(path, message, "give the cells after which the line has its planned people")


def _slower(resolved: Resolved, path: TreePath, start: float, mature: float) -> Problem:
    written = next((key for key in ("start", "mature") if resolved.get((*path, key)) is not None), "")
    where = (*path, written) if written else path
    message = f"speed would fall from {start:g} at the start to {mature:g} of nominal"
    return resolved.problem(where, message, "speed is released, never taken back: let start be at most mature")
