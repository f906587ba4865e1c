"""Energy by place, carrier and use, and how much of it went into what was scrapped.

Money says what energy cost; this says where it went. What lots used (in the process itself, or by the station while it
worked on them) goes with them and is shared out as their value is: to what is sold, to qualification, to scrap. What
nobody used (stations that stand by or warm up, the dry room and all else that is always on) belongs to no lot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.config.line_spec import StationEconomics
from cellfab.core.lot import Lot
from cellfab.economics.period_cost import ELECTRICITY, HEAT
from cellfab.kernels import AtFirstUse
from cellfab.units import TICKS_PER_WEEK, to_ticks

sharing = AtFirstUse("sharing")

CARRIERS = (ELECTRICITY, HEAT)
PROCESS, WORKING, STAND_BY, WARM_UP, ALWAYS_ON = USES = ("process", "working", "stand_by", "warm_up", "always_on")
"""What the step's own physics takes; the station's power while it works, and while it does not; heating up after it
was off; the plant's shared systems."""

Key = tuple[str, str, str]
"""place, carrier, use."""
Kwh = npt.NDArray[np.float64]
"""Energy by number of the key, shape (keys and room for more,)."""
_ROOM = 64


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
        self._number: dict[Key, int] = {}  # of each place, carrier and use: its place in every array
        self._used: list[float] = []
        self._by_week: dict[tuple[int, int], float] = {}
        self._lots: dict[int, Kwh] = {}
        self._gone = {fate: np.zeros(_ROOM) for fate in ("sold", "unsold", "scrap")}

    def used(self, week: int, key: Key, kwh: float, lot: Lot | None = None) -> None:
        """Note energy used, and that it goes with a lot if one is given."""
        if not kwh:
            return
        number = self._number.get(key)
        if number is None:
            number = self._open(key)
        self._used[number] += kwh
        dated = (week, number)
        self._by_week[dated] = self._by_week.get(dated, 0.0) + kwh
        if lot is not None:
            own = self._lots.get(lot.identity)
            if own is None:
                own = self._lots[lot.identity] = np.zeros(self._gone["scrap"].size)
            own[number] = own.item(number) + kwh

    def scrapped(self, lot: Lot, rows: int, of: int) -> None:
        """`rows` of the `of` living rows of a lot were thrown away, with their share."""
        own = self._lots.get(lot.identity)
        if own is not None and rows:
            sharing.share_out(own, self._gone["scrap"], rows / of)
            if rows == of:
                del self._lots[lot.identity]

    def became(self, parents: Sequence[Lot], made: Lot) -> None:
        """Lots turned into another one, or merged into it."""
        found = [self._lots.pop(lot.identity, None) for lot in (*parents, made)]
        pool = None
        for own in found:
            if own is not None:
                pool = own if pool is None else pool + own
        if pool is not None:
            self._lots[made.identity] = pool

    def finished(self, lot: Lot) -> None:
        """A lot has left the line, for sale or not."""
        own = self._lots.pop(lot.identity, None)
        if own is not None:
            self._gone["sold" if lot.sellable else "unsold"] += own

    def _open(self, key: Key) -> int:
        """Give a place, carrier and use its number; every array grows when it is too short."""
        number = self._number[key] = len(self._number)
        self._used.append(0.0)
        if number == self._gone["scrap"].size:
            for arrays in (self._gone, self._lots):
                for name, old in arrays.items():
                    arrays[name] = np.concatenate((old, np.zeros(_ROOM)))  # type: ignore[index]
        return number

    def uses(self) -> Iterator[EnergyUse]:
        """Every place, carrier and use, in the order in which they first used energy."""
        sold, unsold, scrap = (self._gone[fate].tolist() for fate in ("sold", "unsold", "scrap"))
        for (place, carrier, use), number in self._number.items():
            kwh = self._used[number]
            yield EnergyUse(place, carrier, use, kwh, sold[number], unsold[number], scrap[number])

    def by_week(self) -> dict[tuple[int, Key], float]:
        """KWh by week, and place, carrier and use."""
        keys = list(self._number)
        return {(week, keys[number]): kwh for (week, number), kwh in self._by_week.items()}

    def total_kwh(self, carrier: str) -> float:
        """All energy of a carrier."""
        return sum(self._used[number] for (_, account, _), number in self._number.items() if account == carrier)

    def scrap_kwh(self) -> float:
        """All energy in what was thrown away."""
        return sum(self._gone["scrap"].tolist())


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
