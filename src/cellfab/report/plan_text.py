"""What `cellfab plan` prints: dates, floats, probabilities, payments and capacity as text, or as one JSON document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from cellfab.planning import ProjectPlan, WeekOutput
from cellfab.ramp.capacity import PLANNED
from cellfab.ramp.chances import SHARES
from cellfab.ramp.project import COMMISSIONING, DECISION, DRAIN, ORDER, RELEASE, STOP, STRIP_OUT, Task
from cellfab.ramp.slips import mean_weeks
from cellfab.report.numbers import number
from cellfab.report.plain_table import plain_table
from cellfab.units import TICKS_PER_WEEK

SCHEMA_VERSION = 1
_MILESTONES = {
    DECISION: "decision",
    ORDER: "orders placed",
    STOP: "line stops",
    DRAIN: "line empty",
    STRIP_OUT: "old machines out",
    COMMISSIONING: "line restarts",
    RELEASE: "product released",
}


def plan_text(found: ProjectPlan) -> str:
    """Tables for the terminal."""
    parts = [_heading(found), _tasks(found), _milestones(found)]
    if found.chances is not None:
        parts.append(_slips(found))
    if found.capex_musd:
        parts.append(_capex(found))
    if found.capacity:
        parts.append(_capacity(found))
    return "\n\n".join(parts)


def headline(found: ProjectPlan) -> str:
    """The plan in a few sentences."""
    conversion = found.project.conversion
    release = found.timeline.dates[RELEASE].finish
    old = conversion.product_from or "an idle line"
    text = (
        f"Conversion from {old} to {conversion.product_to}: {_months(found, release)} months from"
        f" {found.day(found.begin)} to the release on {found.day(release)}."
    )
    for line, plan in found.plans.items():
        text += f" {f'Line {line}' if line else 'The line'} " + (
            "is idle" if conversion.product_from is None else f"stops on {found.day(plan.stop)}"
        )
        text += f" and starts again on {found.day(plan.restart)}, {_weeks(plan.restart - plan.stop)} weeks later."
        people = conversion.people
        if people is not None:
            back = people.recalled(plan.restart)
            if back > plan.drained:
                text += (
                    f" {100.0 * people.laid_off_share:.0f} % of its people are away from {found.day(plan.drained)} to"
                    f" {found.day(back)}."
                )
    if found.chances is not None:
        late = found.chances.quantiles(RELEASE)
        chance = found.chances.probability(RELEASE, release)
        text += (
            f" The release is on time with a probability of {100.0 * chance:.0f} %; half of all cases have it by"
            f" {found.day(late[1])}, nine in ten by {found.day(late[3])}."
        )
    if found.rate_week is not None:
        tick = found.rate_week * TICKS_PER_WEEK
        text += f" As planned 90 % of the new rate is reached {_months(found, tick)} months from the beginning."
    return text


def _heading(found: ProjectPlan) -> str:
    return f"{found.scenario.name}: {headline(found)}"


def _months(found: ProjectPlan, tick: int) -> str:
    return f"{found.months_from_begin(tick):.1f}"


def _weeks(ticks: int) -> str:
    return f"{ticks / TICKS_PER_WEEK:.1f}"


def _tasks(found: ProjectPlan) -> str:
    headings = ["", "task", "from", "to", "weeks", "float", "free"]
    crews = bool(found.project.conversion.crews)
    if crews:
        headings.append("waits for crew")
    if found.chances is not None:
        headings += ["to, P50", "to, P90", "critical in"]
    critical = set(found.timeline.critical)
    rows = []
    for task in found.tasks:
        dates = found.timeline.dates[task.name]
        row = [
            "*" if task.name in critical else "",
            task.name,
            str(found.day(dates.start)),
            str(found.day(dates.finish)),
        ]
        row += [_weeks(dates.finish - dates.start), _weeks(dates.total_float), _weeks(dates.free_float)]
        if crews:
            row.append(_weeks(dates.waited) if dates.waited else "")
        if found.chances is not None:
            later = found.chances.quantiles(task.name)
            row += [str(found.day(later[1])), str(found.day(later[3]))]
            row.append(f"{100.0 * found.chances.criticality[task.name]:.0f} %")
        rows.append(row)
    path = " -> ".join(found.timeline.critical)
    return f"Tasks (* critical path)\n{plain_table(headings, rows)}\nCritical path: {path}"


def milestones(found: ProjectPlan) -> Iterator[tuple[str, Task]]:
    """Events that a plan is told by, with the task at whose end they come; tasks of one's own that take no time too."""
    for task in found.tasks:
        part = task.name.removeprefix(f"{task.line}-") if task.line else task.name
        if part in _MILESTONES:
            all_lines = part == RELEASE and not task.line and len(found.plans) > 1
            name = "all lines released" if all_lines else _MILESTONES[part]
            yield f"{name} ({task.line})" if task.line else name, task
        elif not task.weeks:
            yield task.name.replace("_", " "), task


def _milestones(found: ProjectPlan) -> str:
    headings = ["milestone", "planned", "months from the beginning"]
    if found.chances is not None:
        headings += [f"P{100.0 * share:.0f}" for share in SHARES] + ["on time"]
    rows = []
    for name, task in milestones(found):
        tick = found.timeline.dates[task.name].finish
        row = [name, str(found.day(tick)), _months(found, tick)]
        if found.chances is not None:
            row += [str(found.day(later)) for later in found.chances.quantiles(task.name)]
            row.append(f"{100.0 * found.chances.probability(task.name, tick):.0f} %")
        rows.append(row)
    return f"Milestones\n{plain_table(headings, rows)}"


