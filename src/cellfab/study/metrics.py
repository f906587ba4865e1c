"""Which key figures and curves a scenario or a fleet has, known before it is run."""

from __future__ import annotations

from dataclasses import replace

from cellfab.core.defects import MECHANISMS
from cellfab.fleet.file import LoadedFleet
from cellfab.outcome.curves import CURVES
from cellfab.replicate import simulate
from cellfab.run import key_figures
from cellfab.scenario import Scenario
from cellfab.study.subject import Subject

_TRIAL_H = 1.0


def known_curves(subject: Subject) -> tuple[str, ...]:
    """Names of the figures that are kept by week."""
    if isinstance(subject, LoadedFleet):
        from cellfab.fleet.result import FLEET_CURVES

        return tuple(FLEET_CURVES)
    return tuple(CURVES) if subject.is_plant else ("throughput_per_h",)


def known_metrics(subject: Subject) -> dict[str, bool]:
    """Names of all key figures; False for those that are a name themselves."""
    if isinstance(subject, LoadedFleet):
        from cellfab.fleet.result import figure_names

        return dict.fromkeys(figure_names(subject), True)
    return _metrics_of_line(subject)


def _metrics_of_line(scenario: Scenario) -> dict[str, bool]:
    """Of a scenario.

    They are read from an hour of the line, in which hardly anything happens: what is named only once it has happened
    (output of a product, a station converted, an escaped defect) is added.
    """
    run = scenario.spec.run.model_copy(
        update={"horizon_h": _TRIAL_H, "warmup_h": 0.0, "record": "summary", "ledger_rows": False}
    )
    short = replace(scenario, spec=scenario.spec.model_copy(update={"run": run}))
    products = list(scenario.spec.products)
    figures = key_figures(short, simulate(short, 1, engine=run.engine), dict.fromkeys(products, 1.0))
    names = {
        name: not (isinstance(kpi.value, str) or (kpi.value is None and not kpi.unit)) for name, kpi in figures.items()
    }
    line = scenario.spec.line
    made = dict.fromkeys([*products, *(name for source in line.sources.values() for name in source.products)])
    names |= {f"throughput_per_h.product.{name}": True for name in made}
    if scenario.spec.conversion is not None:
        names |= {f"converting_share.{name}": True for name in line.stations}
    if products:
        families = ("escape_ppm", "field_failures_ppm_10y")
        names |= {f"{family}.{name}": True for family in families for name in MECHANISMS}
    return names
