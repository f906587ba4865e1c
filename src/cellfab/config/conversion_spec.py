"""The conversion of a line to another product: a project of tasks from the decision to the release.

A short conversion says what is done to each station; the tasks follow (see `cellfab.ramp.project`). With a
`decision_week` there are orders and deliveries before the stop; `tasks` adds tasks, or says more about those there are.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cellfab.config.project_spec import LineDates, Members, Payment, People, ProjectTask, Slip
from cellfab.config.ramp_spec import Ramp
from cellfab.config.spec import Spec

NonNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


Action = Literal["reuse", "modify", "replace", "new"]

INSTALL_WEEKS: dict[str, float] = {"reuse": 0.0, "modify": 9.0, "replace": 26.0, "new": 26.0}
"""Work on a station where nothing is written: 1-3 months for recipes and tools, 4-8 for another machine
(assumption)."""
DELIVERY_WEEKS: dict[str, float] = {"reuse": 0.0, "modify": 9.0, "replace": 26.0, "new": 26.0}
"""From the order to the delivery where nothing is written (assumption; orders of June 2026 for stacking, packaging and
filling at Kokomo were to stand in the first half of 2027, en.etnews.com 20260625200002)."""


class StationTask(Spec):
    """What is done to one station: it is kept, modified, replaced, or put up beside what is there.

    Work starts when strip-out is over (on a new station: at once) and what was ordered is there, and runs beside that
    of the other stations unless a crew is short.
    """

    action: Action = "reuse"
    duration_weeks: Annotated[float, Field(ge=0.0, le=260.0)] | None = None
    """Default: by the action, 0 (reuse), 9 (modify) or 26 (replace, new) weeks (assumption)."""
    delivery_weeks: Annotated[float, Field(ge=0.0, le=260.0)] | None = None
    """From the order; default as `duration_weeks`. Counts only with a `decision_week`."""
    crews: dict[str, Members] | None = None
    """Members of crews that the work takes; default: `install_crews`."""
    slips: dict[str, Slip] = {}
    """What may make the work late, by a name of your own."""
    delivery_slips: dict[str, Slip] = {}
    """What may make the delivery late."""
    payment: Payment | None = None
    """Default: that of the conversion."""
    capex_musd: NonNegative = 0.0
    carried_share: Share = 1.0
    """Share of the maturity, released rate and operating hours reached before the stop that still counts afterwards."""

    @model_validator(mode="after")
    def _reuse_is_free(self) -> StationTask:
        if self.action == "reuse" and (self.install_weeks > 0.0 or self.capex_musd > 0.0):
            raise ValueError("a station that is reused takes no weeks and no capex; write action: modify")
        return self

    @property
    def install_weeks(self) -> float:
        """Planned weeks of work."""
        return INSTALL_WEEKS[self.action] if self.duration_weeks is None else self.duration_weeks

    @property
    def ordered_weeks(self) -> float:
        """Planned weeks from the order to the delivery."""
        return DELIVERY_WEEKS[self.action] if self.delivery_weeks is None else self.delivery_weeks


class Drain(Spec):
    """The stop: nothing new enters, what is inside is finished."""

    limit_weeks: Positive = 6.0
    """What is still inside by then is scrapped (assumption; ageing alone takes two weeks)."""
    expected_weeks: NonNegative = 3.0
    """For the plan only: in the simulation the line is empty when it is (assumption; two weeks of ageing, and what
    stands before it)."""
    fed_until_empty: tuple[str, ...] = ()
    """Sources that go on giving while the line empties, such as the separator: without them, lots that they merge with
    cannot be finished, and are thrown away."""
    work_in_progress: Literal["finish", "scrap"] = "finish"
    """`scrap`: what is inside at the stop is thrown away as soon as it can be got out."""

    @property
    def planned_weeks(self) -> float:
        """From the stop until the line is empty, as planned."""
        return 0.0 if self.work_in_progress == "scrap" else min(self.expected_weeks, self.limit_weeks)


class Requalification(Spec):
    """What is made after the restart and may not be sold: for a time, or a number of lots."""

    duration_weeks: NonNegative | None = None
    lots: Annotated[int, Field(ge=0)] | None = None
    """Lots that have passed the last station."""
    expected_weeks: NonNegative = 4.0
    """Of a number of lots, for the plan only (assumption)."""

    @model_validator(mode="after")
    def _one_of(self) -> Requalification:
        if (self.duration_weeks is None) == (self.lots is None):
            raise ValueError("give exactly one of duration_weeks and lots")
        return self

    @property
    def planned_weeks(self) -> float:
        """From the restart to the release, as planned."""
        return self.expected_weeks if self.duration_weeks is None else self.duration_weeks


class Conversion(Spec):
    """One line, converted once.

    stop -> drain -> strip out -> rebuild (all stations side by side) -> commission -> restart, not sellable -> release;
    with a `decision_week` also decision -> order -> delivery of each station, while the line runs.
    """

    stop_week: NonNegative
    """After the start of the simulation; later where `tasks.stop.after` names what the stop has to wait for."""
    decision_week: NonNegative | None = None
    """When the project begins, after the start of the simulation; none: all that is needed is there at the stop."""
    order_weeks: Annotated[float, Field(ge=0.0, le=260.0)] = 8.0
    """From the decision to the purchase orders (assumption; 1-3 months for the same format, 2-6 for another)."""
    order_slips: dict[str, Slip] = {}
    """What may make the orders late, by a name of your own."""
    product_from: str | None
    """null: the line is idle when the run begins (then `stop_week` is 0), as after an announced stop of an EV plant."""
    product_to: str
    drain: Drain = Drain()
    strip_out_weeks: NonNegative = 2.0
    """Nothing can be rebuilt before (assumption; 0-2 months for the same format)."""
    stations: dict[str, StationTask] = {}
    other_stations: StationTask = StationTask()
    """For every station not named in `stations`."""
    commissioning_weeks: NonNegative = 6.0
    """Site acceptance and trial runs after the last station is ready (assumption; 1-2 months for the same format)."""
    requalification: Requalification = Requalification(duration_weeks=12.0)
    """Assumption; 3-6 months with overlap for the same format."""
    shared_capex_musd: NonNegative = 0.0
    """Of no single station: manufacturing execution system, product certification."""
    commissioning_slips: dict[str, Slip] = {}
    requalification_slips: dict[str, Slip] = {}
    payment: Payment | None = None
    """When stations are paid; none: all when work on them begins. What is shared is paid when strip-out begins."""
    crews: dict[str, Members] = {}
    """People or teams of whom there are only so many, by name: `{installers: 4}`. A task that needs more than are free
    waits; the one with the earliest latest start (as planned) goes first."""
    install_crews: dict[str, Members] = {}
    """What the work on each station takes of the crews, unless the station says."""
    tasks: dict[str, ProjectTask] = {}
    """Tasks of your own, and changes to those that are generated: decision, order, delivery.STATION, stop, drain,
    strip_out, install.STATION, commissioning, requalification, release."""
    lines: dict[str, LineDates] = {}
    """Line by line, where the scenario has `lines`: which of them are converted, in this order, and when each stops.
    The others go on as they are. None: all at once. Crews of the project serve all lines."""
    slips_happen: bool = True
    """false: every task takes as long as planned, whatever slips are written."""
    people: People | None = None
    """None: everybody stays and is paid."""
    ramp: Ramp | None = None
    """Laws after the restart; none: the line's own laws go on."""

    @model_validator(mode="after")
    def _another_product(self) -> Conversion:
        if self.product_from == self.product_to:
            raise ValueError(f"product_from and product_to are both '{self.product_from}'")
        if self.product_from is None and self.stop_week > 0.0:
            raise ValueError("a line that is idle from the start stops in week 0; write stop_week: 0, or product_from")
        return self

    def on_line(self, line: str) -> Conversion:
        """The conversion of one of the lines that are converted one by one."""
        dates = self.lines[line]
        decision = self.decision_week if dates.decision_week is None else dates.decision_week
        stop = self.stop_week if dates.stop_week is None else dates.stop_week
        return self.model_copy(update={"stop_week": stop, "decision_week": decision, "lines": {}})

    @property
    def drain_weeks(self) -> float:
        """From the stop until the line is empty, as planned."""
        return self.drain.planned_weeks if self.product_from is not None else 0.0

    def task(self, station: str) -> StationTask:
        """What is done to `station`."""
        return self.stations.get(station, self.other_stations)

    def written(self) -> dict[str, Any]:
        """As plain values; what a short conversion does not say is left out, so that it is the same as before there was
        anything else to say."""
        content = self.model_dump(mode="json")
        for part, spec in (
            (content, self),
            (content["drain"], self.drain),
            (content["requalification"], self.requalification),
            *((content["stations"][name], task) for name, task in self.stations.items()),
            (content["other_stations"], self.other_stations),
        ):
            for key, info in type(spec).model_fields.items():
                if key in _LATER and getattr(spec, key) == info.get_default(call_default_factory=True):
                    del part[key]
            if isinstance(spec, StationTask):
                part["duration_weeks"] = spec.install_weeks
        return content


_LATER = frozenset(
    {
        *("decision_week", "order_weeks", "order_slips", "commissioning_slips", "requalification_slips", "payment"),
        *("crews", "install_crews", "tasks", "slips_happen", "people", "lines", "delivery_weeks", "slips"),
        *("delivery_slips", "expected_weeks", "work_in_progress", "fed_until_empty"),
    }
)
"""Keys that are left out of `Conversion.written` where nothing is said about them."""
