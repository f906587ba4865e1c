"""The course of one line of a fleet: its dates, and what it could make and would cost in each week, as it learns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cellfab.config.conversion_spec import Conversion
from cellfab.config.ramp_spec import Ramp
from cellfab.economics.layoff import absent_shares
from cellfab.fleet.response import MATURITIES, Response
from cellfab.ramp.book import RampBook
from cellfab.ramp.conversion import Project
from cellfab.ramp.project import RELEASE, on_line
from cellfab.ramp.slips import delays_of_case
from cellfab.scenario import Scenario
from cellfab.units import TICKS_PER_WEEK

_LOAD = 0.8
"""Share of the time that a station worked on the old product (assumption, as in the plan's capacity)."""


class Dates(NamedTuple):
    """Ticks from week 0 of the line's scenario.

    Attributes
    ----------
    stop : int
        From here on the line belongs to the new product, and its cost is counted.
    drained : int
        It is empty; people may be laid off.
    restart : int
        First lot of the new product.
    release : int
        What is begun from here on may be sold.
    """

    stop: int
    drained: int
    restart: int
    release: int

    def later(self, ticks: int) -> Dates:
        """The same dates so much later."""
        return Dates(*(tick + ticks for tick in self))


def line_dates(scenario: Scenario, seed: int, case: int) -> list[Dates]:
    """Dates of each line that a scenario's conversion is about, with the slips of a case; of a new line all 0.

    Case r of a seed is what replicate r of `cellfab run` with that seed lives through, and of `cellfab plan`.
    """
    conversion = scenario.spec.conversion
    if conversion is None:
        return [Dates(0, 0, 0, 0)]
    stations, layout = scenario.spec.line.stations, scenario.layout
    project = Project(conversion, stations, layout=layout)
    if conversion.slips_happen:
        late = delays_of_case(project.tasks, seed, case)
        project = Project(conversion, stations, late, layout)
    found = []
    for line in project.lines:
        plan = project.plan(line=line)
        release = plan.timeline.dates[on_line(line, RELEASE)].finish
        found.append(Dates(plan.stop, plan.drained, plan.restart, release))
    return found


class Potential(NamedTuple):
    """What a line could do in a week, if all of it is sold.

    Attributes
    ----------
    kwh : float
        Good energy that leaves the line in the week.
    sellable_kwh : float
        The part after the release.
    lots : float
        That it takes, those before the release included.
    maturity : float
        Of the line, 0-1.
    """

    kwh: float
    sellable_kwh: float
    lots: float
    maturity: float


IDLE = Potential(0.0, 0.0, 0.0, 0.0)


class LineCourse:
    """One line through one replicate, week by week in order: ask `potential`, then tell `work`.

    What leaves the line in a week was begun `lead_weeks` before, so the whole life of the line after its restart is
    told that much later, which is exact as long as the line does not change its pace by what the market says.

    Parameters
    ----------
    response : Response
    ramp, conversion : Ramp, Conversion or None
        Of the scenario.
    dates : Dates
        In ticks of the scenario's own calendar.
    begins : int
        Tick of the fleet's calendar at which the scenario's week 0 lies; may be negative.
    scale : float
        Size of the line over that of the response.
    """

    def __init__(
        self, response: Response, ramp: Ramp | None, conversion: Conversion | None, dates: Dates, begins: int = 0,
        scale: float = 1.0,
    ) -> None:  # fmt: skip
        self.response = response
        self.dates = dates.later(begins)
        self.scale = scale
        self._begins = begins
        lead = round(response.work_weeks * TICKS_PER_WEEK)
        self._first = self.dates.restart + lead
        self._release = self.dates.release + lead
        self._utilised = np.zeros(len(response.stations))
        self._book = None
        if ramp is not None:
            self._book = _opened(response.stations, ramp, conversion, self.dates, begins, self._first)
        people = None if conversion is None else conversion.people
        self._absent = {} if people is None else absent_shares(people, dates.drained, dates.restart)

    @property
    def first_sale(self) -> int:
        """Tick from which on cells are sold."""
        return self._release

    @property
    def first_cell(self) -> int:
        """Tick from which on cells leave the line."""
        return self._first

    def potential(self, week: int) -> Potential:
        """What the line could do in a week of the fleet's calendar."""
        begin, end = week * TICKS_PER_WEEK, (week + 1) * TICKS_PER_WEEK
        running = end - max(begin, self._first)
        if running <= 0:
            return IDLE
        response = self.response
        maturities, limits = self._limits(max(begin, self._first))
        lots = response.effectiveness * limits.min()
        self._utilised = lots / limits
        maturity = float((response.weights * maturities).sum())
        lots *= self.scale * running / TICKS_PER_WEEK
        kwh = lots * response.at(response.kwh_per_lot, maturity)
        sold = max(end - max(begin, self._release), 0) / running
        return Potential(kwh, kwh * sold, lots, maturity)

    def work(self, week: int, share: float) -> None:
        """The line has made a share, 0-1, of its potential in the week just asked about."""
        if self._book is None or share <= 0.0:
            return
        begin, end = max(week * TICKS_PER_WEEK, self._first), (week + 1) * TICKS_PER_WEEK
        for station, utilised in zip(self.response.stations, self._utilised.tolist(), strict=True):
            self._book.advance(station, end, share * utilised * (end - begin), begin)

    def fixed_usd(self, week: int, added_musd: float) -> tuple[float, float]:
        """What the week costs whether anything is made or not, and the part that is a charge for capital.

        Parameters
        ----------
        added_musd : float
            Spent on the conversion of this line, million dollars; charged from the restart on.
        """
        begin, end = week * TICKS_PER_WEEK, (week + 1) * TICKS_PER_WEEK
        there = max(end - max(begin, self.dates.stop), 0) / TICKS_PER_WEEK
        converted = max(end - max(begin, self.dates.restart), 0) / TICKS_PER_WEEK
        weekly = self.response.weekly
        absent = self._absent.get((begin - self._begins) // TICKS_PER_WEEK, 0.0)
        usd = self.scale * (weekly.whole * there - weekly.operators * absent)
        capital = self.scale * weekly.capital * there
        usd += weekly.per_added_musd * added_musd * converted
        return usd, capital + weekly.capital_per_added_musd * added_musd * converted

    def _limits(self, now: int) -> tuple[np.ndarray, np.ndarray]:
        """Maturity and lots a week of each station, at its released rate and its failures of the day."""
        response, book = self.response, self._book
        if book is None:
            return np.ones(len(response.stations)), response.lots_per_week[:, -1].copy()
        maturities = np.empty(len(response.stations))
        limits = np.empty_like(maturities)
        for index, station in enumerate(response.stations):
            maturities[index] = maturity = book.maturity(station, now)
            pace = book.pace(station, now)
            limits[index] = (
                np.interp(maturity, MATURITIES, response.lots_per_week[index])
                * response.times[index].slower(pace.rate)
                * response.availability(index, pace.time_to_repair / pace.time_to_failure)
            )
        return maturities, limits


def _opened(
    stations: tuple[str, ...], ramp: Ramp, conversion: Conversion | None, dates: Dates, begins: int, first: int
) -> RampBook:
    """Where every station stands when the first cells leave the line."""
    book = RampBook(ramp, dict.fromkeys(stations, 1.0), start=first if conversion is None else begins)
    if conversion is None:
        return book
    kept = 1.0 if conversion.people is None else 1.0 - conversion.people.lost_share
    for name in stations:
        if conversion.product_from is not None and dates.stop > begins:
            book.advance(name, dates.stop, _LOAD * (dates.stop - begins), begins)
        laws = None if conversion.ramp is None else conversion.ramp.of(name)
        book.convert(name, first, kept * conversion.task(name).carried_share, laws)
    return book
