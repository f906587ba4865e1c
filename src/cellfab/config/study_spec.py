"""A study file: one base scenario, what is changed in it, how often each is run, and what is to be known how well."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cellfab.config.design_spec import Design, Factor, Uncertain
from cellfab.config.levers_spec import Lever, Ranking
from cellfab.config.search_spec import Search
from cellfab.config.selection_spec import Selection
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


class Replicates(Spec):
    """Between how many and how many; between them the stated precision decides."""

    least: Annotated[int, Field(ge=1)] = 5
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


class VarianceReduction(Spec):
    """How means are made to scatter less than those of plain replicates: one of both."""

    antithetic: bool = False
    """Replicates in pairs: where the first draws u for a duration, breakdown or arrival, the second draws 1 - u."""
    control: Literal["analytic_twin"] | None = None
    """analytic_twin: figures are corrected by how far the closed form of the line is off with the replicate's draws."""

    @model_validator(mode="after")
    def _one_of_both(self) -> VarianceReduction:
        if self.antithetic == (self.control is not None):
            raise ValueError("needs either `antithetic: true` or `control: analytic_twin`")
        return self


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
    uncertain: Uncertain | None = None
    """Values of the scenario that are not known exactly, and are moved between their ends or by their laws."""
    design: Design = Design()
    replicates: Annotated[int, Field(ge=1)] | Replicates = 10
    """As many, or between `least` and `most`."""
    metrics: dict[str, Metric] = {}
    """Key figures that are shown; with none, all are recorded and the headline figures shown."""
    warmup: Warmup | None = None
    stop: Stop | None = None
    comparison: Comparison | None = None
    selection: Selection | None = None
    """Which case is best; its replicates are then given out for that."""
    search: Search | None = None
    """What is best between the ends of the factors; then there is no design."""
    levers: Annotated[dict[str, Lever], Field(min_length=1)] | None = None
    """What could be changed, each alone: further variants, compared with the only one of `variants`, and ranked."""
    ranking: Ranking | None = None
    """By which figure levers are ranked."""
    variance_reduction: VarianceReduction | None = None
    confidence_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.95
    """Of all intervals."""

    @property
    def analysed(self) -> bool:
        """Whether the points are a sample to be analysed as a whole, not cases to be looked at one by one."""
        return self.design.screens or self.uncertain is not None or self.design.kind == "monte_carlo"

    @property
    def fixed(self) -> int | None:
        """The number of replicates, if it was given; None where precision decides."""
        return self.replicates if isinstance(self.replicates, int) else None

    @property
    def figures(self) -> tuple[str, ...]:
        """Every key figure that the study names."""
        chosen = [] if self.selection is None else [self.selection.metric]
        sought = [] if self.search is None else [*self.search.objectives, *self.search.constraints]
        ranked = [] if self.ranking is None else [self.ranking.metric]
        return tuple(dict.fromkeys((*self.metrics, *chosen, *sought, *ranked)))

    @property
    def most(self) -> int:
        """Replicates that are run at most."""
        return self.replicates if isinstance(self.replicates, int) else self.replicates.most
