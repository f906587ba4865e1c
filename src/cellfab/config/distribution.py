"""Probability laws of durations, as written in a config."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cellfab.config.spec import Spec

LONGEST_S = 1e11
"""About 3 000 years: longer than any run, and few enough ticks to be counted in 64 bits."""

PositiveSeconds = Annotated[float, Field(gt=0.0, le=LONGEST_S)]
NonNegativeSeconds = Annotated[float, Field(ge=0.0, le=LONGEST_S)]


class Deterministic(Spec):
    """Always the same duration."""

    law: Literal["deterministic"]
    value_s: NonNegativeSeconds


class Exponential(Spec):
    """Memoryless, with the given mean."""

    law: Literal["exponential"]
    mean_s: PositiveSeconds


class Weibull(Spec):
    """Weibull; give the scale, or the mean and let the scale follow: mean = scale * Gamma(1 + 1/shape)."""

    law: Literal["weibull"]
    shape: Annotated[float, Field(ge=0.05, le=1000.0)]
    scale_s: PositiveSeconds | None = None
    mean_s: PositiveSeconds | None = None

    @model_validator(mode="after")
    def _one_of_scale_and_mean(self) -> Weibull:
        if (self.scale_s is None) == (self.mean_s is None):
            raise ValueError("give exactly one of scale_s and mean_s")
        return self


class Lognormal(Spec):
    """Lognormal; give mean and coefficient of variation, or median and geometric standard deviation."""

    law: Literal["lognormal"]
    mean_s: PositiveSeconds | None = None
    cv: Annotated[float, Field(gt=0.0, le=1000.0)] | None = None
    median_s: PositiveSeconds | None = None
    gsd: Annotated[float, Field(gt=1.0, le=1000.0)] | None = None

    @model_validator(mode="after")
    def _one_pair(self) -> Lognormal:
        by_mean = self.mean_s is not None and self.cv is not None
        by_median = self.median_s is not None and self.gsd is not None
        given = sum(value is not None for value in (self.mean_s, self.cv, self.median_s, self.gsd))
        if given != 2 or by_mean == by_median:
            raise ValueError("give mean_s and cv, or median_s and gsd")
        return self


class Uniform(Spec):
    """Uniform between two durations."""

    law: Literal["uniform"]
    low_s: NonNegativeSeconds
    high_s: PositiveSeconds

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        if self.high_s <= self.low_s:
            raise ValueError("high_s must be above low_s")
        return self


class Triangular(Spec):
    """Triangular between two durations with a mode."""

    law: Literal["triangular"]
    low_s: NonNegativeSeconds
    mode_s: NonNegativeSeconds
    high_s: PositiveSeconds

    @model_validator(mode="after")
    def _ordered(self) -> Triangular:
        if not self.low_s <= self.mode_s <= self.high_s or self.low_s == self.high_s:
            raise ValueError("need low_s <= mode_s <= high_s, and low_s below high_s")
        return self


class Empirical(Spec):
    """Observed durations, each drawn with the same probability."""

    law: Literal["empirical"]
    values_s: Annotated[tuple[NonNegativeSeconds, ...], Field(min_length=1)]


Distribution = Annotated[
    Deterministic | Exponential | Weibull | Lognormal | Uniform | Triangular | Empirical,
    Field(discriminator="law"),
]


def mean_seconds(distribution: Distribution) -> float:
    """Mean of a law of durations, s."""
    match distribution:
        case Deterministic():
            return distribution.value_s
        case Exponential():
            return distribution.mean_s
        case Weibull():
            scale = distribution.scale_s
            return distribution.mean_s or (scale or 0.0) * math.gamma(1.0 + 1.0 / distribution.shape)
        case Lognormal():
            sigma = math.log(distribution.gsd or 1.0)
            return distribution.mean_s or (distribution.median_s or 0.0) * math.exp(sigma * sigma / 2.0)
        case Uniform():
            return (distribution.low_s + distribution.high_s) / 2.0
        case Triangular():
            return (distribution.low_s + distribution.mode_s + distribution.high_s) / 3.0
        case Empirical():
            return math.fsum(distribution.values_s) / len(distribution.values_s)
