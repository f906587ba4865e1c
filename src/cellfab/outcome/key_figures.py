"""Key figures of one finished replicate, by name."""

from __future__ import annotations

from collections.abc import Mapping

from cellfab.economics.cash_flow import QUARTER_WEEKS
from cellfab.economics.statement import total
from cellfab.line.kpi import flow_kpis
from cellfab.outcome.books import Books
from cellfab.outcome.by_buyer import NO_STRING, buyer_kpis
from cellfab.outcome.by_line import kpis_by_line
from cellfab.outcome.consumption import energy_kpis
from cellfab.outcome.converted import conversion_kpis, line_stops
from cellfab.outcome.escapes import escape_kpis, field_failure_kpis
from cellfab.outcome.lessons import mode_kpis
from cellfab.outcome.money import money_kpis
from cellfab.outcome.nameplate import nameplate_kpis
from cellfab.outcome.ramp_dates import ramp_date_kpis
from cellfab.outcome.valuation import capital_kpis
from cellfab.plant import Plant
from cellfab.replicate import Replicate
from cellfab.result import Kpi
from cellfab.scenario import Scenario
from cellfab.units import TICKS_PER_H

NOT_ALL_STEPS = "a step has seen nothing of the product in that time"


def line_kpis(replicate: Replicate) -> dict[str, Kpi]:
    """Key figures of the flow of one replicate, and where its warm-up was cut if that was to be found."""
    kpis = flow_kpis(replicate.flow)
    if replicate.cut is not None:
        kpis["warmup_h"] = Kpi(replicate.flow.warmup / TICKS_PER_H, "h")
        kpis["warmup_found"] = Kpi(float(replicate.cut.settled), "1")
    return kpis


def bare_kpis(scenario: Scenario, replicate: Replicate) -> dict[str, Kpi]:
    """Key figures of one replicate of a bare line."""
    kpis = line_kpis(replicate)
    if replicate.conversion is not None:
        kpis |= conversion_kpis(scenario, replicate.conversion)
    return kpis


def plant_kpis(books: Books, replicate: Replicate, rated: Mapping[str, float]) -> dict[str, Kpi]:
    """Key figures of one replicate of a plant; `rated` is the mature good output by product, cells per week."""
    plant, flow, conversion = books.plant, replicate.flow, replicate.conversion
    scenario = plant.scenario
    kpis = line_kpis(replicate)
    kpis |= _output_and_yields(books, flow.horizon)
    kpis |= money_kpis(books)
    kpis["rack_usable_fraction"] = _rack_usable(plant, books.product_of_week(books.weeks - 1))
    kpis |= escape_kpis(plant)
    kpis |= buyer_kpis(books)
    kpis |= energy_kpis(plant)
    kpis |= field_failure_kpis(plant)
    kpis |= capital_kpis(books, replicate)
    kpis |= nameplate_kpis(scenario, rated)
    kpis |= ramp_date_kpis(books, replicate, rated)
    kpis |= mode_kpis(plant, flow.horizon)
    if conversion is not None:
        kpis |= conversion_kpis(scenario, conversion)
    kpis |= kpis_by_line(books, rated, line_stops(scenario, conversion))
    return kpis


def _output_and_yields(books: Books, horizon: int) -> dict[str, Kpi]:
    """What was made in a run of so many ticks, and yields of the product made last."""
    plant = books.plant
    finished = sum(plant.cells_good.values()) + sum(plant.cells_unsold.values())
    scrapped = sum(plant.cells_scrapped.values())
    last_quarter = (books.weeks - QUARTER_WEEKS, books.weeks)
    product = books.product_of_week(books.weeks - 1)
    return {
        "throughput_per_h": Kpi(finished / (horizon / TICKS_PER_H), "1/h"),
        "good_energy_mwh": Kpi(total(books.periods).good_kwh / 1e3, "MWh"),
        "good_energy_mwh_last_quarter": Kpi(total(books.periods, *last_quarter).good_kwh / 1e3, "MWh"),
        "final_yield": Kpi.ratio(finished, finished + scrapped, "1", "no cell has been finished or scrapped"),
        "rolled_throughput_yield": Kpi.known(books.rolled_throughput_yield(product), "1", NOT_ALL_STEPS),
        "first_pass_yield": Kpi.known(books.first_pass_yield(product), "1", NOT_ALL_STEPS),
        "line_yield_last_quarter": Kpi.known(books.line_yield(product, *last_quarter), "1", NOT_ALL_STEPS),
    }


def _rack_usable(plant: Plant, product: str) -> Kpi:
    """What the weakest cells of matched strings leave usable; of buyers, those of who pays most."""
    buyers = plant.by_buyer.buyers.get(product)
    racks = plant.by_buyer.racks.get((product, buyers[0][0])) if buyers else plant.racks.get(product)
    return Kpi.known(racks.usable_fraction if racks else None, "1", NO_STRING)
