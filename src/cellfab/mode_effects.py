"""What each failure mode does to the yield of every place: pilots with it and without it, before a run begins."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from functools import lru_cache
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from cellfab.config.copying import Layout
from cellfab.core.lot import Lot
from cellfab.pilot import QualityChain, Stop, Visit
from cellfab.ramp.mode_book import Effects
from cellfab.ramp.modes import FailureMode, failure_modes, owners
from cellfab.scenario import Scenario, places
from cellfab.steps.base import Step

PILOTS = (23, 57, 94, 138, 189, 247, 301, 366)
"""Lots that are looked at, some 100 000 segments or cells: spread, since knives and glasses wear from lot to lot."""
CHARGE_LOTS = 200
"""A lot has only a dozen charges of powder, so that many more of these are looked at."""
PILOT_SEED = 0
"""The effects belong to the scenario, so that they are the same in every replicate and for every seed."""
CERTAIN = 3.0
"""Standard errors of counting by which a place must lose more with a mode for the mode to show there."""

Counts = Mapping[str, tuple[int, int]]
"""Rows in and rows lost, by place."""


def ramping(scenario: Scenario) -> dict[str, dict[str, tuple[str, ...]]]:
    """Capabilities that ramp, by place and product."""
    return {
        place.key: {product: scenario.steps[place.key, product].ramping for product in scenario.spec.products}
        for place in places(scenario.spec.line)
    }


class _Question:
    """A scenario, equal to every other of which the pilots say the same: line, products, and what modes hold back."""

    def __init__(self, scenario: Scenario, modes: tuple[FailureMode, ...], owner: Mapping[str, str]) -> None:
        spec = scenario.spec
        self.scenario, self.modes, self.owner = scenario, modes, owner
        held = [(mode.key, mode.named, mode.holds) for mode in modes]
        parts = (spec.line.model_dump_json(), {name: one.model_dump_json() for name, one in spec.products.items()})
        self._key = sha256(repr((parts, held, sorted(owner.items()))).encode()).digest()

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Question) and other._key == self._key


def mode_effects(scenario: Scenario) -> tuple[tuple[FailureMode, ...], dict[str, str], Effects]:
    """Modes of a scenario, whose modes each place has, and what the modes do.

    The effect of a mode is the mean of two: what it adds to a line without any other mode, and what its removal takes
    from a line with all of them. The modes generated at a place are looked at together and share what is found.

    Parameters
    ----------
    scenario : Scenario
        A plant whose ramp has `failure_modes`.
    """
    if scenario.alone:
        return _of_lines(scenario.layout, *mode_effects(scenario.one_line))
    assert scenario.spec.ramp is not None and scenario.spec.ramp.failure_modes is not None
    spec = scenario.spec.ramp.failure_modes
    where = ramping(scenario)
    modes, owner = failure_modes(spec, where), owners(spec, list(where))
    return modes, owner, _answer(_Question(scenario, modes, owner))


def _of_lines(
    layout: Layout, modes: tuple[FailureMode, ...], owner: Mapping[str, str], effects: Effects
) -> tuple[tuple[FailureMode, ...], dict[str, str], Effects]:
    """The same for several lines: each has the modes of its own places, and what is shared has its modes once.

    A mode of one line that shows at a place that all share shows in that line's part of the rows: in equal parts.
    """
    number: dict[tuple[str, int], int] = {}
    copies: list[FailureMode] = []
    for index, mode in enumerate(modes):
        for place in dict.fromkeys(layout.name_on(line, mode.place) for line in layout.lines):
            number[place, index] = len(copies)
            copies.append(mode._replace(place=place))
    owners_by_line = {
        layout.name_on(line, place): layout.name_on(line, other)
        for line in layout.lines
        for place, other in owner.items()
    }
    mature = {
        (layout.name_on(line, place), product): share
        for line in layout.lines
        for (place, product), share in effects.mature.items()
    }
    extra: dict[tuple[str, str], npt.NDArray[np.float64]] = {}
    for (place, product), found in effects.extra.items():
        for line in layout.lines:
            name = layout.name_on(line, place)
            column = extra.setdefault((name, product), np.zeros(len(copies)))
            for index, mode in enumerate(modes):
                own = layout.name_on(line, mode.place)
                part = len(layout.lines) if name == place and own != mode.place else 1
                column[number[own, index]] = found[index] / part
    return tuple(copies), owners_by_line, Effects(mature, extra)


@lru_cache(maxsize=4)
def _answer(question: _Question) -> Effects:
    """What the modes of a scenario do."""
    scenario, modes, owner = question.scenario, question.modes, question.owner
    mature: dict[tuple[str, str], float] = {}
    extra: dict[tuple[str, str], npt.NDArray[np.float64]] = {}
    for product in scenario.spec.products:
        groups, without_one, with_one = [], [], []
        for group in _groups(modes):
            holds = _together(modes[index].holds.get(product, {}) for index in group)
            if holds:
                copies = [place for place in owner if owner[place] == modes[group[0]].place]
                groups.append(group)
                with_one.append(_with(scenario, copies, product, holds, 1.0))
                without_one.append(_with(scenario, copies, product, holds, 0.0))
        none, alone = _pilots(scenario, product, 1.0, with_one)
        every, without = _pilots(scenario, product, 0.0, without_one)
        for place, count in none.items():
            mature[place, product] = _rate(count)
        for group, more, less in zip(groups, alone, without, strict=True):
            parts = [sum(modes[index].holds[product].values()) for index in group]
            for place in owner:
                effect = 0.5 * (_difference(more, none, place) + _difference(every, less, place))
                if effect > 0.0:
                    column = extra.setdefault((place, product), np.zeros(len(modes)))
                    column[group] = [effect * part / sum(parts) for part in parts]
    return Effects(mature, extra)


def _groups(modes: Sequence[FailureMode]) -> list[list[int]]:
    """Named modes one by one, the generated ones of a place together."""
    groups: dict[str, list[int]] = {}
    for index, mode in enumerate(modes):
        groups.setdefault(mode.key if mode.named else mode.place, []).append(index)
    return list(groups.values())


def _together(holds: Iterable[Mapping[str, float]]) -> dict[str, float]:
    whole: dict[str, float] = {}
    for one in holds:
        for capability, share in one.items():
            whole[capability] = min(1.0, whole.get(capability, 0.0) + share)
    return whole


def _with(
    scenario: Scenario, copies: Sequence[str], product: str, holds: Mapping[str, float], open_level: float
) -> dict[tuple[str, str], Step]:
    """Steps of a place and its copies with some modes open in a mature line, or gone in one without experience."""
    found: dict[tuple[str, str], Step] = {}
    for place in copies:
        step = scenario.steps[place, product]
        at = {name: 1.0 - share if open_level else share for name, share in holds.items()}
        rest = dict.fromkeys(step.ramping, 1.0 if open_level else 0.0)
        found[place, product] = step.matured({**rest, **at})
    return found


def _pilots(
    scenario: Scenario, product: str, maturity: float, changes: Sequence[Mapping[tuple[str, str], Step]]
) -> tuple[Counts, list[Counts]]:
    """Rows in and lost at every place, over the pilots, and over `CHARGE_LOTS` up to the last mixer.

    Returns
    -------
    as_it_is : Counts
    changed : list of Counts
        With each of the changes. Lots go again only through the stations that it touches, and those behind them.
    """
    chain, base = QualityChain(scenario, product, seed=PILOT_SEED, maturity=maturity), _Tally()
    tasks: list[tuple[QualityChain, set[str], set[str], set[str], _Tally]] = []
    for changed in changes:
        touched = {key.partition(".")[0] for key, _ in changed}
        steps = {**scenario.steps, **changed}
        again = QualityChain(scenario, product, seed=PILOT_SEED, maturity=maturity, steps=steps)
        tasks.append((again, touched, *_behind(chain.stops, touched), _Tally()))
    for ordinal in PILOTS:
        made: dict[str, Lot] = {}

        def keep(station: str, lot: Lot, made: dict[str, Lot] = made) -> None:
            made[station] = _copy(lot)

        chain.lot(ordinal, base, left=keep)
        for again, _, stations, before, tally in tasks:
            given = {name: _copy(made[name]) for name in before if name in made and made[name].n_alive}
            again.lot(ordinal, tally, stations, given)
    for ordinal in range(CHARGE_LOTS) if base.charges else ():
        if ordinal not in PILOTS:
            chain.lot(ordinal, base, base.charges)
            for again, touched, _, _, tally in tasks:
                if touched & base.charges:
                    again.lot(ordinal, tally, base.charges)
    return base.counts, [{**base.counts, **tally.counts} for *_, tally in tasks]


class _Tally:
    """Rows in and lost by place, and the stations whose rows are charges of powder."""

    def __init__(self) -> None:
        self.counts: dict[str, tuple[int, int]] = {}
        self.charges: set[str] = set()

    def __call__(self, visit: Visit) -> None:
        if visit.made.unit == "kg":
            self.charges.add(visit.place.station)
        rows, lost = self.counts.get(visit.place.key, (0, 0))
        self.counts[visit.place.key] = rows + visit.rows_in, lost + sum(number for _, number in visit.losses)


def _behind(stops: Sequence[Stop], touched: set[str]) -> tuple[set[str], set[str]]:
    """Stations touched and those behind them; and the stations before, which give to them."""
    node = {stop.node: stop for stop in stops}
    behind: set[str] = set()
    for stop in stops:
        if stop.node in touched or behind.intersection(stop.givers):
            behind.add(stop.node)
    before: set[str] = set()
    asked = [giver for name in behind for giver in node[name].givers]
    while asked:
        giver = asked.pop()
        if giver in behind or giver not in node:  # it is a source, or computed anew
            continue
        if node[giver].is_station:
            before.add(giver)
        else:
            asked += node[giver].givers
    return {name for name in behind if node[name].is_station}, before


def _copy(lot: Lot) -> Lot:
    """The lot as it is now, whatever becomes of it."""
    kept = copy(lot)
    kept.columns = {name: column.copy() for name, column in lot.columns.items()}
    kept.exit_code = None if lot.exit_code is None else lot.exit_code.copy()
    kept.losses, kept.attributes = list(lot.losses), dict(lot.attributes)
    return kept


def _rate(count: tuple[int, int]) -> float:
    rows, lost = count
    return lost / rows if rows else 0.0


def _difference(more: Counts, less: Counts, place: str) -> float:
    """By how much the loss rate of a place is higher; 0 where that may be chance, or where nothing came."""
    a, b = more.get(place, (0, 0)), less.get(place, (0, 0))
    if not a[0] or not b[0]:
        return 0.0
    difference = _rate(a) - _rate(b)
    error = math.sqrt(max(a[1], 1) / a[0] ** 2 + max(b[1], 1) / b[0] ** 2)
    return difference if difference > CERTAIN * error else 0.0
