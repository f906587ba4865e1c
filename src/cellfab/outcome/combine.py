"""Replicates into one: key figures to their mean with its confidence interval, counts to their sum."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from cellfab.replicate import Replicate
from cellfab.result import Kpi

CONFIDENCE = 0.95


def combine(replicates: Sequence[Mapping[str, Kpi]]) -> dict[str, Kpi]:
    """Mean over replicates with its 95 % t-interval; of a text, the one that came most often.

    A figure that some replicates could not give is averaged over those that could; `n` says how many.
    """
    combined: dict[str, Kpi] = {}
    for name in dict.fromkeys(name for kpis in replicates for name in kpis):
        found = [kpis[name] for kpis in replicates if name in kpis]
        values = [kpi.value for kpi in found if kpi.value is not None]
        unit = found[0].unit
        if not values:
            combined[name] = Kpi(None, unit, n=0, reason=found[0].reason)
        elif isinstance(values[0], str):
            combined[name] = Kpi(statistics.mode(values), unit, n=len(values))
        else:
            combined[name] = _mean([float(value) for value in values], unit)
    return combined


def _mean(values: list[float], unit: str) -> Kpi:
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return Kpi(mean, unit)
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2.0)) * statistics.stdev(values) / math.sqrt(n)
    return Kpi(mean, unit, mean - half, mean + half, n)


def counts(replicates: Sequence[Replicate]) -> dict[str, int]:
    """What was counted over all replicates."""
    plants = [done.plant for done in replicates if done.plant is not None]
    return {
        "cells_started": sum(sum(plant.cells_started.values()) for plant in plants),
        "cells_good": sum(sum((*plant.cells_good.values(), *plant.cells_unsold.values())) for plant in plants),
        "cells_scrapped": sum(sum(plant.cells_scrapped.values()) for plant in plants),
        "cells_wip": sum(plant.cells_inside for plant in plants),
        "lots": sum(done.flow.lots_entered for done in replicates),
        "sim_events": sum(done.flow.events for done in replicates),
        "random_draws": sum(done.flow.random_draws for done in replicates),
    }