def _slips(found: ProjectPlan) -> str:
    assert found.chances is not None
    costs = found.chances.delays_weeks
    named = {(task.name, name): slip for task in found.tasks for name, slip in task.slips.items()}
    ranked = sorted(costs, key=lambda key: -costs[key])
    rows = [
        (
            f"{task}: {slip}", f"{100.0 * named[task, slip].probability:.0f} %", f"{mean_weeks(named[task, slip]):.1f}",
            f"{costs[task, slip]:.1f}",
        )
        for task, slip in ranked
    ]  # fmt: skip
    headings = ("slip", "happens in", "weeks, mean", "release later by, weeks")
    cases = f"means over {found.chances.cases} cases; the last column is what goes if this slip alone never happens"
    return f"Which slip costs most ({cases})\n{plain_table(headings, rows)}"


def _capex(found: ProjectPlan) -> str:
    rows, total = [], 0.0
    for month, musd in found.capex_musd.items():
        total += musd
        rows.append((month, f"{musd:.2f}", f"{total:.2f}"))
    return f"Payments by month, M$\n{plain_table(('month', 'M$', 'in all'), rows)}"


def _capacity(found: ProjectPlan) -> str:
    months: dict[tuple[str, str], list[WeekOutput]] = {}
    for week in found.capacity:
        months.setdefault((found.month(week.week * TICKS_PER_WEEK), week.product), []).append(week)
    weeks = Counter(found.month(week * TICKS_PER_WEEK) for week in {one.week for one in found.capacity})
    rows = [
        (
            *key, number(sum(week.mwh for week in rows) / weeks[key[0]]),
            number(sum(week.sold_mwh for week in rows) / weeks[key[0]]),
        )
        for key, rows in months.items()
    ]  # fmt: skip
    headings = ("month", "product", "MWh a week", "of it sold")
    return f"Capacity ({PLANNED})\n{plain_table(headings, rows)}"


def plan_document(found: ProjectPlan) -> dict[str, Any]:
    """What `cellfab plan --json` prints. Weeks count from the start of the run; dates are days."""
    timeline, conversion, chances = found.timeline, found.project.conversion, found.chances
    return {
        "schema_version": SCHEMA_VERSION,
        "scenario": found.scenario.name,
        "digest": found.scenario.digest,
        "start_date": str(found.scenario.spec.run.start_date),
        "product_from": conversion.product_from,
        "product_to": conversion.product_to,
        "cases": 0 if chances is None else chances.cases,
        "critical_path": list(timeline.critical),
        "tasks": [_task_document(found, task) for task in found.tasks],
        "milestones": {name: _moment(found, task) for name, task in milestones(found)},
        "months_to_release": found.months_from_begin(timeline.dates[RELEASE].finish),
        "months_to_90pct_rate": None
        if found.rate_week is None
        else found.months_from_begin(found.rate_week * TICKS_PER_WEEK),
        "slips": []
        if chances is None
        else [
            {"task": task, "slip": slip, "release_later_weeks": weeks}
            for (task, slip), weeks in chances.delays_weeks.items()
        ],
        "release_by_month": {} if chances is None else _by_month(found),
        "capex_musd_by_month": dict(found.capex_musd),
        "payments": [
            {"station": one.station, "task": one.task, "date": str(found.day(one.tick)), "musd": one.musd}
            for one in found.project.payments(timeline)
        ],
        "capacity": [week._asdict() for week in found.capacity],
    }


def _task_document(found: ProjectPlan, task: Task) -> dict[str, Any]:
    dates = found.timeline.dates[task.name]
    document: dict[str, Any] = {
        "name": task.name,
        "kind": task.kind,
        "line": task.line,
        "station": task.station,
        "text": task.text,
        "after": list(task.after),
        "crews": dict(task.crews),
        "capex_musd": task.capex_musd,
        "start": str(found.day(dates.start)),
        "finish": str(found.day(dates.finish)),
        "start_week": dates.start / TICKS_PER_WEEK,
        "finish_week": dates.finish / TICKS_PER_WEEK,
        "total_float_weeks": dates.total_float / TICKS_PER_WEEK,
        "free_float_weeks": dates.free_float / TICKS_PER_WEEK,
        "waits_for_crew_weeks": dates.waited / TICKS_PER_WEEK,
        "critical": task.name in found.timeline.critical,
    }
    if found.chances is not None:
        document["criticality_share"] = found.chances.criticality[task.name]
        document["finish_by"] = _quantiles(found, task)
    return document


def _moment(found: ProjectPlan, task: Task) -> dict[str, Any]:
    tick = found.timeline.dates[task.name].finish
    document: dict[str, Any] = {"date": str(found.day(tick)), "week": tick / TICKS_PER_WEEK}
    if found.chances is not None:
        document |= {"on_time_share": found.chances.probability(task.name, tick), "by": _quantiles(found, task)}
    return document


def _quantiles(found: ProjectPlan, task: Task) -> dict[str, str]:
    assert found.chances is not None
    later = found.chances.quantiles(task.name)
    return {f"p{100.0 * share:.0f}": str(found.day(tick)) for share, tick in zip(SHARES, later, strict=True)}


def _by_month(found: ProjectPlan) -> dict[str, float]:
    """Share of the cases that are released by the end of each month."""
    assert found.chances is not None
    months = sorted(found.month(int(tick)) for tick in found.chances.finishes[RELEASE])
    return {month: (index + 1) / len(months) for index, month in enumerate(months)}
