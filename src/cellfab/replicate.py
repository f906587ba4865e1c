"""One replicate of a scenario: a pure function of scenario, seed and replicate number."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from cellfab.core.ledger import ENERGY_UNIT
from cellfab.economics.consumables import of_the_plant
from cellfab.economics.credits import book_credits, book_sales
from cellfab.economics.crew_labour import post_crew
from cellfab.economics.energy import ALWAYS_ON
from cellfab.economics.layoff import absent_shares, with_absent
from cellfab.economics.period_cost import (
    PLANT,
    close_week,
    weekly_period_cost,
    weekly_plant_cost,
    with_added_capital,
)
from cellfab.economics.practice import post_learners
from cellfab.economics.recycling import sell_scrap
from cellfab.economics.working_capital import charge_interest
from cellfab.errors import ConfigError, InvariantError
from cellfab.line.conversion import PlantConversion
from cellfab.line.flow import simulate_line
from cellfab.line.result import FlowResult
from cellfab.line.states import WORKING
from cellfab.line.warmup import Cut, mser5, watch_ticks
from cellfab.line_ramp import LineRamp, ramp_book
from cellfab.plant import Plant
from cellfab.ramp.laws import labour_factor
from cellfab.ramp.project import project_tasks
from cellfab.ramp.slips import delays_of_case
from cellfab.records.ledger_rows import LedgerRows
from cellfab.records.recording import Files, Recorder
from cellfab.scenario import Scenario
from cellfab.supply import supply_windows
from cellfab.units import TICKS_PER_H, TICKS_PER_WEEK, to_ticks


@dataclass(frozen=True, slots=True)
class Replicate:
    """What one replicate left behind: the flow, for a plant its books and the dates of its conversion, and where its
    warm-up was cut if that was to be found."""

    flow: FlowResult
    plant: Plant | None
    conversion: PlantConversion | None
    cut: Cut | None = None


def simulate(
    scenario: Scenario,
    seed: int,
    replicate: int = 0,
    *,
    engine: str = "auto",
    progress: Callable[[float], None] | None = None,
    files: Files | None = None,
    rows: LedgerRows | None = None,
) -> Replicate:
    """Run one replicate of a scenario.

    Parameters
    ----------
    scenario : Scenario
    seed, replicate : int
        Name every random number.
    engine : {"auto", "simpy", "compiled"}
        Only a bare line can be compiled.
    progress : callable, optional
        Told the share of the horizon done, 0-1, at most once per simulated week.
    files : Files, optional
        Single cells and lots are written there as the scenario's `run.record` says; without it none are.
    rows : LedgerRows, optional
        Every posting of the ledger is written there.

    Raises
    ------
    ConfigError, StallError, InvariantError
        As `cellfab.line.flow.simulate_line`; InvariantError also if cells, mass, energy or money are not conserved.
    """
    if scenario.spec.run.warmup_rule == "mser5":
        cut, settled = _settled(scenario, seed, replicate, engine)
        done = simulate(settled, seed, replicate, engine=engine, progress=progress, files=files, rows=rows)
        return replace(done, cut=cut)
    return _simulated(scenario, seed, replicate, engine, progress=progress, files=files, rows=rows)


def _settled(scenario: Scenario, seed: int, replicate: int, engine: str) -> tuple[Cut, Scenario]:
    """Where the warm-up of a replicate ends, from a run without one, and the scenario with that as its fixed warm-up.

    What is counted only after the warm-up cannot be had from counts of the whole run; a second run has the same random
    numbers, so that it is the same run, and every figure of it has the same cut.
    """
    spec = scenario.spec
    watch = watch_ticks(to_ticks(spec.run.horizon_h * 3600.0))
    first = _simulated(scenario, seed, replicate, engine, watch=watch.tolist())
    cut = mser5(first.flow.watched)
    ticks = int(watch[cut.observations - 1]) if cut.observations else 0
    run = spec.run.model_copy(update={"warmup_rule": "fixed", "warmup_h": ticks / TICKS_PER_H})
    return cut, replace(scenario, spec=spec.model_copy(update={"run": run}))


def _simulated(
    scenario: Scenario,
    seed: int,
    replicate: int,
    engine: str,
    *,
    progress: Callable[[float], None] | None = None,
    files: Files | None = None,
    rows: LedgerRows | None = None,
    watch: Sequence[int] = (),
) -> Replicate:
    """One run, whose warm-up is as long as written."""
    spec = scenario.spec
    horizon = to_ticks(spec.run.horizon_h * 3600.0)
    recorder = None if files is None else Recorder(spec.run, seed, replicate, files)
    on_posting = None if rows is None else rows.of(replicate)
    plant = Plant(scenario, seed, replicate, recorder, on_posting) if scenario.is_plant else None
    book = ramp_book(scenario) if plant is None else plant.book
    if plant is not None and engine == "compiled":
        raise ConfigError("--engine compiled runs bare lines only; this scenario makes cells")
    conversion = None
    if spec.conversion is not None:
        tasks = project_tasks(spec.conversion, spec.line.stations, scenario.layout)
        late = delays_of_case(tasks, seed, replicate) if spec.conversion.slips_happen else {}
        conversion = PlantConversion(
            spec.conversion, spec.line.stations, scenario.layout, book, late, plant.cells_now if plant else None
        )
    if plant is not None and spec.shocks:
        plant.closures = supply_windows(scenario, seed, horizon)
    with rare_collection():
        flow = simulate_line(
            spec.line,
            spec.run,
            seed=seed,
            replicate=replicate,
            engine=engine,
            physics=plant,
            ramp=None if plant is not None or book is None else LineRamp(scenario, book),
            progress=None if progress is None else lambda now: progress(now / horizon),
            controllers=() if conversion is None else conversion.each,
            closures=None if plant is None else plant.closures,
            begins=scenario.layout.begins(),
            watch=watch,
        )
        if plant is not None:
            if plant.modes is not None:
                plant.modes.book.close(flow.horizon)
            _close_books(plant, flow, conversion)
            _check(plant)
    if recorder is not None:
        recorder.close()
    return Replicate(flow, plant, conversion)


@contextmanager
def rare_collection() -> Iterator[None]:
    """Let the cycle collector look only at what the run makes, and seldom: lots die by reference counts.

    With the default thresholds it goes through every spec, step and imported module again and again: 7 % of a run, and
    14 % of what compiling the kernels takes the first time.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _close_books(plant: Plant, flow: FlowResult, conversion: PlantConversion | None) -> None:
    """Post what came with the calendar (period cost of every station and the plant, crews, power while not working),
    book what was earned, and charge interest on what is bound."""
    spec, economics, ledger = plant.scenario.spec, plant.economics, plant.ledger
    dates = {} if conversion is None else conversion.dates_by_station()
    added: dict[str, float] = {}
    for spend in () if conversion is None or not dates else conversion.capital(flow.horizon):
        added[spend.station] = added.get(spend.station, 0.0) + spend.musd
    people = None if spec.conversion is None else spec.conversion.people
    absent = {
        name: absent_shares(people, found.drained, found.restart) for name, found in dates.items() if people is not None
    }
    restart_weeks = {name: found.restart // TICKS_PER_WEEK for name, found in dates.items()}
    before = {name: weekly_period_cost(station.economics, economics) for name, station in spec.line.stations.items()}
    after = {
        name: weekly_period_cost(with_added_capital(station.economics, added.get(name, 0.0)), economics)
        for name, station in spec.line.stations.items()
    }
    begins = plant.scenario.layout.begins()
    weeks = -(-flow.horizon // TICKS_PER_WEEK)
    for week in range(weeks):
        part = min(1.0, (flow.horizon - week * TICKS_PER_WEEK) / TICKS_PER_WEEK)
        for name, station in flow.stations.items():
            ticks = station.weekly_ticks[week]
            working, whole = float(ticks[WORKING]) / station.units, float(ticks.sum()) / station.units
            plant.costs.close_week(name, week, working / TICKS_PER_H, whole / TICKS_PER_H, flow.horizon)
        converted = any(week >= restart for restart in restart_weeks.values())
        costs = {
            name: (after if week >= restart_weeks.get(name, weeks) else before)[name] for name in spec.line.stations
        }
        for name, shares in absent.items():
            if week in shares:
                fewer = with_absent(spec.line.stations[name].economics, shares[week])
                costs[name] = weekly_period_cost(fewer, economics)
        shared = weekly_plant_cost(
            economics, plant.prices.electricity[week], plant.prices.heat[week], added.get(PLANT, 0.0) * converted
        )
        worn = of_the_plant(economics, plant.prices.consumables, week)
        close_week(ledger, week, costs, (*shared, *worn), part, _late(begins, week, part))
        for account, quantity, unit, _ in shared:
            if unit == ENERGY_UNIT:
                plant.energy.used(week, (PLANT, account, ALWAYS_ON), quantity * part)
    last_part = flow.horizon / TICKS_PER_WEEK - weeks + 1
    for name, crew in flow.crews.items():
        worked_h = {
            station: {week: ticks / TICKS_PER_H for week, ticks in by_week.items()}
            for station, by_week in crew.weekly_ticks.items()
        }
        since_week = begins.get(name, 0) / TICKS_PER_WEEK
        post_crew(ledger, name, spec.line.crews[name], economics.labour, worked_h, weeks, last_part, since_week)
    sell_scrap(ledger, economics.recycling, spec.materials)
    _close_practice(plant, weeks, last_part)
    book_sales(ledger, economics, spec.sale_prices(), spec.run.start_date, weeks, plant.by_buyer.price_ratios())
    plant.shortfalls = book_credits(ledger, economics, spec.materials, spec.run.start_date, weeks)
    charge_interest(ledger, economics, weeks, last_part)


def _late(begins: Mapping[str, int], week: int, part: float) -> dict[str, float]:
    """Share of a week, of which `part` is simulated, in which what comes in it or after it is there."""
    return {
        name: max(0.0, week + part - tick / TICKS_PER_WEEK)
        for name, tick in begins.items()
        if tick > week * TICKS_PER_WEEK
    }


def _close_practice(plant: Plant, weeks: int, last_part: float) -> None:
    """Post the people whom the line needs while they are new to it, in each week by the cells made before."""
    spec = plant.scenario.spec
    laws = None if spec.ramp is None else spec.ramp.labour
    if laws is None:
        return
    stations = {name: station.economics for name, station in spec.line.stations.items()}
    begins = plant.scenario.layout.begins()
    made = 0
    for week in range(weeks):
        factor = labour_factor(
            made, laws.first_cells, laws.mature_cells, laws.machine_paced_share, laws.learning_rate_share
        )
        part = last_part if week == weeks - 1 else 1.0
        late = _late(begins, week, part)
        there = {name: site for name, site in stations.items() if name not in late}
        post_learners(plant.ledger, week, there, plant.economics, factor, part)
        for counts in (plant.cells_good, plant.cells_unsold):
            made += sum(number for (when, _), number in counts.items() if when == week)


def _check(plant: Plant) -> None:
    """Cells, mass, energy and money at the end of the run."""
    started, good = sum(plant.cells_started.values()), sum(plant.cells_good.values())
    unsold, scrapped = sum(plant.cells_unsold.values()), sum(plant.cells_scrapped.values())
    if started != good + unsold + scrapped + plant.cells_inside:
        raise InvariantError(
            f"cells are not conserved: {started} started, but {good} good + {unsold} unsold + {scrapped} scrapped"
            f" + {plant.cells_inside} inside = {good + unsold + scrapped + plant.cells_inside}"
        )
    balance = plant.ledger.balance()
    if not balance.is_zero:
        raise InvariantError(f"the ledger does not balance: {balance}")
