"""What a line is: sources, buffers, stations, sinks, crews and calendars, wired by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from cellfab.config.distribution import Distribution
from cellfab.config.spec import Spec

Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Unit = Literal["parts", "lots", "kg", "m", "m2", "cells", "trays", "rolls"]
COUNTED = ("parts", "cells")
"""Units of which a lot has one row each."""
Feed = str | tuple[str, ...] | dict[str, Annotated[int, Field(ge=1)]]
"""Where lots come from: one name; a list of names (any of them, the first that has a lot, in the order written);
or a mapping name -> lots taken from each (all of them are needed: a merge)."""


class FailureMode(Spec):
    """One way a station stops by itself. While a station is down or planned off, none of its clocks runs."""

    time_to_failure: Distribution
    """From the end of a repair to the next failure, on this mode's clock."""
    time_to_repair: Distribution
    clock: Literal["operation_dependent", "time_dependent"] = "operation_dependent"
    """operation_dependent: the clock runs only while the station works on a part;
    time_dependent: it also runs while the station is starved or blocked."""
    fate: Literal["resume", "scrap"] = "resume"
    """Of the part in the machine: finish it after the repair, or throw it away at the failure."""
    crew: str | None = None
    """Crew whose one member the repair needs from start to end; none: the station mends itself."""
    priority: int = 0
    """Rank in the crew's queue; smaller is served first, equal ranks first come first served."""


class PlannedMaintenance(Spec):
    """A stop known ahead, repeated at a fixed interval; work in the machine waits and is resumed."""

    every_h: Annotated[float, Field(ge=0.001)]
    duration_h: Annotated[float, Field(ge=1e-6)]
    first_h: NonNegative | None = None
    """Start of the first stop; default: one interval after the start."""


class WorkingTime(Spec):
    """One stretch of working time within the cycle of a calendar."""

    start_h: NonNegative
    end_h: Positive


class Calendar(Spec):
    """Shifts: within each cycle the working times; everything else is planned off."""

    cycle_h: Annotated[float, Field(ge=0.001)] = 168.0
    working: Annotated[dict[str, WorkingTime], Field(min_length=1)]


class Crew(Spec):
    """People (or tools) shared by the stations that name them."""

    size: Annotated[int, Field(ge=1)]
    wage_usd_per_h: NonNegative | None = None
    """What an hour of a member costs, loaded; 0 for tools. None: `economics.labour.crew_wage_usd_per_h`."""


class Changeover(Spec):
    """Time lost when a lot of another product than the last one arrives."""

    duration: Distribution
    pairs: dict[str, Distribution] = {}
    """Durations of particular changes, keyed "from -> to"."""


class Output(Spec):
    """What leaves for each input (or merged set of inputs) processed: a split or a change of unit."""

    lots: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    unit: Unit | None = None
    """Default: the unit of the first input."""
    amount: Positive | None = None
    """Amount of each lot that leaves; default: the input's amount divided by `lots`."""


class Consumable(Spec):
    """How much of something that wears or is used up, and is in no cell, a station takes; its price is by its name in
    `economics.consumables`. What ends in a cell is a material of a step."""

    per: Literal["machine_h", "lot", "cell", "m"]
    """machine_h: hour that a lot holds a unit of the station (machine, position, place); lot: lot worked on; cell: cell
    that comes in; m: metre of web."""
    amount: NonNegative
    """In the unit of the price."""


class StationEconomics(Spec):
    """What the station costs to own, staff, power and heat (all units of it together).

    What a step's own physics takes (solvent evaporated, cells charged) comes on top and must not be repeated here.
    """

    capex_musd: NonNegative = 0.0
    operators: NonNegative = 0.0
    """People per shift."""
    power_kw: NonNegative = 0.0
    """Electric power while working."""
    idle_power_kw: NonNegative = 0.0
    """Electric power in every other state."""
    heat_kw: NonNegative = 0.0
    """Heat while working."""
    idle_heat_kw: NonNegative = 0.0
    """Heat in every other state: what keeps a dryer or an oven warm."""
    off_after_h: NonNegative | None = None
    """Once it has stood still for so long it is switched off, and takes nothing; none: it always stands by. At the
    start of a run it is off."""
    warm_up_kwh: NonNegative = 0.0
    """Electricity each time that it is switched on again."""
    warm_up_heat_kwh: NonNegative = 0.0
    """Heat each time that it is switched on again."""
    floor_m2: NonNegative = 0.0
    consumables: dict[str, Consumable] = {}
    """By the names of `economics.consumables`."""


class Machine(Spec):
    """One machine inside a serial station's chain."""

    cycle: Distribution
    failures: dict[str, FailureMode] = {}
    buffer_after: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Places between this machine and the next; 0 hands over directly, machine to machine."""
    step: str | None = None
    params: dict[str, Any] = {}


class _Station(Spec):
    feed: Annotated[Feed, Field(alias="from")]
    parallel: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Identical units, each with its own failures; a free unit takes the next lot."""
    failures: dict[str, FailureMode] = {}
    maintenance: dict[str, PlannedMaintenance] = {}
    calendar: str | None = None
    changeover: Changeover | None = None
    output: Output = Output()
    step: str | None = None
    """Process step whose physics acts on the lot here; none: the station only takes time."""
    params: dict[str, Any] = {}
    """Parameters of the step (see `cellfab schema`)."""
    economics: StationEconomics = StationEconomics()


