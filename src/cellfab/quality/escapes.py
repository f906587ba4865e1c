"""Cells that are sold with a hidden defect: counted, and by importance sampling where they are too rare for that."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cellfab.core.defects import DEFECTS, bit
from cellfab.core.lot import Lot
from cellfab.pilot import QualityChain
from cellfab.quality.importance import Boost, Source, boost_of
from cellfab.quality.rare_counts import weighted_rate
from cellfab.quality.report import Escape
from cellfab.scenario import Scenario


class EscapeCount:
    """Escapes of one mechanism by lot, weighted."""

    def __init__(self) -> None:
        self.events: list[float] = []
        self.squares: list[float] = []
        self.base: list[float] = []
        self.seen = 0
        self.heaviest = 0.0
        self.made = 0

    def add(self, lot: Lot, mechanism: str, weights: npt.NDArray[np.float64] | None) -> None:
        """Count a lot that has left the chain; `weights` of its cells where their defect was made more frequent."""
        sold = lot.alive()
        carries = (lot.columns[DEFECTS] & bit(mechanism)) != 0
        escaped = sold & carries
        self.made += lot.n
        self.seen += int(np.count_nonzero(escaped))
        if weights is None:
            self.events.append(float(np.count_nonzero(escaped)))
            self.squares.append(self.events[-1])
            self.base.append(float(np.count_nonzero(sold)))
            self.heaviest = 1.0
            return
        heavy = weights[escaped]
        self.events.append(float(heavy.sum()))
        self.squares.append(float(heavy @ heavy))
        self.base.append(float(weights[sold].sum()))
        # Also of cells that were found: what escapes unseen so far may be as heavy.
        self.heaviest = max(self.heaviest, float((weights[carries] if carries.any() else weights).max(initial=0.0)))

    def escape(self, mechanism: str) -> Escape:
        """What was counted, with its interval."""
        rate = weighted_rate(
            np.array(self.events), np.array(self.squares), np.array(self.base), self.heaviest, float(self.seen)
        )
        return Escape(mechanism, 1e6 * rate.value, 1e6 * rate.low, 1e6 * rate.high, self.seen)

    @property
    def gain(self) -> float:
        """p (1 - p) over the variance of a weighted cell, both per cell made."""
        share, second = sum(self.events) / self.made, sum(self.squares) / self.made
        return share * (1.0 - share) / (second - share**2) if share else math.nan


def weighted_escape(
    scenario: Scenario, product: str, mechanism: str, known: tuple[Source, ...], seed: int, maturity: float, lots: int
) -> Escape:
    """The escapes of a mechanism with its sources boosted, over as many lots, with other numbers than those counted."""
    factors = {source: boost_of(source, maturity) for source in known}
    boost = Boost(scenario, product, factors)
    chain = QualityChain(scenario, product, seed=seed, replicate=1, maturity=maturity, steps=boost.steps)
    tally = EscapeCount()
    for ordinal in range(lots):
        for lot in chain.lot(ordinal):
            tally.add(lot, mechanism, boost.weights.pop(lot.identity))
    boosted = tuple((f"{source.place}.{source.kind.parameter}", factor) for source, factor in factors.items())
    found = tally.escape(mechanism)
    return replace(found, method="importance sampling", gain=tally.gain, sources=boosted)
