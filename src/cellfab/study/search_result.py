"""What a search has found: every trial and how it stands, the front that nothing beats, the best of a single goal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from cellfab.config.search_spec import Search
from cellfab.study.part import Sheet
from cellfab.study.statistics import Interval

Standing = Literal["front", "beaten", "beyond", "failed", "infeasible"]
"""How a trial stands: on the front; within the limits and beaten; beyond a limit; without a figure that is needed; no
scenario that could be run."""


class Estimated(NamedTuple):
    """A figure over some replicates; the interval is None with a single one."""

    mean: float
    interval: Interval | None


@dataclass(frozen=True)
class TrialFound:
    """One trial.

    Attributes
    ----------
    number : int
        In the order in which they were proposed, from 0: the `point` of its rows in results.csv.
    factors : mapping of str to value
    figures : mapping of str to Estimated
        Objectives and constraints, over the replicates that the search saw; empty if it failed.
    confirmed : mapping of str to Estimated
        The same, over the replicates that it had not seen; empty where there are none.
    standing : str
        front, beaten, beyond, failed or infeasible.
    broken : tuple of str
        Constraints that it does not keep.
    reason : str
        Why there are no figures.
    """

    number: int
    factors: Mapping[str, Any]
    figures: Mapping[str, Estimated]
    confirmed: Mapping[str, Estimated]
    standing: Standing
    broken: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class SearchFound:
    """The result of a search.

    Attributes
    ----------
    search : Search
        What was asked for.
    trials : tuple of TrialFound
        In the order in which they were proposed.
    front : tuple of TrialFound
        Those within the limits that no other beats, by the first objective.
    nearest : TrialFound or None
        Where nothing is within the limits, the trial that is least beyond them.
    """

    search: Search
    trials: tuple[TrialFound, ...]
    front: tuple[TrialFound, ...]
    nearest: TrialFound | None

    @property
    def key(self) -> str:
        """Name of the part."""
        return "search"

    @property
    def best(self) -> TrialFound | None:
        """The best point of a search for one goal; None of several goals, or where nothing is within the limits."""
        return self.front[0] if len(self.search.objectives) == 1 and self.front else None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Objectives, and the constraints that are not among them."""
        return tuple(dict.fromkeys((*self.search.objectives, *self.search.constraints)))

    def counts(self) -> dict[Standing, int]:
        """How many trials stand how."""
        found: dict[Standing, int] = {}
        for trial in self.trials:
            found[trial.standing] = found.get(trial.standing, 0) + 1
        return found

    def sheets(self) -> Mapping[str, Sheet]:
        """Every trial, and the front."""
        head = self._head()
        return {
            "trials": Sheet(head, [tuple(self._row(trial)) for trial in self.trials]),
            "front": Sheet(head, [tuple(self._row(trial)) for trial in self.front]),
        }

    def _head(self) -> tuple[str, ...]:
        factors = self.trials[0].factors if self.trials else ()
        figures = [f"{name}{end}" for name in self.metrics for end in ("", ".low", ".high")]
        confirmed = [f"confirmed.{name}" for name in figures] if self.search.confirm else []
        return ("point", *(f"factor.{name}" for name in factors), *figures, *confirmed, "standing", "broken", "reason")

    def _row(self, trial: TrialFound) -> Iterator[Any]:
        yield trial.number
        yield from trial.factors.values()
        for figures in (trial.figures, trial.confirmed) if self.search.confirm else (trial.figures,):
            for name in self.metrics:
                one = figures.get(name)
                yield None if one is None else one.mean
                yield from (None, None) if one is None or one.interval is None else one.interval[1:3]
        yield trial.standing
        yield " ".join(trial.broken)
        yield trial.reason
