"""A conversion as a project: the tasks that follow from what is done to each station, and when they are done.

Every conversion has these tasks; `tasks` in the configuration adds others, or changes them:

    decision            at `decision_week`
    order               `order_weeks` after the decision
    delivery.STATION    of every station that is not reused, after the order
    stop                not before `stop_week`; until then the line runs
    drain               what is inside is finished; planned, then as the simulation has it
    strip_out           old machines out, nothing can be rebuilt before
    install.STATION     after strip_out and its delivery; a new station only after its delivery
    commissioning       site acceptance and trial runs, after every installation; then the line restarts
    requalification     the new product is made, not sold
    release             from here on it is sold

The first three are there only with a `decision_week`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cellfab.config.conversion_spec import Conversion
from cellfab.config.project_spec import Payment, ProjectTask, Slip
from cellfab.ramp.network import Activity, Network
from cellfab.units import TICKS_PER_WEEK

DECISION, ORDER, STOP, DRAIN, STRIP_OUT = "decision", "order", "stop", "drain", "strip_out"
COMMISSIONING, REQUALIFICATION, RELEASE = "commissioning", "requalification", "release"
DELIVERY, INSTALL = "delivery.", "install."
"""Prefixes: "install.wind"."""
OWN = "own"
"""Kind of a task that only the configuration knows."""


class Task(NamedTuple):
    """One task of a plan.

    Attributes
    ----------
    name : str
    kind : str
        Its name up to the dot ("install"), or "own".
    station : str or None
        What it is about; the station cannot work before an installation or a task of one's own is over.
    text : str
    weeks : float
        As planned.
    after : tuple of str
    not_before_week : float
    crews : mapping of str to int
    slips : mapping of str to Slip
    capex_musd : float
    payment : Payment or None
        None: all when it begins.
    """

    name: str
    kind: str
    station: str | None = None
    text: str = ""
    weeks: float = 0.0
    after: tuple[str, ...] = ()
    not_before_week: float = 0.0
    crews: Mapping[str, int] = {}
    slips: Mapping[str, Slip] = {}
    capex_musd: float = 0.0
    payment: Payment | None = None

    @property
    def holds(self) -> str | None:
        """The station that cannot work before it is over."""
        return self.station if self.kind in ("install", OWN) else None


def project_tasks(conversion: Conversion, stations: Iterable[str]) -> tuple[Task, ...]:
    """All tasks of a conversion, in the order in which they are told.

    Parameters
    ----------
    conversion : Conversion
    stations : iterable of str
        All stations that are converted, in the order of the line.

    Returns
    -------
    tuple of Task
        Dependencies may name what is not there, or run in a circle: `cellfab.ramp.project_checks` finds out.
    """
    generated = list(_generated(conversion, list(stations)))
    names = {task.name for task in generated}
    first = DECISION if conversion.decision_week is not None else STOP
    own = [
        _changed(Task(name, OWN, station=written.station, after=(first,)), written)
        for name, written in conversion.tasks.items()
        if name not in names
    ]
    changed = [
        _changed(task, conversion.tasks[task.name]) if task.name in conversion.tasks else task for task in generated
    ]
    tasks = [*changed[:-1], *own, changed[-1]]
    also: dict[str, list[str]] = {}
    for name, written in conversion.tasks.items():
        for follower in written.before:
            also.setdefault(follower, []).append(name)
    return tuple(
        task._replace(after=tuple(dict.fromkeys((*task.after, *also[task.name])))) if task.name in also else task
        for task in tasks
    )


def _generated(conversion: Conversion, stations: list[str]) -> Iterator[Task]:
    worked_on = [name for name in stations if conversion.task(name).action != "reuse"]
    ordered = conversion.decision_week is not None
    delivered = [name for name in worked_on if ordered and conversion.task(name).ordered_weeks > 0.0]
    if ordered:
        yield Task(DECISION, DECISION, not_before_week=conversion.decision_week or 0.0)
        yield Task(ORDER, ORDER, weeks=conversion.order_weeks, after=(DECISION,), slips=conversion.order_slips)
    for name in delivered:
        spec = conversion.task(name)
        yield Task(
            f"{DELIVERY}{name}", "delivery", name, weeks=spec.ordered_weeks, after=(ORDER,), slips=spec.delivery_slips
        )
    text = "the line is idle" if conversion.product_from is None else f"no new {conversion.product_from}"
    yield Task(STOP, STOP, text=text, not_before_week=conversion.stop_week)
    yield Task(DRAIN, DRAIN, weeks=conversion.drain_weeks, after=(STOP,))
    yield Task(
        STRIP_OUT, STRIP_OUT, weeks=conversion.strip_out_weeks, after=(DRAIN,),
        capex_musd=conversion.shared_capex_musd,
    )  # fmt: skip
    for name in worked_on:
        spec = conversion.task(name)
        there = (f"{DELIVERY}{name}",) if name in delivered else (ORDER,) if ordered else ()
        after = there if spec.action == "new" and ordered else (STRIP_OUT, *there)
        crews = conversion.install_crews if spec.crews is None else spec.crews
        yield Task(
            f"{INSTALL}{name}", "install", name, spec.action, spec.install_weeks, after, crews=crews, slips=spec.slips,
            capex_musd=spec.capex_musd, payment=spec.payment or conversion.payment,
        )  # fmt: skip
    installed = tuple(f"{INSTALL}{name}" for name in worked_on)
    yield Task(
        COMMISSIONING, COMMISSIONING, weeks=conversion.commissioning_weeks, after=(STRIP_OUT, *installed),
        slips=conversion.commissioning_slips,
    )  # fmt: skip
    text = f"{conversion.product_to} is made, not sold"
    yield Task(
        REQUALIFICATION, REQUALIFICATION, text=text, weeks=conversion.requalification.planned_weeks,
        after=(COMMISSIONING,), slips=conversion.requalification_slips,
    )  # fmt: skip
    yield Task(RELEASE, RELEASE, text=f"{conversion.product_to} is sold", after=(REQUALIFICATION,))


def _changed(task: Task, written: ProjectTask) -> Task:
    """A task with what the configuration says about it."""
    return task._replace(
        text=written.text or task.text,
        weeks=task.weeks if written.duration_weeks is None else written.duration_weeks,
        after=task.after if written.after is None else written.after,
        not_before_week=max(task.not_before_week, written.not_before_week or 0.0),
        crews=task.crews if written.crews is None else written.crews,
        slips={**task.slips, **written.slips},
        capex_musd=task.capex_musd if written.capex_musd is None else written.capex_musd,
        payment=written.payment or task.payment,
    )


def ticks(weeks: float) -> int:
    """Weeks as whole ticks."""
    return round(weeks * TICKS_PER_WEEK)


def project_network(tasks: Iterable[Task], crews: Mapping[str, int]) -> Network:
    """The network of a plan, in ticks, whose end is the release."""
    activities = [
        Activity(task.name, ticks(task.weeks), task.after, ticks(task.not_before_week), task.crews) for task in tasks
    ]
    return Network(activities, crews, RELEASE)
