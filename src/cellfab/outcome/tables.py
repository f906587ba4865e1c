"""Every table of a result, put together from the rows of its replicates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cellfab.line.kpi import BOTTLENECKS, bottleneck_rows
from cellfab.line.result import FlowResult
from cellfab.outcome.books import (
    COSTS,
    HOLDINGS,
    INCOMES,
    MATERIALS,
    RELEASES,
    SCRAP,
    STEPS,
    WEEKLY,
    Books,
)
from cellfab.outcome.by_buyer import BUYERS, buyer_rows
from cellfab.outcome.by_line import LINES, STATIONS, line_rows, station_rows
from cellfab.outcome.consumption import ENERGY, PRICES, energy_rows, price_rows
from cellfab.outcome.converted import CAPACITY, TASKS, conversion_tasks, planned_capacity
from cellfab.outcome.escapes import ESCAPES, escape_rows
from cellfab.outcome.flow import BUFFERS, OUTPUT, STATES, buffer_rows, output_rows, state_rows
from cellfab.outcome.lessons import MODES, mode_rows
from cellfab.outcome.valuation import CASH, cash_rows
from cellfab.plant import Plant
from cellfab.replicate import Replicate
from cellfab.scenario import Scenario
from cellfab.units import TICKS_PER_WEEK

if TYPE_CHECKING:
    import pandas as pd

Rows = Iterator[dict[str, Any]]


def tables(scenario: Scenario, replicates: Sequence[Replicate], books: Sequence[Books]) -> dict[str, Any]:
    """Frames of `RunResult` by the name of their field; None where the scenario has none of that kind.

    Parameters
    ----------
    scenario : Scenario
    replicates : sequence of Replicate
    books : sequence of Books
        Of each replicate; empty of a bare line.
    """

    def of_books(rows: Callable[[Books], Rows], columns: Sequence[str]) -> pd.DataFrame:
        return table(((index, row) for index, book in enumerate(books) for row in rows(book)), columns)

    def of_plants(rows: Callable[[Plant], Rows], columns: Sequence[str]) -> pd.DataFrame:
        return of_books(lambda book: rows(book.plant), columns)

    def of_flows(rows: Callable[[FlowResult], Rows], columns: Sequence[str]) -> pd.DataFrame:
        return table(((index, row) for index, done in enumerate(replicates) for row in rows(done.flow)), columns)

    watched = all(done.flow.bottlenecks is not None for done in replicates)
    return {
        "weekly": of_books(Books.weekly, WEEKLY),
        "scrap": of_books(Books.scrap, SCRAP),
        "steps": of_books(Books.steps, STEPS),
        "costs": of_books(Books.costs, COSTS),
        "materials": of_books(Books.material_fates, MATERIALS),
        "incomes": of_books(Books.incomes, INCOMES),
        "holdings": of_books(Books.holdings, HOLDINGS),
        "releases": of_books(Books.releases, RELEASES),
        "cash": of_books(cash_rows, CASH),
        "escapes": of_plants(escape_rows, ESCAPES),
        "energy": of_plants(energy_rows, ENERGY),
        "prices": table(((0, row) for book in books[:1] for row in price_rows(book.plant)), PRICES),
        "modes": of_plants(mode_rows, MODES) if books and books[0].plant.modes is not None else None,
        "buyers": of_books(buyer_rows, BUYERS) if books and books[0].plant.by_buyer.buyers else None,
        "lines": of_books(line_rows, LINES) if books and scenario.layout.lines else None,
        "stations": table(((0, row) for row in station_rows(scenario)), STATIONS) if scenario.layout.lines else None,
        "states": of_flows(state_rows, STATES),
        "buffers": of_flows(buffer_rows, BUFFERS),
        "output": None if books else of_flows(output_rows, OUTPUT),
        "bottlenecks": of_flows(bottleneck_rows, BOTTLENECKS) if watched else None,
        "tasks": _tasks(scenario, replicates),
        "capacity": _capacity(scenario, replicates),
    }


def table(rows: Iterable[tuple[int, Mapping[str, Any]]], columns: Sequence[str]) -> pd.DataFrame:
    """A frame of (replicate, row) pairs with the given columns, `replicate` first."""
    import pandas as pd  # a third of a second, which the workers of a study do not need

    return pd.DataFrame([{"replicate": replicate, **row} for replicate, row in rows], columns=["replicate", *columns])


def _tasks(scenario: Scenario, replicates: Sequence[Replicate]) -> pd.DataFrame | None:
    """None without a conversion."""
    done = [(index, one.conversion) for index, one in enumerate(replicates) if one.conversion is not None]
    if not done:
        return None
    return table(((index, row) for index, one in done for row in conversion_tasks(scenario, one)), TASKS)


def _capacity(scenario: Scenario, replicates: Sequence[Replicate]) -> pd.DataFrame | None:
    """None without a conversion."""
    if not replicates or replicates[0].conversion is None:
        return None
    weeks = -(-replicates[0].flow.horizon // TICKS_PER_WEEK)
    return table(((0, row) for row in planned_capacity(scenario, weeks)), CAPACITY)
