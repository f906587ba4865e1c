"""The book of failure modes: what is open, what it has cost, who works on it, and when it is gone."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.config.failure_modes_spec import FailureModes, Setback
from cellfab.ramp.laws import HOURS_PER_MONTH
from cellfab.ramp.lessons import Lessons
from cellfab.ramp.mode_draws import ModeDraws
from cellfab.ramp.modes import FailureMode
from cellfab.units import TICKS_PER_H, TICKS_PER_WEEK

NEVER = 1 << 62
PRIORITY_WEEKS = 4
"""The queue for engineers goes by what each mode has cost in about so many weeks."""
_TICKS_PER_MONTH = HOURS_PER_MONTH * TICKS_PER_H
_FIX, _SETBACK, _LESSON = 0, 1, 2
Column = npt.NDArray[np.float64]


class State(StrEnum):
    """Where a mode stands."""

    OPEN = "open"
    WAITING = "waiting for a team"
    FIXING = "being fixed"
    FIXED = "fixed"


@dataclass(slots=True)
class Episode:
    """One life of a mode, from the tick it is there to the tick it is fixed; None for what has not come yet.

    `opened` is None for a mode that was fixed before the run; `since` says what brought it ("start", a setback's name,
    "standstill" or "conversion").
    """

    mode: int
    since: str
    opened: int | None
    seen: int | None = None
    detected: int | None = None
    begun: int | None = None
    fixed: int | None = None
    cells: float = 0.0
    usd: float = 0.0

    @property
    def state(self) -> State:
        """At the end of the run."""
        if self.opened is None or self.fixed is not None:
            return State.FIXED
        if self.begun is not None:
            return State.FIXING
        return State.OPEN if self.detected is None else State.WAITING


class Effects(NamedTuple):
    """What pilots showed, per place and product.

    Attributes
    ----------
    mature : mapping of (place, product) to float
        Share of the rows that a mature line loses at the place.
    extra : mapping of (place, product) to ndarray, shape (modes,)
        Share of the rows lost besides while a mode is open. A place where no mode shows may be missing.
    """

    mature: Mapping[tuple[str, str], float]
    extra: Mapping[tuple[str, str], Column]


class ModeBook:
    """State of every failure mode in one replicate.

    Scrap is shared among the open modes that show at a place, and what a mature line loses there anyway, in proportion
    to what pilots showed. The cells that a mode is given count as cost, and drive its detection.

    Parameters
    ----------
    spec : FailureModes
    modes : sequence of FailureMode
    owner : mapping of place to place
        Whose modes a place has (`cellfab.ramp.modes.owners`).
    effects : Effects
    draws : ModeDraws
    maturity_at_start : mapping of place to float
        Probability that a mode of the place is fixed before the run; places left out: 0.
    start : int
        Tick at which the book opens.
    lessons : Lessons, optional
        What passes between like places of several lines: a mode fixed at one is fixed at the others after a delay, each
        with a probability.
    absent : collection of str
        Places that are not there yet; see `begin_like`.

    Attributes
    ----------
    due : int
        Tick from which on `advance` has something to do.
    episodes : list of Episode
    """

    def __init__(
        self, spec: FailureModes, modes: tuple[FailureMode, ...], owner: Mapping[str, str], effects: Effects,
        draws: ModeDraws, maturity_at_start: Mapping[str, float] | None = None, start: int = 0,
        lessons: Lessons | None = None, absent: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.spec = spec
        self.modes = modes
        self.due = start
        self.episodes: list[Episode] = []
        self.engineering_ticks = 0
        self._owner, self._effects, self._draws = owner, effects, draws
        self._at: dict[str, list[int]] = {}
        for index, mode in enumerate(modes):
            self._at.setdefault(mode.place, []).append(index)
        self._lessons, self._absent = lessons, set(absent)
        n = len(modes)
        self._level = np.ones(n)
        self._state = [State.OPEN] * n
        self._now: list[Episode] = []
        self._lives = [0] * n
        self._hazard, self._threshold = np.zeros(n), np.full(n, math.inf)
        self._per_cell = np.zeros(n)
        self._cells, self._usd, self._seen = np.zeros(n), np.zeros(n), np.full(n, -1)
        self._recent, self._window = np.zeros((2, n)), start // (PRIORITY_WEEKS * TICKS_PER_WEEK)
        self._shares: dict[tuple[str, str], Column] = {}
        self._changed = set(self._at)
        self._events: list[tuple[int, int, int]] = []
        self._queue: list[int] = []
        self._idle_teams = spec.fixing.teams
        self._experiments_since = start
        self._setbacks = list(spec.setbacks.items())
        self._setback_number = [0] * len(self._setbacks)
        before = {} if maturity_at_start is None else maturity_at_start
        for index, mode in enumerate(modes):
            if draws.uniform(mode.key, "fixed_before", 0) < before.get(mode.place, 0.0):
                self._state[index], self._level[index] = State.FIXED, mode.residual_share
                self._now.append(Episode(index, "start", None))
            else:
                self._now.append(Episode(index, "start", start))
                self._arm(index)
        self.episodes += self._now
        for number, (_, setback) in enumerate(self._setbacks):
            self._expect(number, setback, start)

    # ---- what is asked ----------------------------------------------------------------------------------------

    def maturities(self, place: str, product: str) -> dict[str, float]:
        """Maturity of each capability of a place for a product, 0-1: what its open modes do not hold back."""
        held: dict[str, float] = {}
        for index in self._at.get(self._owner.get(place, place), ()):
            level = float(self._level[index])
            for capability, share in self.modes[index].holds.get(product, {}).items():
                held[capability] = held.get(capability, 0.0) + share * level
        return {capability: min(1.0, max(0.0, 1.0 - amount)) for capability, amount in held.items()}

    def advance(self, now: int) -> list[str]:
        """Let everything happen that is due by tick `now`; returns the places whose capabilities have changed."""
        while self._events and self._events[0][0] <= now:
            tick, kind, which = heapq.heappop(self._events)
            if kind == _FIX:
                self._fix(which, tick)
            elif kind == _LESSON:
                self._learn(which, tick)
            else:
                self._strike(which, tick)
        changed = [place for place, owner in self._owner.items() if owner in self._changed]
        self._changed.clear()
        self.due = self._events[0][0] if self._events else NEVER
        return changed

    def experiment_share(self, now: int) -> float:
        """Share of the lots of cells that are begun as experiments."""
        laws = self.spec.experiments
        if laws is None:
            return 0.0
        months = max(0, now - self._experiments_since) / _TICKS_PER_MONTH
        fading = math.exp(-months / laws.time_constant_months)
        return laws.end_share + (laws.start_share - laws.end_share) * fading

    def is_experiment(self, lot: int, now: int) -> bool:
        """Whether a lot of cells that is begun at tick `now` is an experiment; `lot` is its identity."""
        share = self.experiment_share(now)
        return share > 0.0 and self._draws.uniform("experiments", "lot", lot) < share

    # ---- what is told -----------------------------------------------------------------------------------------

    def scrapped(self, place: str, product: str, cells: float, usd: float, now: int) -> None:
        """A lot has lost what is worth `cells` cells and `usd` at a place; each mode gets its share of it."""
        share = self._shares.get((place, product))
        if share is None:
            share = self._shares[place, product] = self._share_out(place, product)
        if not share.size:
            return
        window = now // (PRIORITY_WEEKS * TICKS_PER_WEEK)
        if window != self._window:
            self._recent[1] = self._recent[0] if window == self._window + 1 else 0.0
            self._recent[0] = 0.0
            self._window = window
        self._recent[0] += share * usd
        laws = self.spec.experiments
        taught = 1.0 if laws is None else 1.0 + (laws.detection_factor - 1.0) * self.experiment_share(now)
        self._hazard += share * self._per_cell * (cells * taught)
        self._cells += share * cells
        self._usd += share * usd
        self._seen[(share > 0.0) & (self._seen < 0)] = now
        found = np.flatnonzero(self._hazard >= self._threshold)
        if found.size:
            for index in found.tolist():
                self._detect(index, now)
            self._assign(now)

    def stood_still(self, place: str, idle_ticks: float, share_per_month: float, now: int) -> None:
        """A place has been idle: each of its fixed modes may have come back, with a constant hazard."""
        back = -math.expm1(-share_per_month * idle_ticks / _TICKS_PER_MONTH)
        self._maybe_reopen(self._at.get(self._owner.get(place, place), ()), "standstill", back, now)

    def begin_like(self, place: str, model: str, kept: float, now: int) -> None:
        """A place that was not there comes alive as a copy of another: what is fixed there by now is fixed here, too,
        mode by mode with probability `kept`."""
        self._absent.discard(place)
        if self._owner.get(place, place) != place:
            return
        fixed = {self.modes[i].name for i in self._at.get(model, ()) if self._state[i] is State.FIXED}
        for index in self._at.get(place, ()):
            key, episode = self.modes[index].key, self._now[index]
            if self._state[index] is not State.OPEN:
                continue
            if self.modes[index].name in fixed and self._draws.uniform(key, "copied", 0) < kept:
                self._state[index], episode.opened = State.FIXED, None
                self._threshold[index] = math.inf
                self._set_level(index, self.modes[index].residual_share)
            else:
                episode.opened = now
                if self._lessons is not None and self.modes[index].name in fixed:
                    self._send(self._lessons, index, now)

    def converted(self, places: Iterable[str], carried: float, now: int) -> None:
        """Places restart with a share of what was learned: fixed modes stay so with probability `carried`."""
        for owner in dict.fromkeys(self._owner.get(place, place) for place in places):
            self._maybe_reopen(self._at.get(owner, ()), "conversion", 1.0 - carried, now)
        self._experiments_since = now

    def close(self, now: int) -> None:
        """The run ends at tick `now`: what would have come later is forgotten."""
        self.advance(now)
        for index, episode in enumerate(self._now):
            if episode.opened is not None:
                self._note(index)
            if episode.begun is not None and episode.fixed is None:
                self.engineering_ticks += max(0, now - episode.begun)

    def timeline(self) -> Iterator[tuple[FailureMode, Episode]]:
        """All lives of all modes: by mode, then in time."""
        for episode in sorted(self.episodes, key=lambda one: (one.mode, -1 if one.opened is None else one.opened)):
            yield self.modes[episode.mode], episode

    # ---- inside -----------------------------------------------------------------------------------------------

    def _share_out(self, place: str, product: str) -> Column:
        """Share of the scrap of a place that each mode not yet fixed is given, shape (modes,); empty: none is."""
        owner = self._owner.get(place, place)
        extra = self._effects.extra.get((owner, product))
        if extra is None:
            return np.zeros(0)
        weight = extra * self._level
        whole = self._effects.mature.get((owner, product), 0.0) + float(weight.sum())
        active = np.array([state is not State.FIXED for state in self._state])
        given = np.where(active, weight, 0.0)
        return given / whole if given.any() else np.zeros(0)

    def _arm(self, index: int) -> None:
        """Draw how much evidence the mode's detection takes this time."""
        mode, detection, life = self.modes[index], self.spec.detection, self._lives[index]
        self._hazard[index] = 0.0
        self._threshold[index] = self._draws.erlang(mode.key, "detection", life, detection.evidence_cells)
        self._per_cell[index] = mode.recognised_share * (detection.known_factor if life else 1.0)

    def _detect(self, index: int, now: int) -> None:
        self._state[index] = State.WAITING
        self._threshold[index] = math.inf
        self._now[index].detected = now
        self._queue.append(index)

    def _assign(self, now: int) -> None:
        """Give idle teams the dearest modes that wait."""
        fixing = self.spec.fixing
        cost = self._recent.sum(axis=0)
        while self._idle_teams and self._queue:
            index = max(self._queue, key=lambda which: (cost[which], -which))
            self._queue.remove(index)
            self._idle_teams -= 1
            mode, episode = self.modes[index], self._now[index]
            mean = fixing.mean_weeks * mode.difficulty_factor * (fixing.repeat_share if self._lives[index] else 1.0)
            weeks = self._draws.lognormal(mode.key, "fixing", self._lives[index], mean, fixing.cv)
            self._state[index], episode.begun = State.FIXING, now
            heapq.heappush(self._events, (now + round(weeks * TICKS_PER_WEEK), _FIX, index))
        self.due = min(self.due, self._events[0][0] if self._events else NEVER)

    def _fix(self, index: int, now: int) -> None:
        episode = self._now[index]
        self._note(index)
        episode.fixed = now
        assert episode.begun is not None
        self.engineering_ticks += now - episode.begun
        self._state[index] = State.FIXED
        self._set_level(index, self.modes[index].residual_share)
        self._idle_teams += 1
        self._assign(now)
        if self._lessons is not None:
            self._teach(self._lessons, index, now)

    def _teach(self, lessons: Lessons, index: int, now: int) -> None:
        """A mode is fixed: the remedy goes to the same mode of other lines."""
        mode = self.modes[index]
        for place in lessons.peers.get(mode.place, ()):
            for peer in () if place in self._absent else self._at.get(place, ()):
                if self.modes[peer].name == mode.name and self._state[peer] is not State.FIXED:
                    self._send(lessons, peer, now)

    def _send(self, lessons: Lessons, index: int, now: int) -> None:
        """A remedy of another line is on its way, if it gets through."""
        if self._draws.uniform(self.modes[index].key, "lesson", self._lives[index]) < lessons.share:
            heapq.heappush(self._events, (now + lessons.delay, _LESSON, index))
            self.due = min(self.due, now + lessons.delay)

    def _learn(self, index: int, now: int) -> None:
        """Another line's remedy is put to use; a team that is at work on the mode is free again."""
        if self._state[index] is State.FIXING:
            self._events = [event for event in self._events if event[1:] != (_FIX, index)]
            heapq.heapify(self._events)
            self._fix(index, now)
        elif self._state[index] is not State.FIXED:
            if self._state[index] is State.WAITING:
                self._queue.remove(index)
            self._note(index)
            self._now[index].fixed = now
            self._state[index] = State.FIXED
            self._threshold[index] = math.inf
            self._set_level(index, self.modes[index].residual_share)

    def _note(self, index: int) -> None:
        """Write into the life of a mode what it has cost since it began."""
        episode, seen = self._now[index], int(self._seen[index])
        episode.cells, episode.usd = float(self._cells[index]), float(self._usd[index])
        episode.seen = seen if seen >= 0 else None

    def _expect(self, number: int, setback: Setback, now: int) -> None:
        """Put the next occurrence of a setback on the calendar."""
        name, count = self._setbacks[number][0], self._setback_number[number]
        if setback.every_weeks is not None:
            weeks = setback.every_weeks * self._draws.exponential(name, "setback", count)
        elif count == 0 and setback.after_weeks is not None:
            weeks = setback.after_weeks
        else:
            return
        heapq.heappush(self._events, (now + round(weeks * TICKS_PER_WEEK), _SETBACK, number))

    def _strike(self, number: int, now: int) -> None:
        name, setback = self._setbacks[number]
        places = self._at if setback.places is None else [self._owner.get(place, place) for place in setback.places]
        for owner in dict.fromkeys(places):
            self._maybe_reopen(self._at.get(owner, ()), name, setback.reopens_share, now)
        self._setback_number[number] += 1
        self._expect(number, setback, now)

    def _maybe_reopen(self, modes: Iterable[int], since: str, probability: float, now: int) -> None:
        for index in modes:
            if self._state[index] is State.FIXED:
                life, key = self._lives[index], self.modes[index].key
                if self._draws.uniform(key, f"comes_back/{since}", life, now // TICKS_PER_WEEK) < probability:
                    self._lives[index] = life + 1
                    self._state[index] = State.OPEN
                    self._cells[index] = self._usd[index] = 0.0
                    self._seen[index] = -1
                    self._now[index] = episode = Episode(index, since, now)
                    self.episodes.append(episode)
                    self._set_level(index, 1.0)
                    self._arm(index)

    def _set_level(self, index: int, level: float) -> None:
        self._level[index] = level
        self._shares.clear()
        self._changed.add(self.modes[index].place)
        self.due = 0  # `advance` has to tell of the change
