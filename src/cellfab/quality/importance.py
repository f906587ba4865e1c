"""Importance sampling of rare defects: their source is made more frequent, and every cell is weighted for it.

A source is one parameter of one place: the mean of a Poisson count or the probability of a Bernoulli event per cell.
It is multiplied by k; a cell with n such events gets the likelihood ratio

    Poisson, mean m        w = (1/k)^n exp((k - 1) m)
    Bernoulli, chance p    w = 1/k for an event, (1 - p) / (1 - k p) without

    Poisson process of leak sites along a seam, number m, worst site exceeded at y of its number (1 without a leak)
                        w = (m / m') ^ [leaks] exp((m' - m) y),  m' the boosted number

so that the weighted mean of anything that depends on a cell's own state is unbiased (Glasserman, Monte Carlo Methods in
Financial Engineering, 2004, section 4.6). One step looks at cells together: the K-value test sets its limit by the
median and the median absolute deviation of a tray. The share of boosted cells therefore stays at `BOOSTED_SHARE`, where
these robust figures hardly move.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.config.spec import Ramped
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.scenario import Scenario, places
from cellfab.steps.base import Merge, Step, Work

BOOSTED_SHARE = 0.01
"""Cells with an event of the source, on average, when it is boosted."""
Weights = npt.NDArray[np.float64]


class Kind(NamedTuple):
    """What a parameter called so does, wherever a step has it.

    Attributes
    ----------
    parameter, column : str
        Of the step; the column shows the events of a cell.
    poisson : bool
        The column counts events on top of others; else it is above 0 where there is one.
    mean : callable
        Events per cell, or the chance of one, from the step and the parameter's value.
    mechanisms : tuple of str
        Hidden defects that come of it.
    ratio : callable, optional
        Likelihood ratio of every cell from the step, the boosted step, the lot, its draws and the maturity: for events
        that the column does not show, because others come on top or a second weld removes them.
    """

    parameter: str
    column: str
    poisson: bool
    mean: Callable[[Any, float], float]
    mechanisms: tuple[str, ...]
    ratio: Callable[[Any, Any, Lot, Draws, float], Weights] | None = None


def ratio_of_sites(step: Any, boosted: Any, lot: Lot, draws: Draws, maturity: float) -> Weights:
    """Likelihood ratio of each cell's worst leak site under a step's and a boosted step's number of sites."""
    number, _ = step.sites(lot, draws, maturity)
    more, hazard = boosted.sites(lot, draws, maturity)
    leaks, worst = hazard < more, np.minimum(hazard / more, 1.0)
    ratio: Weights = np.where(leaks, number / more, 1.0) * np.exp((more - number) * worst)
    return ratio


def ratio_of_pins(step: Any, boosted: Any, lot: Lot, draws: Draws, maturity: float) -> Weights:
    """Likelihood ratio of each cell's seal pin; nothing changes behind a blocked nozzle."""
    law, law_boosted = step.law(maturity), boosted.law(maturity)
    leaks, clear = boosted.pins(lot, draws, maturity)
    tight = (1.0 - law.blocked - law.pin) / (1.0 - law_boosted.blocked - law_boosted.pin)
    return np.where(leaks, law.pin / law_boosted.pin, np.where(clear, tight, 1.0))


def _of_cell(step: Step, probability: float) -> float:
    """Chance that one of the jelly rolls or stacks of a cell has it."""
    return float(1.0 - (1.0 - probability) ** int(getattr(step, "bodies", 1)))


KINDS = (
    Kind("particles_per_m2", "particles_in_roll", True, lambda step, value: value * step.design.cathode.area_m2,
         ("soft_short",)),
    Kind("separator_fault_probability", "separator_fault", False, _of_cell, ("separator_fault", "soft_short")),
    Kind("leak_probability", "leak", False, lambda _, value: value, ("leak",)),
    Kind("pores_per_m", "leak", True, lambda step, value: value * step.seam_m, ("leak",), ratio_of_sites),
    Kind("channels_per_m", "leak", True, lambda step, value: value * step.seal_m, ("leak",), ratio_of_sites),
    Kind("pin_leak_probability", "leak", False, lambda _, value: value, ("leak",), ratio_of_pins),
)  # fmt: skip


class Source(NamedTuple):
    """One source of a rare defect in a line."""

    place: str
    kind: Kind
    step: Step

    def mean(self, maturity: float, boost: float = 1.0) -> float:
        """Events per cell, or the chance of one, with the parameter times `boost`."""
        return self.kind.mean(self.step, self.step.at(self.kind.parameter, maturity) * boost)


def sources(scenario: Scenario, product: str, mechanism: str) -> tuple[Source, ...]:
    """Sources of a mechanism that can be boosted.

    Those whose events a column shows: of each kind the first in the line, with nothing before it. Others: all.
    """
    found: list[Source] = []
    seen: set[str] = set()
    for place in places(scenario.spec.line):
        step = scenario.steps[place.key, product]
        for kind in KINDS:
            if mechanism not in kind.mechanisms or kind.parameter not in type(step.params).model_fields:
                continue
            first = kind.column not in seen and all(source.kind is not kind for source in found)
            if kind.ratio is not None or first:
                found.append(Source(place.key, kind, step))
        seen.update(step.writes)
    return tuple(found)


