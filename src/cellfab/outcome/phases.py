"""Stretches of calendar time of a run: phases of its conversion, and shocks."""

from __future__ import annotations

from cellfab.economics.shocks import span
from cellfab.replicate import Replicate
from cellfab.result import Phase
from cellfab.scenario import Scenario
from cellfab.units import TICKS_PER_H, TICKS_PER_WEEK


def phases_of(replicate: Replicate) -> tuple[Phase, ...]:
    """Phases of the conversion, in weeks from the start."""
    if replicate.conversion is None:
        return ()
    return tuple(
        Phase(phase.name, phase.start / TICKS_PER_WEEK, (phase.end or 0) / TICKS_PER_WEEK, phase.text)
        for phase in replicate.conversion.phases(replicate.flow.horizon)
    )


def shocks_of(scenario: Scenario) -> tuple[Phase, ...]:
    """Shocks within the run, in weeks from its start, in the order of their beginnings."""
    run = scenario.spec.run
    horizon = round(run.horizon_h * TICKS_PER_H)
    found = []
    for name, shock in scenario.spec.shocks.items():
        first, last = span(shock, run.start_date, horizon)
        text = shock.text or " ".join(filter(None, (shock.kind.replace("_", " "), shock.subject)))
        found.append(Phase(name, first / TICKS_PER_WEEK, last / TICKS_PER_WEEK, text))
    return tuple(sorted(found, key=lambda phase: phase.start_week))
