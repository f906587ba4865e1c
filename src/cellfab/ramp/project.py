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

The first three are there only with a `decision_week`. Lines that are converted one by one have all of them each, with
the name of the line before it ("two-install.wind"), and share crews.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cellfab.config.conversion_spec import Conversion
from cellfab.config.copying import Layout
from cellfab.config.project_spec import Payment, ProjectTask, Slip
from cellfab.ramp.network import Activity, Network
from cellfab.units import TICKS_PER_WEEK

DECISION, ORDER, STOP, DRAIN, STRIP_OUT = "decision", "order", "stop", "drain", "strip_out"
COMMISSIONING, REQUALIFICATION, RELEASE = "commissioning", "requalification", "release"
DELIVERY, INSTALL = "delivery.", "install."
"""Prefixes: "install.wind"."""
OWN = "own"
"""Kind of a task that only the configuration knows."""
ONE_LINE = Layout()
"""Where a scenario does not speak of lines."""


class Task(NamedTuple):
    """One task of a plan.

    Attributes
    ----------
    name : str
        Where lines are converted one by one, with the line before it: "two-install.wind".
    kind : str
        Its name without the line, up to the dot ("install"), or "own".
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
    line : str
        Which line it is about, where lines are converted one by one.
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
    line: str = ""

    @property
    def holds(self) -> str | None:
        """The station that cannot work before it is over."""
        return self.station if self.kind in ("install", OWN) else None


def on_line(line: str, name: str) -> str:
    """Name of a task of one line of several; of the only one its name."""
    return f"{line}-{name}" if line else name


def project_tasks(conversion: Conversion, stations: Iterable[str], layout: Layout = ONE_LINE) -> tuple[Task, ...]:
    """All tasks of a conversion, in the order in which they are told.

    Parameters
    ----------
    conversion : Conversion
    stations : iterable of str
        All stations, in the order of the line.
    layout : Layout
        Which of them are on which line.

    Returns
    -------
    tuple of Task
        Dependencies may name what is not there, or run in a circle: `cellfab.ramp.project_checks` finds out.
    """
    names = list(stations)
    if not conversion.lines:
        return _tasks(conversion, {name: name for name in names}, layout)
    tasks: list[Task] = []
    for line in conversion.lines:
        own = {name: layout.written[name] for name in names if layout.line_of.get(name) == line}
        for task in _tasks(conversion.on_line(line), own, layout):
            after = tuple(on_line(line, name) for name in task.after)
            tasks.append(task._replace(name=on_line(line, task.name), after=after, line=line))
    last = tuple(on_line(line, RELEASE) for line in conversion.lines)
    return (*tasks, Task(RELEASE, RELEASE, text=f"all lines sell {conversion.product_to}", after=last))


def _tasks(conversion: Conversion, stations: Mapping[str, str], layout: Layout) -> tuple[Task, ...]:
    """Tasks of lines that are converted together; `stations` says what each station is called in the plan."""
    generated = list(_generated(conversion, stations))
    alike: dict[str, list[str]] = {task.name: [task.name] for task in generated}
    for task in generated:
        if task.station is not None and task.station in layout.written:
            alike.setdefault(f"{task.kind}.{layout.written[task.station]}", []).append(task.name)

    def meant(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one for name in names for one in alike.get(name, (name,))))

    first = DECISION if conversion.decision_week is not None else STOP
    written: dict[str, ProjectTask] = {}
    own: list[Task] = []
    for name, one in conversion.tasks.items():
        if name in alike:
            written |= dict.fromkeys(alike[name], one)
        else:
            written[name] = one
            own.append(Task(name, OWN, station=one.station, after=(first,)))
    also: dict[str, list[str]] = {}
    for name, one in written.items():
        for follower in meant(one.before):
            also.setdefault(follower, []).append(name)
    tasks = []
    for task in (*generated[:-1], *own, generated[-1]):
        changed = _changed(task, written[task.name]) if task.name in written else task
        after = dict.fromkeys((*meant(changed.after), *also.get(task.name, ())))
        tasks.append(changed._replace(after=tuple(after)))
    return tuple(tasks)


def _generated(conversion: Conversion, stations: Mapping[str, str]) -> Iterator[Task]:
    worked_on = [name for name in stations if conversion.task(name).action != "reuse"]
    ordered = conversion.decision_week is not None
    delivered = [name for name in worked_on if ordered and conversion.task(name).ordered_weeks > 0.0]
    if ordered:
        yield Task(DECISION, DECISION, not_before_week=conversion.decision_week or 0.0)
        yield Task(ORDER, ORDER, weeks=conversion.order_weeks, after=(DECISION,), slips=conversion.order_slips)
    for name in delivered:
        spec = conversion.task(name)
        yield Task(
            f"{DELIVERY}{stations[name]}", "delivery", name, weeks=spec.ordered_weeks, after=(ORDER,),
            slips=spec.delivery_slips,
        )  # fmt: skip
    text = "the line is idle" if conversion.product_from is None else f"no new {conversion.product_from}"
    yield Task(STOP, STOP, text=text, not_before_week=conversion.stop_week)
    yield Task(DRAIN, DRAIN, weeks=conversion.drain_weeks, after=(STOP,))
    yield Task(
        STRIP_OUT, STRIP_OUT, weeks=conversion.strip_out_weeks, after=(DRAIN,),
        capex_musd=conversion.shared_capex_musd,
    )  # fmt: skip
    for name in worked_on:
        spec = conversion.task(name)
        there = (f"{DELIVERY}{stations[name]}",) if name in delivered else (ORDER,) if ordered else ()
        after = there if spec.action == "new" and ordered else (STRIP_OUT, *there)
        crews = conversion.install_crews if spec.crews is None else spec.crews
        yield Task(
            f"{INSTALL}{stations[name]}", "install", name, spec.action, spec.install_weeks, after, crews=crews,
            slips=spec.slips, capex_musd=spec.capex_musd, payment=spec.payment or conversion.payment,
        )  # fmt: skip
    installed = tuple(f"{INSTALL}{stations[name]}" for name in worked_on)
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