class SerialStation(_Station):
    """Unit by unit: one machine (`cycle`) or a chain of machines (`machines`), each part in turn."""

    kind: Literal["serial"]
    cycle: Distribution | None = None
    """Time per part of a one-machine station; a lot of n parts takes n cycles."""
    machines: dict[str, Machine] = {}
    """A chain, in the order written; then `cycle` and `failures` are given per machine."""


class BatchStation(_Station):
    """Collects lots until `batch_lots` are together, then holds them all for one cycle (mixer, oven)."""

    kind: Literal["batch"]
    cycle: Distribution
    batch_lots: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    charges_per_cycle: Annotated[int, Field(ge=1)] | None = None
    """If given, a lot of n rows needs ceil(n / charges_per_cycle) cycles."""


class WebStation(_Station):
    """Roll to roll at a speed; each lot is a length of web in m."""

    kind: Literal["web"]
    speed_m_per_min: Annotated[float, Field(gt=0.0, le=2000.0)]
    splice: Distribution | None = None
    """Stop at each roll change."""


class ChannelsStation(_Station):
    """N positions, each held for a recipe time by one tray (or part); first come, first served."""

    kind: Literal["channels"]
    positions: Annotated[int, Field(ge=1, le=1_000_000)]
    """Trays (parts on a bare line) that can be held at once."""
    occupied: Distribution | None = None
    """Time a position is held; none: the step's recipe says it."""
    cells_per_tray: Annotated[int, Field(ge=1)] = 1


class DwellStation(_Station):
    """Storage with a minimum time, a capacity and, if given, a longest time."""

    kind: Literal["dwell"]
    capacity: Positive | None = None
    """In the unit of what is stored; none: unlimited."""
    minimum: Distribution | None = None
    """Time each lot must stay; none: the step's recipe says it."""
    maximum_h: Positive | None = None
    """A lot that could not leave by then has expired."""
    on_expiry: Literal["scrap", "redo"] = "scrap"
    """redo: the dwell starts anew."""


Station = Annotated[
    SerialStation | BatchStation | WebStation | ChannelsStation | DwellStation,
    Field(discriminator="kind"),
]


def station_units(station: Station) -> float:
    """What can be occupied side by side: parallel machines, positions, or the places of a store that has an end."""
    if isinstance(station, ChannelsStation):
        return station.positions
    if isinstance(station, DwellStation) and station.capacity is not None:
        return station.capacity
    return station.parallel


class Source(Spec):
    """Where lots enter."""

    interarrival: Distribution | None = None
    """None: there is always a lot at hand (a saturated line)."""
    lots: Annotated[int, Field(ge=1)] | None = None
    """Lots in all; none: without end."""
    amount: Positive = 1.0
    unit: Unit = "parts"
    parts_per_lot: Annotated[int, Field(ge=1, le=10_000_000)] = 1
    """Rows of a lot."""
    material: str = ""
    """What the lots are: "cathode", "anode" or "separator" in a plant; empty on a bare line."""
    products: dict[str, Annotated[int, Field(ge=1)]] = {"part": 1}
    """Campaigns: so many lots of each product in turn, in the order written, over and over."""
    priority: dict[str, int] = {}
    """Rank by product in priority queues; smaller is served first. Default 0."""
    when_full: Literal["wait", "lost"] = "wait"
    """An arrival that finds no room waits outside (first come, first served), or is lost."""


class Buffer(Spec):
    """A queue between stations. Its capacity does not count lots inside the stations."""

    feed: Annotated[Feed, Field(alias="from")]
    capacity: NonNegative | None = None
    """In `unit`; none: unlimited."""
    unit: Unit | None = None
    """Default: the unit of what is fed in."""
    order: Literal["fifo", "priority"] = "fifo"
    minimum_wait_h: NonNegative = 0.0
    maximum_wait_h: Positive | None = None
    """A lot still here after that has expired."""
    on_expiry: Literal["scrap", "redo"] = "scrap"
    redo_at: str | None = None
    """Buffer that an expired lot goes back to."""


class Sink(Spec):
    """Where lots leave for good."""

    feed: Annotated[Feed, Field(alias="from")]


class Line(Spec):
    """A directed acyclic graph: every node says what feeds it."""

    sources: Annotated[dict[str, Source], Field(min_length=1)]
    stations: Annotated[dict[str, Station], Field(min_length=1)]
    buffers: dict[str, Buffer] = {}
    sinks: Annotated[dict[str, Sink], Field(min_length=1)]
    crews: dict[str, Crew] = {}
    calendars: dict[str, Calendar] = {}


def making_only(line: Line, product: str) -> Line:
    """The line when it makes nothing but one product: no campaigns, and so no ranks and no changeovers between them."""
    alone = {"products": {product: 1}, "priority": {}}
    sources = {name: source.model_copy(update=alone) for name, source in line.sources.items()}
    stations = {name: station.model_copy(update={"changeover": None}) for name, station in line.stations.items()}
    return line.model_copy(update={"sources": sources, "stations": stations})
