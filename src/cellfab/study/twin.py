"""What a replicate's random numbers make of the closed form of its scenario: a control whose mean is known to be 0.

By the closed form (`cellfab.analytic`), the load of a line is the rate of arrivals over the capacity of its
bottleneck, and that is a function of mean durations: between arrivals, of the bottleneck's work, to its failures and
of their repairs. In a replicate the means of what is drawn differ from those of the laws, and to first order the
logarithm of the load differs by the sum of these relative errors, each times what it moves. Random numbers have names,
so that the first draws of a replicate are had without running it. How many are taken depends on the scenario only,
never on what happens in the run: so each mean is one of a fixed number of independent draws less what the law expects,
and the expectation of the control is exactly 0, whether or not the run used just these draws. (A mean of as many draws
as there were by the end of the run would be biased.)

References
----------
A. M. Law, Simulation Modeling and Analysis, 5th ed. 2015, section 11.4: input averages as internal controls.
J. R. Wilson, A. A. B. Pritsker, "Variance reduction in queueing simulation using generalized concomitant variables",
Journal of Statistical Computation and Simulation 19 (1984), 129-153: standardised work as a control.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cellfab.analytic import Estimate, availability, estimate
from cellfab.config.distribution import Distribution, mean_seconds
from cellfab.config.line_spec import FailureMode, SerialStation, Source
from cellfab.kernels.laws import DETERMINISTIC, pack
from cellfab.kernels.lot_durations import durations_from, durations_of
from cellfab.kernels.random import stream_key
from cellfab.line.compiled import Arrivals
from cellfab.scenario import Scenario
from cellfab.units import SECONDS_PER_WEEK, TICKS_PER_S

MOST_DRAWS = 1_000_000
"""Of one decision in one replicate."""


@dataclass(frozen=True)
class Twin:
    """The closed form of a scenario, ready to be asked about replicates."""

    scenario: Scenario
    capacity: Estimate

    @classmethod
    def of(cls, scenario: Scenario) -> Twin:
        """The closed form at the laws' means."""
        return cls(scenario, estimate(scenario))

    def control(self, seed: int, replicate: int) -> float:
        """Relative error of the load in a replicate, by what it draws; mean 0 over replicates."""
        return sum(self._errors(seed, replicate))

    def _errors(self, seed: int, replicate: int) -> Iterator[float]:
        """One for each thing that the load depends on, in shares of the load."""
        line, name = self.scenario.spec.line, self.capacity.bottleneck
        station = line.stations[name]
        horizon_s = self.scenario.spec.run.horizon_h * 3600.0
        wanted = {source: self._lots(one, horizon_s) for source, one in line.sources.items()}
        whole = sum(wanted.values())
        for source, one in line.sources.items():
            count = min(wanted[source], MOST_DRAWS)
            arrivals = Arrivals(one, source, seed, replicate, needs_names=True)
            lots, ready = arrivals.take(count)
            share = wanted[source] / whole
            if one.interarrival is not None and lots.size:
                yield share * (1.0 - float(ready[-1]) / TICKS_PER_S / (lots.size * mean_seconds(one.interarrival)))
            if isinstance(station, SerialStation) and station.cycle is not None and not self.scenario.is_plant:
                yield share * _work_error(station.cycle, stream_key(seed, replicate, name, "cycle"), lots)
        for owner, failures, units in self._failing():
            up = availability(failures)
            for mode_name, mode in failures.items():
                load = mean_seconds(mode.time_to_repair) / mean_seconds(mode.time_to_failure)
                keys = (stream_key(seed, replicate, owner, mode_name, what) for what in _CLOCKS)
                to_failure, repair = (
                    _unit_error(law, key, units, self._failures(mode, horizon_s))
                    for law, key in zip((mode.time_to_failure, mode.time_to_repair), keys, strict=True)
                )
                yield up * load * (repair - to_failure)

    def _lots(self, source: Source, horizon_s: float) -> int:
        """Lots that come in a run, or that its bottleneck can take, by the means."""
        each_s = SECONDS_PER_WEEK / self.capacity.stations[self.capacity.bottleneck].lots_per_week
        if source.interarrival is not None:
            each_s = mean_seconds(source.interarrival)
        return max(1, int(horizon_s / each_s)) if each_s > 0.0 else 1

    def _failing(self) -> Iterator[tuple[str, dict[str, FailureMode], int]]:
        """The bottleneck, or the machines of its chain: whose draws these are, failure modes, units."""
        name = self.capacity.bottleneck
        station = self.scenario.spec.line.stations[name]
        if isinstance(station, SerialStation) and station.machines:
            yield from ((f"{name}.{key}", dict(one.failures), 1) for key, one in station.machines.items())
        else:
            yield name, dict(getattr(station, "failures", {})), int(getattr(station, "parallel", 1))

    @staticmethod
    def _failures(mode: FailureMode, horizon_s: float) -> int:
        """Breakdowns of one unit in a run, by the means; at least one is drawn."""
        between_s = mean_seconds(mode.time_to_failure) + mean_seconds(mode.time_to_repair)
        return min(max(1, round(horizon_s / between_s)), MOST_DRAWS)


_CLOCKS = ("time_to_failure", "time_to_repair")


def _work_error(law: Distribution, key: np.uint64, lots: np.ndarray) -> float:
    """Mean work of the first lots over what the law expects, less 1."""
    packed = pack(law)
    if packed.law == DETERMINISTIC or not lots.size:
        return 0.0
    ticks = np.empty(lots.size, np.int64)
    durations_of(*packed, key, lots, ticks)
    return float(ticks.mean()) / TICKS_PER_S / mean_seconds(law) - 1.0


def _unit_error(law: Distribution, key: np.uint64, units: int, count: int) -> float:
    """Mean of the first times of all units over what the law expects, less 1."""
    packed = pack(law)
    if packed.law == DETERMINISTIC:
        return 0.0
    ticks = np.empty((units, count), np.int64)
    for unit in range(units):
        durations_from(*packed, 1.0, key, unit, 0, ticks[unit])
    return float(ticks.mean()) / TICKS_PER_S / mean_seconds(law) - 1.0
