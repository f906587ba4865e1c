"""Share of a run's time that posting to the ledger takes: `python benchmarks/ledger_cost.py`.

Every call from outside into the ledger is timed while the run goes on, so that the share is rather too high than too
low: the clock itself is counted as posting. The budget is a tenth of the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cellfab.core.ledger import Ledger
from cellfab.replicate import simulate
from cellfab.scenario import Scenario, load_scenario

BUDGET_SHARE = 0.10
POSTING = (
    *("charge", "bill", "charge_bill", "charge_lot", "scrap", "scrap_each", "finish", "give_back", "pass_on"),
    *("earn", "carried", "debited"),
)
SCENARIOS = ("ev_4680_dry", "ess_lfp_prismatic")
HORIZON_H = 2016
REPEATS = 3


class Watch:
    """Time and calls within the ledger; a call that the ledger makes to itself belongs to the first."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls: dict[str, int] = {}
        self._inside = False

    def timed(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method with a clock around it."""

        def call(*args: Any, **kwargs: Any) -> Any:
            if self._inside:
                return method(*args, **kwargs)
            self._inside = True
            began = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began
                self._inside = False
                self.calls[name] = self.calls.get(name, 0) + 1

        return call


def posting_share(scenario: Scenario) -> tuple[float, float, dict[str, int]]:
    """Seconds of one replicate, the share of them spent in the ledger, and the calls made to it."""
    watch = Watch()
    kept = {name: getattr(Ledger, name) for name in POSTING}
    try:
        for name, method in kept.items():
            setattr(Ledger, name, watch.timed(name, method))
        began = time.perf_counter()
        simulate(scenario, 1)
        seconds = time.perf_counter() - began
    finally:
        for name, method in kept.items():
            setattr(Ledger, name, method)
    return seconds, watch.seconds / seconds, watch.calls


def main() -> None:
    """Print the least share of several runs of each scenario."""
    for name in SCENARIOS:
        scenario = load_scenario(name, [f"run.horizon_h={HORIZON_H}"])
        simulate(load_scenario(name, ["run.horizon_h=168"]), 1)
        seconds, share, calls = min((posting_share(scenario) for _ in range(REPEATS)), key=lambda one: one[1])
        kinds = ", ".join(f"{count:,} {method}" for method, count in sorted(calls.items(), key=lambda item: -item[1]))
        print(f"{name}: {share:.1%} of {seconds:.2f} s (budget {BUDGET_SHARE:.0%}); {kinds}")


if __name__ == "__main__":
    main()
