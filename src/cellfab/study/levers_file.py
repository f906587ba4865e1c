"""The study that ranks the levers of a scenario, written as a file that can be changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from cellfab.config.problems import did_you_mean
from cellfab.errors import UsageError
from cellfab.scenario import Scenario, load_scenario
from cellfab.study.default_lever import DefaultLever
from cellfab.study.default_levers import KINDS, default_levers
from cellfab.study.written import base_of, setting_line, write_study

REPLICATES = 5
LEAST_FOR_PRECISION = 4
MOST_FOR_PRECISION = 100
_LESS_IS_BETTER = ("cost", "weeks_", "scrap", "wait", "lead_time", "wip", "escape", "co2", "energy_", "down_share",
                   "starved", "blocked", "payback", "peak_cash", "failures")  # fmt: skip
"""Beginnings and parts of names of figures that are better when smaller; the study can say otherwise."""
_SHOWN_OF_PLANT = ("good_energy_mwh", "cost_usd_per_kwh", "weeks_to_90pct_yield")
_SHOWN_OF_LINE = ("throughput_per_h",)
_SHOWN_OF_TESTS = "escape_ppm"
"""What a looser test lets through."""


def goal_of(metric: str) -> str:
    """Whether a figure is better when largest or smallest, by its name."""
    if metric.startswith("good_energy"):
        return "largest"
    return "smallest" if any(part in metric for part in _LESS_IS_BETTER) else "largest"


def write_levers_study(
    config: str,
    store: Path,
    *,
    metric: str | None = None,
    settings: Sequence[str] = (),
    kinds: Sequence[str] = (),
    replicates: int = REPLICATES,
    precision: float | None = None,
    target: float | None = None,
) -> Path:
    """Write a study whose variants are the levers of a scenario.

    Parameters
    ----------
    config : str
        A scenario file, or the name of a shipped one.
    store : Path
        Folder in which the study is written, made if there is none.
    metric : str, optional
        The figure by which levers are ranked; default: good energy, of a bare line its throughput.
    settings : sequence of str
        "path=value" each, as given to `--set`.
    kinds : sequence of str
        Of `default_levers.KINDS`; none: all.
    replicates : int
        Of the scenario, and of each lever.
    precision : float, optional
        Half-width over mean of the figure at which it is known well enough; then replicates are as many as it takes.
    target : float, optional
        Line yield (of a bare line throughput) whose week is compared.

    Raises
    ------
    ConfigError
        If the scenario, with the settings, is wrong.
    UsageError
        If it has no such lever.
    """
    for kind in kinds:
        if kind not in KINDS:
            hint = did_you_mean(kind, KINDS) or f"known: {', '.join(KINDS)}"
            raise UsageError(f"there is no kind of lever '{kind}'; {hint}")
    scenario = load_scenario(config, settings)
    levers = [one for one in default_levers(scenario) if not kinds or one.kind in kinds]
    if not levers:
        raise UsageError(f"'{scenario.name}' has no levers of kind {' or '.join(kinds)}")
    text = _text(scenario, base_of(config), levers, metric, settings, replicates, precision, target)
    return write_study(store, "levers", scenario.name, text)


def _text(
    scenario: Scenario,
    base: str,
    levers: Sequence[DefaultLever],
    metric: str | None,
    settings: Sequence[str],
    replicates: int,
    precision: float | None,
    target: float | None,
) -> str:
    plant = scenario.is_plant
    shown = _SHOWN_OF_PLANT if plant else _SHOWN_OF_LINE
    if any(one.kind == "inspection" for one in levers):
        shown = (*shown, _SHOWN_OF_TESTS)
    metric = metric or shown[0]
    lines = [
        f"name: {json.dumps(f'levers of {scenario.name}')}",
        "description: What is each of these worth, alone?",
        f"base: {json.dumps(base)}",
    ]
    if settings:
        lines += ["variants:", "  as_is:", "    set:", *(f"      {setting_line(one)}" for one in settings)]
    if precision is None:
        lines.append(f"replicates: {replicates}")
    else:
        least = max(2, min(replicates, LEAST_FOR_PRECISION))
        lines.append(f"replicates: {{least: {least}, most: {MOST_FOR_PRECISION}}}")
    known = "{}" if precision is None else f"{{half_width_share: {precision!r}}}"
    figures = dict.fromkeys((metric, *shown), "{}") | {metric: known}
    lines.append(f"metrics: {{{', '.join(f'{json.dumps(name)}: {value}' for name, value in figures.items())}}}")
    aim = ""
    if target is not None:
        aim = f", target: {{curve: {'line_yield' if plant else 'throughput_per_h'}, least: {target!r}}}"
    lines += [f"ranking: {{metric: {json.dumps(metric)}, goal: {goal_of(metric)}{aim}}}", "levers:"]
    for one in levers:
        lines += [f"  {json.dumps(one.name)}:", f"    text: {json.dumps(one.text)}"]
        if one.amount is not None:
            lines += [f"    amount: {one.amount!r}", f"    unit: {json.dumps(one.unit)}"]
        lines += [
            "    set:",
            *(f"      {json.dumps(path)}: {json.dumps(value)}" for path, value in one.settings.items()),
        ]
    return "\n".join(lines) + "\n"
