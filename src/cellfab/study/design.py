"""Points of a design: which value each factor has in each of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cellfab.config.study_spec import Design, Factor


class Level(NamedTuple):
    """A factor's value at a point; `position` in its list of values, or None for a drawn number."""

    position: int | None
    value: Any


def points(factors: Mapping[str, Factor], design: Design, seed: int) -> Iterator[dict[str, Level]]:
    """The points in their order; without factors a single empty one.

    Latin hypercube and Sobol points are scipy's (`scipy.stats.qmc`), scrambled by the study's seed. A Latin hypercube
    has one point in each of `samples` equal slices of every factor (McKay, Beckman, Conover 1979); a Sobol sequence is
    balanced where `samples` is a power of two (Sobol 1967, scrambled as by Owen 1998).
    """
    if not factors:
        yield {}
        return
    if not design.sampled:
        lists = [[Level(place, value) for place, value in enumerate(one.values or ())] for one in factors.values()]
        rows = itertools.product(*lists) if design.kind == "grid" else zip(*lists, strict=True)
        for row in rows:
            yield dict(zip(factors, row, strict=True))
        return
    from scipy.stats import qmc

    assert design.samples is not None
    if design.kind == "sobol":
        unit = qmc.Sobol(len(factors), scramble=True, rng=seed).random_base2(math.ceil(math.log2(design.samples)))
    else:
        unit = qmc.LatinHypercube(len(factors), rng=seed).random(design.samples)
    for row in unit[: design.samples].tolist():
        yield {name: level(factor, share) for (name, factor), share in zip(factors.items(), row, strict=True)}


def level(factor: Factor, share: float) -> Level:
    """A factor's value at a share in [0, 1) of its range."""
    if factor.values is not None:
        position = min(int(share * len(factor.values)), len(factor.values) - 1)
        return Level(position, factor.values[position])
    if factor.whole:
        low, high = int(factor.low), int(factor.high)
        if factor.log:
            return Level(None, min(high, int(low * ((high + 1) / low) ** share)))
        return Level(None, min(high, low + int(share * (high - low + 1))))
    if factor.log:
        return Level(None, min(factor.high, factor.low * (factor.high / factor.low) ** share))
    return Level(None, min(factor.high, factor.low + share * (factor.high - factor.low)))
