"""A study file: one base scenario, what is changed in it, how often each is run, and what is to be known how well."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cellfab.config.spec import Spec

Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(min_length=1)]

BASE = "base"
"""Name of the only variant of a study that has no `variants`: the base scenario as it is."""


class Variant(Spec):
    """One scenario of the study: the base, or another one, with values changed."""

    extends: str | None = None
    """Another variant of the study, whose changes come first; else a scenario file or a shipped scenario, which then
    stands in place of the base."""
    changes: Annotated[dict[str, Any], Field(alias="set")] = {}
    """Values by path, such as `line.stations.weld.params.power_w: 900`."""
    text: str = ""
    """What the variant is, in a few words."""


class Factor(Spec):
    """A value that the design moves: through a list, or between two ends."""

    path: str | Annotated[tuple[str, ...], Field(min_length=1)]
    """Where it stands in the scenario; several paths get the same value."""
    values: Annotated[tuple[Any, ...], Field(min_length=1)] | None = None
    low: Any = None
    high: Any = None
    log: bool = False
    """Sample evenly in the logarithm, between `low` and `high`."""
    whole: bool = False
    """Only whole numbers, between `low` and `high`, both included."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that gets the value."""
        return (self.path,) if isinstance(self.path, str) else self.path

    @model_validator(mode="after")
    def _values_or_ends(self) -> Factor:
        ends = (self.low, self.high)
        if self.values is not None:
            if ends != (None, None) or self.log or self.whole:
                raise ValueError("has `values`, so `low`, `high`, `log` and `whole` mean nothing")
            return self
        for name, end in zip(("low", "high"), ends, strict=True):
            if isinstance(end, bool) or not isinstance(end, (int, float)):
                raise ValueError(f"needs `values`, or numbers `low` and `high`; `{name}` is {end!r}")
        if not self.low < self.high:
            raise ValueError(f"low ({self.low:g}) must be less than high ({self.high:g})")
        if self.log and self.low <= 0:
            raise ValueError(f"low ({self.low:g}) has no logarithm")
        if self.whole and (self.low != int(self.low) or self.high != int(self.high)):
            raise ValueError("with `whole`, low and high must be whole numbers")
        return self


class Design(Spec):
    """How the factors are combined.

    grid: every value of each factor with every value of the others. list: the first values together, then the second,
    and so on. latin_hypercube and sobol: `samples` points that fill the space between the ends evenly.
    """

    kind: Literal["grid", "list", "latin_hypercube", "sobol"] = "grid"
    samples: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @property
    def sampled(self) -> bool:
        """Whether points are drawn, not listed."""
        return self.kind in ("latin_hypercube", "sobol")

    @model_validator(mode="after")
    def _samples_where_drawn(self) -> Design:
        if self.sampled != (self.samples is not None):
            if self.sampled:
                raise ValueError(f"a design of kind {self.kind} needs `samples`")
            raise ValueError(f"a {self.kind} has as many points as its factors have values: remove `samples`")
        return self


class Replicates(Spec):
    """Between how many and how many; between them the stated precision decides."""

    least: Annotated[int, Field(ge=2)] = 5
    most: Annotated[int, Field(ge=2)] = 200

    @model_validator(mode="after")
    def _least_first(self) -> Replicates:
        if self.most < self.least:
            raise ValueError(f"most ({self.most}) is below least ({self.least})")
        return self


class Metric(Spec):
    """A key figure that the study is about."""

    half_width_share: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    """Half-width of the confidence interval over the mean, at which it is known well enough."""


class Warmup(Spec):
    """What is cut off the beginning of each replicate: hours, or what a rule finds; none: as the scenario says."""

    fixed_h: NonNegative | None = None
    rule: Literal["mser5"] | None = None
    """mser5: of each replicate what MSER-5 finds in the number of lots inside; each is run twice."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Warmup:
        if (self.fixed_h is None) == (self.rule is None):
            raise ValueError("needs either `fixed_h`, hours, or `rule: mser5`")
        return self


class Stop(Spec):
    """When the study ends although the stated precision has not been reached."""

    budget_s: Positive
    """Wall-clock time, after which nothing more is begun."""


class Comparison(Spec):
    """Differences of every variant to one of them."""

    reference: Name
    paired: bool = True
    """Replicate by replicate, with the same random numbers; false: as if the variants had nothing in common."""


class StudySpec(Spec):
    """A study file."""

    name: Name
    description: str = ""
    base: Name
    """Scenario file, relative to the study's, or the name of a shipped scenario or line."""
    seed: Annotated[int, Field(ge=0)] = 1
    """Of all random numbers, the same for every variant; replicates are counted from 0."""
    variants: Annotated[dict[str, Variant], Field(min_length=1)] | None = None
    factors: dict[str, Factor] = {}
    design: Design = Design()
    replicates: Annotated[int, Field(ge=1)] | Replicates = 10
    """As many, or between `least` and `most`."""
    metrics: dict[str, Metric] = {}
    """Key figures that are shown; with none, all are recorded and the headline figures shown."""
    warmup: Warmup | None = None
    stop: Stop | None = None
    comparison: Comparison | None = None
    confidence_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.95
    """Of all intervals."""

    @property
    def fixed(self) -> int | None:
        """The number of replicates, if it was given; None where precision decides."""
        return self.replicates if isinstance(self.replicates, int) else None

    @property
    def most(self) -> int:
        """Replicates that are run at most."""
        return self.replicates if isinstance(self.replicates, int) else self.replicates.most
