"""Failure modes in a plant: steps that follow what is open, and scrap that tells the modes what they cost."""

from __future__ import annotations

from cellfab.core.lot import Lot
from cellfab.line_ramp import lessons_of
from cellfab.mode_effects import mode_effects
from cellfab.ramp.book import RampBook
from cellfab.ramp.mode_book import ModeBook
from cellfab.ramp.mode_draws import ModeDraws
from cellfab.scenario import Scenario, places
from cellfab.steps.base import Step


class PlantModes:
    """Between a plant and its book of failure modes, for one replicate.

    Parameters
    ----------
    scenario : Scenario
        With `ramp.failure_modes`.
    seed, replicate : int
        Name the random numbers.
    ramp : RampBook
        Knows what was learned before the run, and which station is idle; tells of restarts.

    Attributes
    ----------
    book : ModeBook
    steps : dict of (place key, product) to Step
        As they are now, of the places where anything ramps.
    """

    def __init__(self, scenario: Scenario, seed: int, replicate: int, ramp: RampBook) -> None:
        laws = scenario.spec.ramp
        assert laws is not None and laws.failure_modes is not None
        modes, owner, effects = mode_effects(scenario)
        self._scenario, self._ramp = scenario, ramp
        self._places: dict[str, list[str]] = {}
        station_of = {place.key: place.station for place in places(scenario.spec.line)}
        for key, station in station_of.items():
            self._places.setdefault(station, []).append(key)
        before = {key: ramp.maturity(station, 0) for key, station in station_of.items()}
        late = scenario.layout.begins()
        self.book = ModeBook(
            laws.failure_modes, modes, owner, effects, ModeDraws(seed, replicate), before,
            lessons=lessons_of(scenario, station_of),
            absent=[key for key, station in station_of.items() if station in late],
        )  # fmt: skip
        self.steps: dict[tuple[str, str], Step] = {}
        self._forgetting = {
            station: laws.of(station).learning.forgetting_share_per_month for station in self._places
        }  # fmt: skip
        ramp.restarted = self._restarted

    def begin_like(self, station: str, model: str, kept: float, now: int) -> None:
        """A station of a later line comes alive as a copy of one of an earlier line."""
        for place in self._places.get(station, ()):
            self.book.begin_like(place, model + place[len(station) :], kept, now)

    def before(self, station: str, now: int) -> None:
        """A lot comes to a station at tick `now`: what is due happens first."""
        idle = self._ramp.idle_ticks(station, now)
        if idle > 0.0:
            for place in self._places[station]:
                self.book.stood_still(place, idle, self._forgetting[station], now)
        if now >= self.book.due:
            for place in self.book.advance(now):
                self._follow(place)

    def begun(self, made: Lot, now: int) -> None:
        """A lot has come into being: cells may be made as an experiment, which is not sold."""
        if made.material == "cell" and self.book.is_experiment(made.identity, now):
            made.sellable = False

    def scrapped(self, place: str, lot: Lot, rows: int, alive: int, cells_per_row: float, now: int) -> None:
        """Of `alive` rows of a lot, `rows` are about to be scrapped at a place."""
        self.book.scrapped(place, lot.product, rows * cells_per_row, lot.value_usd * rows / alive, now)

    def _follow(self, place: str) -> None:
        for product in self._scenario.spec.products:
            step = self._scenario.steps[place, product]
            maturities = self.book.maturities(place, product)
            if maturities:
                self.steps[place, product] = step.matured(maturities)

    def _restarted(self, station: str, carried: float, now: int) -> None:
        self.book.converted(self._places.get(station, ()), carried, now)
