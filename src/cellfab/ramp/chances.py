"""How probable the dates of a plan are, and which slips move the release: many cases of the same plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellfab.ramp.conversion import Project
from cellfab.ramp.project import RELEASE, ticks
from cellfab.ramp.slips import drawn_slips
from cellfab.units import TICKS_PER_WEEK

Ints = npt.NDArray[np.int64]

SHARES = (0.1, 0.5, 0.8, 0.9)
"""P10, P50, P80 and P90: the dates by which a task is over in so many of all cases."""


@dataclass(frozen=True, slots=True)
class Chances:
    """What many cases of a plan say.

    Attributes
    ----------
    cases : int
    finishes : mapping of str to array of int, shape (cases,)
        Ticks at which each task is over.
    criticality : mapping of str to float
        Share of the cases in which the task is on a critical path (Martin 1965).
    delays_weeks : mapping of (task, slip) to float
        Mean weeks by which the release would be earlier in the same cases if this slip alone never happened.
    """

    cases: int
    finishes: Mapping[str, Ints]
    criticality: Mapping[str, float]
    delays_weeks: Mapping[tuple[str, str], float]

    def quantiles(self, task: str, shares: tuple[float, ...] = SHARES) -> tuple[int, ...]:
        """Ticks by which the task is over with the given probabilities: of the cases, the one at that place."""
        found = np.quantile(self.finishes[task], shares, method="inverted_cdf")
        return tuple(int(tick) for tick in found)

    def probability(self, task: str, tick: int) -> float:
        """Share of the cases in which the task is over by a tick."""
        return float(np.mean(self.finishes[task] <= tick))


def chances(project: Project, seed: int, cases: int) -> Chances:
    """Schedule a plan many times with the slips that happen in each case.

    Parameters
    ----------
    project : Project
        Made without delays.
    seed : int
        Case r of a seed is what replicate r of a simulation with that seed lives through.
    cases : int
        At least 1. A probability p of n cases has a standard error of sqrt(p (1 - p) / n), at most 1.6 % of 1000.
    """
    slips = {
        key: np.round(weeks * TICKS_PER_WEEK).astype(np.int64)
        for key, weeks in drawn_slips(project.tasks, seed, cases).items()
    }
    planned = {task.name: ticks(task.weeks) for task in project.tasks}
    late: dict[str, Ints] = {}
    for (task, _), weeks in slips.items():
        late[task] = late.get(task, 0) + weeks
    names = list(planned)
    finishes = {name: np.empty(cases, np.int64) for name in names}
    critical = dict.fromkeys(names, 0)
    moved = dict.fromkeys(slips, 0)
    for case in range(cases):
        durations = {name: max(planned[name] + int(delay[case]), 0) for name, delay in late.items()}
        timeline = project.network.schedule(durations)
        for name, dates in timeline.dates.items():
            finishes[name][case] = dates.finish
        for name in timeline.critical:
            critical[name] += 1
        on_path = set(timeline.critical)
        for (task, slip), delay in slips.items():
            # A delay of a task that is not critical moves nothing, unless crews are shared.
            if delay[case] and (task in on_path or project.conversion.crews):
                without = max(planned[task] + int(late[task][case] - delay[case]), 0)
                release = project.network.finishes({**durations, task: without})[RELEASE]
                moved[task, slip] += int(finishes[RELEASE][case]) - release
    return Chances(
        cases,
        finishes,
        {name: count / cases for name, count in critical.items()},
        {key: total / cases / TICKS_PER_WEEK for key, total in moved.items()},
    )
