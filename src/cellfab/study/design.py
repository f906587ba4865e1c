"""Points of a design: which value each factor has in each of them, and where each uncertain input stands."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.config.design_spec import Design, Factor
from cellfab.study.sensitivity import MORRIS_LEVELS, morris_design, sobol_design

TRAJECTORIES = 10
"""Of a screening (Campolongo 2007: 10 find what does not matter)."""


class Level(NamedTuple):
    """A factor's value at a point; `position` in its list of values, or None for a drawn number."""

    position: int | None
    value: Any


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a design.

    Attributes
    ----------
    factors : mapping of str to Level
        Those that it moves; the others stay as the scenario has them.
    shares : mapping of int to float
        By place of an uncertain input, where it stands in [0, 1]; inputs without one stay as they are.
    coordinates : tuple of float
        In the unit cube, one for each factor and then for each input; empty where the design has none.
    """

    factors: Mapping[str, Level] = field(default_factory=dict)
    shares: Mapping[int, float] = field(default_factory=dict)
    coordinates: tuple[float, ...] = ()


def points(factors: Mapping[str, Factor], design: Design, seed: int, inputs: int = 0) -> Iterator[Point]:
    """The points in their order; without factors and inputs a single empty one.

    Latin hypercube and Sobol points are scipy's (`scipy.stats.qmc`), scrambled by the study's seed. A Latin hypercube
    has one point in each of `samples` equal slices of every factor (McKay, Beckman, Conover 1979); a Sobol sequence is
    balanced where `samples` is a power of two (Sobol 1967, scrambled as by Owen 1998).

    Parameters
    ----------
    factors : mapping of str to Factor
    design : Design
    seed : int
        Of everything that is drawn.
    inputs : int
        Number of uncertain inputs.
    """
    if not factors and not inputs:
        yield Point()
    elif design.kind in ("grid", "list"):
        lists = [[Level(place, value) for place, value in enumerate(one.values or ())] for one in factors.values()]
        rows = itertools.product(*lists) if design.kind == "grid" else zip(*lists, strict=True)
        for row in rows:
            yield Point(dict(zip(factors, row, strict=True)))
    elif design.kind == "one_at_a_time":
        yield Point()
        for name, factor in factors.items():
            yield Point({name: level(factor, 0.0)})
            yield Point({name: level(factor, 1.0)})
        for place in range(inputs):
            yield Point(shares={place: 0.0})
            yield Point(shares={place: 1.0})
    else:
        for row in _cube(design, len(factors) + inputs, seed).tolist():
            levels = {name: level(factor, share) for (name, factor), share in zip(factors.items(), row, strict=False)}
            yield Point(levels, dict(enumerate(row[len(factors) :])), tuple(row))


def _cube(design: Design, dimensions: int, seed: int) -> npt.NDArray[np.float64]:
    """Points of the unit cube, shape (points, dimensions)."""
    from scipy.stats import qmc

    if design.kind == "morris":
        return morris_design(dimensions, design.trajectories or TRAJECTORIES, seed, design.levels or MORRIS_LEVELS)
    assert design.samples is not None
    if design.kind == "saltelli":
        return sobol_design(dimensions, design.samples, seed)
    unit: npt.NDArray[np.float64]
    if design.kind == "monte_carlo":
        unit = np.random.default_rng(seed).random((design.samples, dimensions))
    elif design.kind == "sobol":
        unit = qmc.Sobol(dimensions, scramble=True, rng=seed).random_base2(math.ceil(math.log2(design.samples)))
    else:
        unit = qmc.LatinHypercube(dimensions, rng=seed).random(design.samples)
    return unit[: design.samples]


def level(factor: Factor, share: float) -> Level:
    """A factor's value at a share in [0, 1] of its range."""
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