def boost_of(source: Source, maturity: float) -> float:
    """Factor that brings a source to `BOOSTED_SHARE` events per cell; 1 where there are that many already or none."""
    mean = source.mean(maturity)
    return max(1.0, BOOSTED_SHARE / mean) if mean > 0.0 else 1.0


class Boost:
    """Steps of a product with some sources boosted, and the weights of the cells that they make.

    Parameters
    ----------
    scenario : Scenario
    product : str
    factors : mapping of Source to float
        Factor by which each source is boosted.

    Attributes
    ----------
    steps : mapping of (place key, product) to Step
        For `cellfab.pilot.QualityChain`.
    weights : dict of int to ndarray of float64
        Likelihood ratio of each row, by identity of the lot of cells; product over the sources.
    """

    def __init__(self, scenario: Scenario, product: str, factors: Mapping[Source, float]) -> None:
        self.weights: dict[int, Weights] = {}
        self.steps: dict[tuple[str, str], Step] = dict(scenario.steps)
        for place in dict.fromkeys(source.place for source in factors):
            here = {source: factor for source, factor in factors.items() if source.place == place}
            inner = self.steps[place, product]
            wrapper = _BoostedMerge if isinstance(inner, Merge) else _BoostedStep
            self.steps[place, product] = wrapper(inner, here, self.weights)


def changed(step: Step, parameter: str, factor: float) -> Step:
    """The same step with a parameter times `factor`, at every maturity."""
    value = getattr(step.params, parameter)
    if isinstance(value, Ramped):
        value = Ramped(start=value.start * factor, mature=value.mature * factor)
    else:
        value = value * factor
    return type(step)(step.params.model_copy(update={parameter: value}), step.design)


def likelihood_ratio(kind: Kind, events: npt.NDArray[Any], mean: float, boosted: float) -> Weights:
    """Nominal over boosted likelihood of each cell's events, shape of `events`; 1 where nothing is boosted."""
    if mean == boosted:
        return np.ones(events.shape)
    if kind.poisson:
        return np.exp(events * math.log(mean / boosted) + (boosted - mean))
    return np.where(events > 0, mean / boosted, (1.0 - mean) / (1.0 - boosted))


class _Boosted(Step):
    """A step with boosted sources, which notes the weight of every cell."""

    def __init__(self, inner: Step, factors: Mapping[Source, float], weights: dict[int, Weights]) -> None:
        super().__init__(inner.params, inner.design)
        self.reads, self.writes = inner.reads, inner.writes  # type: ignore[misc]
        self.factors, self.weights = factors, weights
        self.boosted = inner
        for source, factor in factors.items():
            self.boosted = changed(self.boosted, source.kind.parameter, factor)

    def weigh(
        self, made: Lot, draws: Draws, maturity: float, brought: Mapping[str, npt.NDArray[np.int64]]
    ) -> None:  # fmt: skip
        """Note the cells' weights; `brought` is what columns of counts held without the source."""
        whole = np.ones(made.n)
        for source, factor in self.factors.items():
            if source.mean(maturity) == 0.0:
                continue
            if source.kind.ratio is not None:
                whole *= source.kind.ratio(source.step, self.boosted, made, draws, maturity)
                continue
            column = made.columns[source.kind.column]
            events = column.astype(np.int64) - brought[source.kind.column] if source.kind.poisson else column > 0
            whole *= likelihood_ratio(source.kind, events, source.mean(maturity), source.mean(maturity, factor))
        self.weights[made.identity] = self.weights.get(made.identity, 1.0) * whole

    def work(self, lot: Lot, maturity: float) -> Work:
        """As the step without a boost."""
        return self.boosted.work(lot, maturity)


class _BoostedStep(_Boosted):
    """A step on cells."""

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Act, and weigh the cells."""
        made = self.boosted.apply(lot, draws, maturity)
        self.weigh(made, draws, maturity, {})
        return made


class _BoostedMerge(_Boosted, Merge):
    """A step that makes cells."""

    def merge(self, lots: Mapping[str, Lot], draws: Draws, maturity: float) -> Lot:
        """Make the cells, and weigh them."""
        boosted = self.boosted
        assert isinstance(boosted, Merge)
        made = boosted.merge(lots, draws, maturity)
        # The same lots once more without the sources tell what the counts came on top of.
        bare: Step = boosted
        for source in self.factors:
            bare = changed(bare, source.kind.parameter, 0.0)
        assert isinstance(bare, Merge)
        without = bare.merge(lots, draws, maturity)
        self.weigh(
            made,
            draws,
            maturity,
            {name: values.astype(np.int64) for name, values in without.columns.items() if values.dtype.kind in "iu"},
        )
        return made
