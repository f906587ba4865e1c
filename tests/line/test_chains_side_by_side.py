"""Chains of machines side by side: one station, so many times the output, each chain with breakdowns of its own."""

from __future__ import annotations

import pytest

from cellfab.config.line_spec import Line
from cellfab.config.run_spec import Run
from cellfab.line.flow import simulate_line
from cellfab.line.result import FlowResult
from cellfab.line.states import DOWN, WORKING

FAILING = {
    "stop": {
        "time_to_failure": {"law": "exponential", "mean_s": 3600.0},
        "time_to_repair": {"law": "exponential", "mean_s": 900.0},
    }
}


def run(parallel: int, *, failing: bool = False, hours: float = 336.0, seed: int = 1) -> FlowResult:
    """Lots of ten parts from a source that always has one; machines of 20 and 30 s."""
    failures = FAILING if failing else {}
    line = Line.model_validate(
        {
            "sources": {"parts": {"parts_per_lot": 10}},
            "stations": {
                "press": {
                    "kind": "serial",
                    "from": "parts",
                    "parallel": parallel,
                    "machines": {
                        "fast": {"cycle": {"law": "deterministic", "value_s": 20.0}},
                        "slow": {"cycle": {"law": "deterministic", "value_s": 30.0}, "failures": failures},
                    },
                }
            },
            "sinks": {"done": {"from": "press"}},
        }
    )
    spec = Run.model_validate({"horizon_h": hours, "warmup_h": 168.0, "seed": seed})
    return simulate_line(line, spec, seed=seed, engine="simpy")


@pytest.mark.parametrize("parallel", [1, 2, 5])
def test_output_goes_with_their_number(parallel: int) -> None:
    """A chain gives a part every 30 s; 168 h hold 20 160 of them, and the lot at either end of the week is cut."""
    flow = run(parallel)
    assert flow.sinks["done"].parts["part"] == pytest.approx(parallel * 20_160, abs=20 * parallel)
    press = flow.stations["press"]
    assert press.units == 2 * parallel
    assert press.state_ticks.sum() == 2 * parallel * 168 * 3_600_000_000
    # The slow machines always work, the fast ones for two thirds of the time.
    assert press.state_ticks[WORKING] / press.state_ticks.sum() == pytest.approx(5 / 6, abs=1e-3)


def test_each_breaks_down_by_itself() -> None:
    """Three weeks of four chains: 2 016 h at 0.8 of it working are about 1 613 breakdowns: time down to 2.8 %."""
    flow = run(4, failing=True, hours=672.0)
    press = flow.stations["press"]
    slow = press.state_ticks.sum() / 2
    # Availability 1 / (1 + 0.25); down share 0.2 within four standard deviations.
    assert press.state_ticks[DOWN] / slow == pytest.approx(0.2, abs=0.024)
    # Were all broken down at once, the four would do in step what one does alone.
    alone = run(1, failing=True, hours=672.0)
    assert press.failures != 4 * alone.stations["press"].failures
    assert flow.sinks["done"].parts["part"] == pytest.approx(4 * 3 * 20_160 * 0.8, rel=0.028)
