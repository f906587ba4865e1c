"""What keeps the plan of a conversion from being carried out, at the place where it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from cellfab.config.conversion_spec import Conversion
from cellfab.config.problems import Problem, did_you_mean, listed
from cellfab.config.resolved import Resolved
from cellfab.config.tree_path import TreePath
from cellfab.ramp.network import find_circle
from cellfab.ramp.project import (
    COMMISSIONING,
    DRAIN,
    OWN,
    RELEASE,
    REQUALIFICATION,
    STOP,
    STRIP_OUT,
    Task,
    project_network,
    project_tasks,
)
from cellfab.units import HOURS_PER_WEEK, TICKS_PER_WEEK

_TASKS: TreePath = ("conversion", "tasks")
_NAMED = 4
"""Missing tasks that a message names."""


def project_problems(
    resolved: Resolved,
    conversion: Conversion,
    stations: Iterable[str],
    horizon_h: float,
    lines: Iterable[str] = (),
    shared: Iterable[str] = (),
    sources: Iterable[str] = (),
) -> Iterator[Problem]:
    """Everything that is wrong with a plan.

    Parameters
    ----------
    resolved : Resolved
        Where things are written.
    conversion : Conversion
        What they say.
    stations : iterable of str
        Of the line.
    horizon_h : float
        Length of the run: the line must stop before its end.
    lines, shared : iterable of str
        Lines of the plant, and nodes that exist once for all of them.
    sources : iterable of str
        Of all lines.
    """
    weeks = horizon_h / HOURS_PER_WEEK
    yield from _by_line(resolved, conversion, list(lines), list(shared), weeks)
    yield from _unfed(resolved, conversion, list(sources))
    conversion = conversion.model_copy(update={"lines": {}})  # all lines have the same tasks
    names = list(stations)
    tasks = project_tasks(conversion, names)
    known = {task.name: task for task in tasks}
    found = list(_misnamed(resolved, conversion, known, names))
    found += _unpaid(resolved, conversion)
    found += _unmanned(resolved, conversion, tasks)
    yield from found
    waits = {task.name: [name for name in task.after if name in known] for task in tasks}
    circle = find_circle(waits)
    if circle:
        yield _circular(resolved, conversion, circle)
        return
    out_of_order = list(_out_of_order(resolved, conversion, known, waits))
    yield from out_of_order
    if found or out_of_order:
        return
    stop = project_network(tasks, conversion.crews).schedule().dates[STOP].finish
    stop_week = stop / TICKS_PER_WEEK
    if stop_week >= weeks > conversion.stop_week:
        message = f"as planned the line stops in week {stop_week:.1f}, after the end of the run ({weeks:g} weeks)"
        hint = "let it wait for less, or lengthen run.horizon_h"
        yield resolved.problem((*_TASKS, STOP), message, hint, key=True)


def _by_line(
    resolved: Resolved, conversion: Conversion, lines: list[str], shared: list[str], weeks: float
) -> Iterator[Problem]:
    """Lines that are not there, and stations that would have to run both products at the same time."""
    at: TreePath = ("conversion", "lines")
    for line, dates in conversion.lines.items():
        if line not in lines:
            hint = did_you_mean(line, lines) or "name the lines of the plant under `lines`"
            yield resolved.problem((*at, line), f"there is no line '{line}'", hint, key=True)
        if dates.stop_week is not None and dates.stop_week >= weeks:
            message = f"week {dates.stop_week:g} is after the end of the run ({weeks:g} weeks)"
            yield resolved.problem((*at, line, "stop_week"), message, "stop earlier, or lengthen run.horizon_h")
    if conversion.lines and shared:
        first = next(iter(conversion.lines))
        names = listed([f"'{name}'" for name in shared[:_NAMED]])
        if len(shared) > _NAMED:
            names += f" and {len(shared) - _NAMED} others"
        message = (
            f"{names}, which all lines share, would have to run {conversion.product_to} for '{first}' while other lines"
            f" still make {conversion.product_from}, and what follows could not tell their lots apart"
        )
        hint = "share nothing, or leave conversion.lines out and convert all lines at once"
        yield resolved.problem(at, message, hint, key=True)


def _unfed(resolved: Resolved, conversion: Conversion, sources: list[str]) -> Iterator[Problem]:
    """Sources that are to go on while the line empties, and are not there."""
    for index, name in enumerate(conversion.drain.fed_until_empty):
        if name not in sources:
            path: TreePath = ("conversion", "drain", "fed_until_empty", index)
            yield resolved.problem(path, f"there is no source '{name}'", did_you_mean(name, sources))


def _misnamed(
    resolved: Resolved, conversion: Conversion, known: Mapping[str, Task], stations: list[str]
) -> Iterator[Problem]:
    """Tasks and stations that are not there, and what cannot be said about a task that is generated."""
    for name, written in conversion.tasks.items():
        path: TreePath = (*_TASKS, name)
        own = known[name].kind == OWN
        if own and written.duration_weeks is None:
            others = [other for other, task in known.items() if task.kind != OWN]
            hint = did_you_mean(name, others) or "a task of your own needs duration_weeks"
            yield resolved.problem(path, f"there is no task '{name}' in this plan", hint, key=True)
        if own and written.station is not None and written.station not in stations:
            message = f"there is no station '{written.station}'"
            yield resolved.problem((*path, "station"), message, did_you_mean(written.station, stations))
        if not own and written.station is not None:
            message = f"'{name}' is not a task of your own: it is about {known[name].station or 'the whole line'}"
            yield resolved.problem((*path, "station"), message, "remove it")
        if name == DRAIN:
            for key in ("duration_weeks", "after", "not_before_week", "crews", "slips"):
                if getattr(written, key):
                    message = "the line begins to empty when it stops and is empty when it is: the simulation finds out"
                    hint = "see drain.expected_weeks and drain.limit_weeks"
                    yield resolved.problem((*path, key), message, hint, key=True)
        for key in ("after", "before"):
            for index, other in enumerate(getattr(written, key) or ()):
                if other not in known:
                    hint = did_you_mean(other, known)
                    yield resolved.problem((*path, key, index), f"there is no task '{other}' in this plan", hint)


def _unpaid(resolved: Resolved, conversion: Conversion) -> Iterator[Problem]:
    """Money that is due at an order in a plan without one."""
    if conversion.decision_week is not None:
        return
    written: list[TreePath] = [("conversion", "payment")] if conversion.payment is not None else []
    written += [("conversion", "stations", n, "payment") for n, one in conversion.stations.items() if one.payment]
    written += [(*_TASKS, n, "payment") for n, one in conversion.tasks.items() if one.payment]
    if conversion.other_stations.payment is not None:
        written.append(("conversion", "other_stations", "payment"))
    for path in written:
        message = "is due at an order and a delivery, and the plan has neither"
        yield resolved.problem(path, message, "write conversion.decision_week", key=True)


def _unmanned(resolved: Resolved, conversion: Conversion, tasks: Iterable[Task]) -> Iterator[Problem]:
    """Crews that are not there, or too small."""
    seen = set()
    for task in tasks:
        for crew, members in task.crews.items():
            there = conversion.crews.get(crew)
            path = _crew_path(conversion, task, crew)
            if (there is not None and members <= there) or path in seen:
                continue
            seen.add(path)
            if there is None:
                hint = did_you_mean(crew, conversion.crews) or f"add it to conversion.crews: {{{crew}: {members}}}"
                yield resolved.problem(path, f"there is no crew '{crew}'", hint, key=True)
            else:
                message = f"'{task.name}' takes {members} of '{crew}', and there are {there}: it could never begin"
                yield resolved.problem(path, message, f"take fewer, or raise conversion.crews.{crew}")


def _crew_path(conversion: Conversion, task: Task, crew: str) -> TreePath:
    written = conversion.tasks.get(task.name)
    if written is not None and written.crews is not None:
        return (*_TASKS, task.name, "crews", crew)
    if task.station is not None and task.station in conversion.stations:
        if conversion.stations[task.station].crews is not None:
            return ("conversion", "stations", task.station, "crews", crew)
    elif conversion.other_stations.crews is not None:
        return ("conversion", "other_stations", "crews", crew)
    return ("conversion", "install_crews", crew)


def _circular(resolved: Resolved, conversion: Conversion, circle: tuple[str, ...]) -> Problem:
    """The circle, at the first of its dependencies that the configuration wrote."""
    path: TreePath = _TASKS
    for earlier, later in pairwise(circle):
        written = _written_at(conversion, earlier, later)
        if written is not None:
            path = written
            break
    message = f"the plan runs in a circle: {' -> '.join(circle)}"
    return resolved.problem(path, message, "each task here waits for the one before it: take one of these away")


def _written_at(conversion: Conversion, earlier: str, later: str) -> TreePath | None:
    """Where it is written that `later` waits for `earlier`; None if it is generated."""
    one = conversion.tasks.get(later)
    if one is not None and one.after is not None and earlier in one.after:
        return (*_TASKS, later, "after", one.after.index(earlier))
    other = conversion.tasks.get(earlier)
    if other is not None and later in other.before:
        return (*_TASKS, earlier, "before", other.before.index(later))
    return None


def _out_of_order(
    resolved: Resolved, conversion: Conversion, known: Mapping[str, Task], waits: Mapping[str, list[str]]
) -> Iterator[Problem]:
    """What would be done before that which makes it possible: a release before an installation above all."""
    installs = [name for name, task in known.items() if task.kind == "install"]
    holding = [name for name, task in known.items() if task.holds is not None]
    wanted: list[tuple[str, list[str], str]] = [
        (DRAIN, [STOP], "the line is emptied while it runs"),
        (STRIP_OUT, [DRAIN], "machines are taken out of a line that is not empty"),
        *(
            (name, [STRIP_OUT], "the old machine is still in its place")
            for name in installs
            if conversion.task(known[name].station or "").action != "new"
        ),
        (COMMISSIONING, [STRIP_OUT, *installs], "the line is tried out while it is still being rebuilt"),
        (REQUALIFICATION, [COMMISSIONING], "lots are qualified on a line that has not passed its acceptance"),
        (RELEASE, [REQUALIFICATION], "the product is sold before it is qualified"),
        (RELEASE, holding, "the product is released while stations cannot work yet"),
    ]
    told: set[str] = set()
    for later, needed, why in wanted:
        missing = [name for name in needed if name not in _all_before(later, waits) and name not in told]
        if not missing:
            continue
        told.update(missing)
        path: TreePath = (*_TASKS, later, "after") if later in conversion.tasks else (*_TASKS, missing[0])
        names = listed([f"'{name}'" for name in missing[:_NAMED]])
        if len(missing) > _NAMED:
            names += f" and {len(missing) - _NAMED} others"
        hint = f"add what is missing to what '{later}' waits for, or leave `after` out"
        yield resolved.problem(path, f"'{later}' does not wait for {names}: {why}", hint, key=True)


def _all_before(name: str, waits: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    open_ends = list(waits[name])
    while open_ends:
        one = open_ends.pop()
        if one not in found:
            found.add(one)
            open_ends += waits[one]
    return found


def project_warnings(resolved: Resolved, conversion: Conversion, stations: Iterable[str]) -> Iterator[Problem]:
    """Tasks of one's own that nothing waits for: late as they may be, no date moves."""
    tasks = project_tasks(conversion, stations)
    awaited = {name for task in tasks for name in task.after}
    for task in tasks:
        if task.kind == OWN and task.name not in awaited:
            message = "nothing waits for this task, so that however late it is no date of the plan moves"
            yield resolved.problem((*_TASKS, task.name), message, f"write before: [{RELEASE}]", key=True)
