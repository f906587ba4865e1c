"""What a study moves: factors, values that are not known exactly, and the points at which they are tried together."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cellfab.config.spec import Spec
from cellfab.config.value_law import EndsLaw

Name = Annotated[str, Field(min_length=1)]


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
    """How factors, and values that are not known exactly, are combined to points.

    grid: every value of each factor with every value of the others. list: the first values together, then the second,
    and so on. monte_carlo: `samples` points at random; latin_hypercube and sobol: `samples` points that fill the space
    evenly. one_at_a_time: the scenario as it is, then each value at its low and at its high end. morris: `trajectories`
    through a grid of `levels`, each of which moves every value once. saltelli: `samples` points for Sobol indices, and
    as many more for each value.
    """

    kind: Literal["grid", "list", "monte_carlo", "latin_hypercube", "sobol", "one_at_a_time", "morris", "saltelli"] = (
        "grid"
    )
    samples: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    trajectories: Annotated[int, Field(ge=2, le=100_000)] | None = None
    """Of morris; default 10."""
    levels: Annotated[int, Field(ge=2, le=100)] | None = None
    """Of morris, even; default 4."""
    keep: Annotated[int, Field(ge=1)] | None = None
    """Of one_at_a_time: every end is run in `least` replicates, and the ends of so many values, those with the longest
    bars, in `most`; without it all have the same number."""

    @property
    def sampled(self) -> bool:
        """Whether points fill the space, and are not listed."""
        return self.kind in ("monte_carlo", "latin_hypercube", "sobol")

    @property
    def screens(self) -> bool:
        """Whether it is made to say which values matter."""
        return self.kind in ("one_at_a_time", "morris", "saltelli")

    @model_validator(mode="after")
    def _each_kind_has_its_own(self) -> Design:
        wanted = {
            "morris": ("trajectories", "levels"), "one_at_a_time": ("keep",), "saltelli": ("samples",),
            **dict.fromkeys(("monte_carlo", "latin_hypercube", "sobol"), ("samples",)),
        }.get(self.kind, ())  # fmt: skip
        for name in ("samples", "trajectories", "levels", "keep"):
            if getattr(self, name) is not None and name not in wanted:
                if self.kind in ("grid", "list") and name == "samples":
                    raise ValueError(f"a {self.kind} has as many points as its factors have values: remove `samples`")
                raise ValueError(f"`{name}` means nothing to a design of kind {self.kind}: a study has one design")
        if "samples" in wanted and self.samples is None:
            raise ValueError(f"a design of kind {self.kind} needs `samples`")
        if (
            self.kind == "saltelli"
            and self.samples is not None
            and (self.samples < 2 or self.samples & self.samples - 1)
        ):
            below = 1 << max(1, self.samples.bit_length() - 1)
            raise ValueError(
                f"`samples` of saltelli is a power of two, such as {below} or {2 * below}, not {self.samples}"
            )
        if self.levels is not None and self.levels % 2:
            raise ValueError(f"`levels` is an even number, not {self.levels}")
        return self


class Uncertain(Spec):
    """Values of the scenario that are not known exactly, and which of them the study moves."""

    values: Literal["all", "assumptions"] | Annotated[tuple[Name, ...], Field(min_length=1)] = "all"
    """all: every value with a `distribution`, or with `low` and `high`; assumptions: those of them whose source says
    so; or paths, with * for any letters. A path stands for everything below it too."""
    but: Annotated[tuple[Name, ...], Field(alias="except")] = ()
    """Paths that are left as they are."""
    law: EndsLaw = "triangular"
    """Of values that have only `low` and `high`. triangular and pert: the value is the likeliest; normal and lognormal:
    95 % lie between them."""
