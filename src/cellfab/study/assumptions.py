"""The study that finds which assumptions of a scenario or a fleet move a figure most, written as a file to change."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from cellfab.config.loader import load
from cellfab.fleet.file import LoadedFleet
from cellfab.study.subject import Subject, SubjectReader
from cellfab.study.written import base_of, setting_line, write_study

_STUDY = """\
name: {name}
description: Which values that are not known exactly move {metric} most?
base: {base}
{variants}uncertain: {{values: {values}}}
design: {{kind: one_at_a_time, keep: {keep}}}
replicates: {{least: 1, most: {replicates}}}
metrics: {{{metric}: {{}}}}
"""


def write_assumptions_study(
    config: str,
    store: Path,
    *,
    metric: str | None = None,
    settings: Sequence[str] = (),
    keep: int = 20,
    replicates: int = 4,
    assumed: bool = False,
) -> Path:
    """Write a study that moves every uncertain value of a scenario, or of a fleet's own file, alone.

    Parameters
    ----------
    config : str
        A scenario or fleet file, or the name of a shipped one.
    store : Path
        Folder in which the study is written, made if there is none.
    metric : str, optional
        The figure; default: cost per kWh, of a bare line its throughput, of a fleet its margin.
    settings : sequence of str
        "path=value" each, as given to `--set`.
    keep, replicates : int
        How many values are looked at again, and in how many replicates.
    assumed : bool
        Only values whose source says `assumption`.

    Raises
    ------
    ConfigError
        If the scenario, with the settings, is wrong.
    """
    subject = SubjectReader().bind(load(config, settings))
    metric = metric or _headline(subject)
    changes = "".join(f"      {setting_line(one)}\n" for one in settings)
    text = _STUDY.format(
        name=json.dumps(f"assumptions of {subject.name}"),
        metric=json.dumps(metric) if re.search(r"[^0-9A-Za-z_.-]", metric) else metric,
        base=json.dumps(base_of(config)),
        variants=f"variants:\n  {json.dumps(subject.name)}:\n    set:\n{changes}" if changes else "",
        values="assumptions" if assumed else "all",
        keep=keep,
        replicates=replicates,
    )
    return write_study(store, "assumptions", subject.name, text)


def _headline(subject: Subject) -> str:
    if isinstance(subject, LoadedFleet):
        return "margin_musd"
    return "cost_usd_per_kwh" if subject.is_plant else "throughput_per_h"
