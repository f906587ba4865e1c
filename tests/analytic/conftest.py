"""What the comparisons with theory share.

Two ways of comparing are used. *Directly*: replicates of the engine against a closed form; `agrees` fails if the mean
is more than `z` standard errors off, and also if `z` standard errors are more than 2 % of the truth, because then the
test could not see an engine that is 2 % wrong. *By way of a recursion*: where waiting times vary too much for that in a
few seconds, a recursion of a few lines is shown to equal the engine to the tick, lot by lot, on the same named draws,
and the recursion, run for millions of lots, is compared with the closed form in the same manner.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest

from cellfab.config.line_spec import Line
from cellfab.config.run_spec import Run
from cellfab.core.lot import Lot, lineage
from cellfab.kernels.laws import duration, pack
from cellfab.kernels.lot_durations import durations
from cellfab.kernels.random import stream_key
from cellfab.line.flow import simulate_line
from cellfab.line.kpi import flow_kpis
from cellfab.line.physics import Processed
from cellfab.ramp.pace import Pace
from cellfab.units import TICKS_PER_S


class Starts:
    """Physics that changes nothing and remembers when work on each lot began and ended (ticks), and who was lost."""

    def __init__(self) -> None:
        self.began: dict[str, dict[int, int]] = {}
        self.ended: dict[str, dict[int, int]] = {}
        self.thrown: set[int] = set()

    def pace(self, station: str, now: int) -> Pace:
        return Pace()

    def process(self, station: str, lots: list[Lot], now: int) -> Processed:
        first = lots[0]
        if len(lots) > 1:
            first = first.child(station, n=first.n, unit=first.unit, amount=first.amount, others=tuple(lots[1:]))
        return Processed(first)

    def worked(self, station: str, lot: Lot, started: int, ended: int) -> None:
        self.began.setdefault(station, {})[lot.ordinal] = started
        self.ended.setdefault(station, {})[lot.ordinal] = ended

    def finished(self, sink: str, lot: Lot, now: int) -> None:
        pass

    def expired(self, place: str, lot: Lot, now: int) -> None:
        self.thrown.add(lot.ordinal)


@pytest.fixture
def simulate():
    def run(line, seconds, *, warmup=0.0, seed=1, replicate=0, physics=None):
        return simulate_line(
            Line.model_validate(line), Run(horizon_h=seconds / 3600.0, warmup_h=warmup / 3600.0), seed=seed,
            replicate=replicate, physics=physics,
        )  # fmt: skip

    return run


@pytest.fixture
def replicates(simulate):
    """KPIs of several replicates: dict of name to array of values."""

    def run(line, seconds, number, *, warmup=0.0, seed=1):
        tables = [
            flow_kpis(simulate(line, seconds, warmup=warmup, seed=seed, replicate=replicate))
            for replicate in range(number)
        ]
        return {name: np.array([table[name].value for table in tables]) for name in tables[0] if name != "bottleneck"}

    return run


@pytest.fixture
def path(simulate):
    """One engine run with the start of work on each lot."""

    def run(line, seconds, *, seed=1):
        starts = Starts()
        result = simulate(line, seconds, seed=seed, physics=starts)
        return starts, result

    return run


@pytest.fixture
def exponential():
    def law(mean_s):
        return {"law": "exponential", "mean_s": mean_s}

    return law


@pytest.fixture
def fixed():
    def law(seconds):
        return {"law": "deterministic", "value_s": seconds}

    return law


@pytest.fixture
def named():
    """Draws of the engine, named as it names them: of lots by identity, of clocks by row. Seed 1, replicate 0."""
    from pydantic import TypeAdapter

    from cellfab.config.distribution import Distribution

    def packed(law):
        return pack(TypeAdapter(Distribution).validate_python(law))

    class Named:
        def lots(self, law, number, *names, source="source"):
            key, parameters = stream_key(1, 0, *names), packed(law)
            return np.array([duration(*parameters, 1.0, key, lineage(source, ordinal), 0) for ordinal in range(number)])

        def glued(self, law, number):
            """Cycles of the station `glue` on lots merged from sources `left` and `right`."""
            key, parameters = stream_key(1, 0, "glue", "cycle"), packed(law)
            return [
                int(duration(*parameters, 1.0, key, lineage(lineage("left", n), lineage("right", n), "glue"), 0))
                for n in range(number)
            ]

        def rows(self, law, number, *names, entity=0):
            """Also used for long runs of a recursion, where the rows stand for lots."""
            if number > 50_000 and numba.config.DISABLE_JIT:
                pytest.skip("millions of draws need compiled code")
            out = np.empty(number, dtype=np.int64)
            durations(*packed(law), 1.0, stream_key(1, 0, *names), entity, out)
            return out

    return Named()


@pytest.fixture
def agrees():
    """Fail if replicates disagree with the truth, or could not tell a 2 % error."""

    def check(values, truth, *, z=4.0, known=(), power=0.02):
        """`known`: (values, mean) of control variates. `power`: the relative error that must not go unseen."""
        values = np.asarray(values, dtype=float)
        design = np.column_stack([np.ones(len(values)), *(np.asarray(v) - mean for v, mean in known)])
        fit, *_ = np.linalg.lstsq(design, values, rcond=None)
        rest = values - design @ fit
        variance = rest @ rest / (len(values) - design.shape[1])
        error = float(np.sqrt(variance * np.linalg.inv(design.T @ design)[0, 0]))
        assert z * error < power * truth, f"{z} x {error / truth:.3%}: too short to see an error of {power:.0%}"
        assert abs(fit[0] - truth) < z * error, f"{fit[0]:.6g} against {truth:.6g}: z = {(fit[0] - truth) / error:.2f}"

    return check


@pytest.fixture
def in_batches():
    """Means of a long path cut into batches, which stand for replicates."""

    def cut(values, number=40, skip=0.02):
        values = np.asarray(values, dtype=float)[int(len(values) * skip) :]
        return np.array([part.mean() for part in np.array_split(values, number)])

    return cut


@pytest.fixture
def seconds():
    return TICKS_PER_S
