"""Battery-cell manufacturing yield and process simulator.

>>> import cellfab
>>> scenario = cellfab.load("ess_from_4680")
>>> result = cellfab.simulate(scenario)
>>> result.kpi["cost_usd_per_kwh"].value
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from cellfab.version import VERSION

if TYPE_CHECKING:
    from cellfab.errors import CellfabError, ConfigError
    from cellfab.result import Kpi, RunResult
    from cellfab.run import run_scenario as simulate
    from cellfab.scenario import Scenario
    from cellfab.scenario import load_scenario as load
    from cellfab.study.conduct import run_study
    from cellfab.study.plan import Study, load_study
    from cellfab.study.result import StudyResult

__version__ = VERSION
__all__ = [
    "CellfabError", "ConfigError", "Kpi", "RunResult", "Scenario", "Study", "StudyResult", "load", "load_study",
    "run_study", "simulate",
]  # fmt: skip

_HOMES = {
    "CellfabError": ("cellfab.errors", "CellfabError"),
    "ConfigError": ("cellfab.errors", "ConfigError"),
    "Kpi": ("cellfab.result", "Kpi"),
    "RunResult": ("cellfab.result", "RunResult"),
    "Scenario": ("cellfab.scenario", "Scenario"),
    "Study": ("cellfab.study.plan", "Study"),
    "StudyResult": ("cellfab.study.result", "StudyResult"),
    "load": ("cellfab.scenario", "load_scenario"),
    "load_study": ("cellfab.study.plan", "load_study"),
    "run_study": ("cellfab.study.conduct", "run_study"),
    "simulate": ("cellfab.run", "run_scenario"),
}


def __getattr__(name: str) -> Any:
    """Import on first use: `import cellfab` alone must stay instant, and `validate` must not load numba."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cellfab' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)
