"""Energy by place, carrier and use, and how much of it went into what was scrapped.

Money says what energy cost; this says where it went. What lots used (in the process itself, or by the station while it
worked on them) goes with them and is shared out as their value is: to what is sold, to qualification, to scrap. What
nobody used (stations that stand by or warm up, the dry room and all else that is always on) belongs to no lot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cellfab.config.line_spec import StationEconomics
from cellfab.core.ledger import ENERGY_UNIT, Entry
from cellfab.core.lot import Lot
from cellfab.economics.period_cost import ELECTRICITY, HEAT
from cellfab.units import TICKS_PER_WEEK, to_ticks

CARRIERS = (ELECTRICITY, HEAT)
PROCESS, WORKING, STAND_BY, WARM_UP, ALWAYS_ON = USES = ("process", "working", "stand_by", "warm_up", "always_on")
"""What the step's own physics takes; the station's power while it works, and while it does not; heating up after it
was off; the plant's shared systems."""

Key = tuple[str, str, str]
"""place, carrier, use."""


class EnergyUse(NamedTuple):
    """Energy of one place, carrier and use over a run, kWh.

    `sold`, `unsold` and `scrap` are what lots took with them that were finished for sale, made for qualification and
    thrown away; the rest is still with lots in the line, or was never on one. Lots pay a station's power for as long as
    they are in it, breakdowns included, of which `kwh` holds only the hours of work: the three may be more than it.
    """

    place: str
    carrier: str
    use: str
    kwh: float
    sold_kwh: float
    unsold_kwh: float
    scrap_kwh: float


class EnergyBook:
    """Follows the energy in lots, beside the ledger: told of the same events, in the same order."""

    def __init__(self) -> None:
        self._used: dict[Key, float] = defaultdict(float)
        self._by_week: dict[tuple[int, Key], float] = defaultdict(float)
        self._lots: dict[int, dict[Key, float]] = {}
        self._gone: dict[str, dict[Key, float]] = {fate: defaultdict(float) for fate in ("sold", "unsold", "scrap")}

    def used(self, week: int, place: str, use: str, entries: Iterable[Entry], lot: Lot | None = None) -> None:
        """Note the energy among the entries of a posting, and that it goes with a lot if one is given."""
        for account, quantity, unit, _ in entries:
            if unit == ENERGY_UNIT and quantity:
                key = (place, account, use)
                self._used[key] += quantity
                self._by_week[week, key] += quantity
                if lot is not None:
                    own = self._lots.setdefault(lot.identity, {})
                    own[key] = own.get(key, 0.0) + quantity

    def scrapped(self, lot: Lot, rows: int, of: int) -> None:
        """`rows` of the `of` living rows of a lot were thrown away, with their share."""
        own = self._lots.get(lot.identity)
        if own and rows:
            self._share_out(own, rows / of, "scrap")
            if rows == of:
                del self._lots[lot.identity]

    def became(self, parents: Sequence[Lot], made: Lot) -> None:
        """Lots turned into another one, or merged into it."""
        pool: dict[Key, float] = defaultdict(float)
        for parent in parents:
            for key, kwh in self._lots.pop(parent.identity, {}).items():
                pool[key] += kwh
        for key, kwh in self._lots.get(made.identity, {}).items():
            pool[key] += kwh
        self._lots[made.identity] = dict(pool)

    def finished(self, lot: Lot) -> None:
        """A lot has left the line, for sale or not."""
        self._share_out(self._lots.pop(lot.identity, {}), 1.0, "sold" if lot.sellable else "unsold")

    def _share_out(self, own: dict[Key, float], share: float, fate: str) -> None:
        gone = self._gone[fate]
        for key, kwh in own.items():
            gone[key] += kwh * share
            own[key] = kwh - kwh * share

    def uses(self) -> Iterator[EnergyUse]:
        """Every place, carrier and use, in the order in which they first used energy."""
        for key, kwh in self._used.items():
            fates = [self._gone[fate].get(key, 0.0) for fate in ("sold", "unsold", "scrap")]
            yield EnergyUse(*key, kwh, *fates)

    def by_week(self) -> dict[tuple[int, Key], float]:
        """KWh by week, and place, carrier and use."""
        return dict(self._by_week)

    def total_kwh(self, carrier: str) -> float:
        """All energy of a carrier."""
        return sum(kwh for (_, account, _), kwh in self._used.items() if account == carrier)

    def scrap_kwh(self) -> float:
        """All energy in what was thrown away."""
        return sum(self._gone["scrap"].values())


class Rest:
    """When a station is off because it has stood still for longer than it stays warm.

    Parameters
    ----------
    economics : StationEconomics
        With `off_after_h`.

    Attributes
    ----------
    off : list of (int, int)
        Stretches of time in which it was off, in ticks. It is off at the start of a run, until it works first.
    """

    def __init__(self, economics: StationEconomics) -> None:
        assert economics.off_after_h is not None
        self._stays_on = to_ticks(3600.0 * economics.off_after_h)
        self._off_from = 0
        self.off: list[tuple[int, int]] = []

    def works(self, started: int, ended: int) -> bool:
        """The station has worked; tell whether it had to be warmed up for it."""
        cold = started >= self._off_from
        if cold:
            self.off.append((self._off_from, started))
        self._off_from = max(self._off_from, ended + self._stays_on)
        return cold

    def off_ticks(self, week: int, horizon: int) -> int:
        """Ticks of a week in which the station was off."""
        first, last = week * TICKS_PER_WEEK, min((week + 1) * TICKS_PER_WEEK, horizon)
        stretches = [*self.off, (self._off_from, max(self._off_from, horizon))]
        return sum(max(min(b, last) - max(a, first), 0) for a, b in stretches)
