"""What a selection or a search cannot go together with in the same study file."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from cellfab.config.problems import Problem
from cellfab.config.resolved import Resolved
from cellfab.config.study_spec import StudySpec

_RANGE_HINT = "such as replicates: 3"


def adaptive_contradictions(spec: StudySpec, resolved: Resolved) -> Iterator[Problem]:
    """Blocks that decide about the same thing, and what is missing for those that are there."""
    problem = resolved.problem
    if spec.selection is not None and spec.search is not None:
        yield problem("search", "a study has a `selection` or a `search`, not both", "write two files", key=True)
        return
    block = "selection" if spec.selection is not None else "search" if spec.search is not None else None
    if block is None:
        return
    if spec.analysed:
        where = "uncertain" if spec.uncertain is not None else "design"
        message = f"a sample that is analysed as a whole leaves nothing for a {block}"
        yield problem(where, message, "write two files", key=True)
        return
    for name, metric in spec.metrics.items():
        if metric.half_width_share is not None:
            yield problem(("metrics", name, "half_width_share"), f"decides nothing, for the {block} says what is run")
    if spec.selection is not None and "replicates" in spec.model_fields_set:
        hint = "write its `first` and `most`, or `total`, there"
        yield problem("replicates", "the selection says how many replicates there are", hint, key=True)
    if spec.search is not None:
        yield from _of_search(spec, resolved)


def _of_search(spec: StudySpec, resolved: Resolved) -> Iterator[Problem]:
    assert spec.search is not None
    problem = resolved.problem
    if not spec.factors:
        hint = "such as factors: {speed: {path: line.stations.weld.params.speed_mm_per_s, low: 150, high: 300}}"
        yield problem("search", "there are no `factors` to search", hint, key=True)
    if spec.fixed is None:
        yield problem("replicates", "a search runs every point the same number of times", _RANGE_HINT, key=True)
    if "design" in spec.model_fields_set:
        yield problem("design", "a search proposes its points itself: remove the design", key=True)
    if spec.variants is not None and len(spec.variants) > 1:
        message = "a search changes one scenario, and there are several variants"
        yield problem("variants", message, "make what they differ in a factor with `values`", key=True)
    if spec.comparison is not None:
        yield problem("comparison", "a search has no variants to compare: remove the comparison", key=True)
    if spec.search.sampler == "optuna" and find_spec("optuna") is None:
        hint = "pip install 'cellfab[opt]', or write sampler: evolution"
        yield problem("search.sampler", "needs Optuna, which is not installed", hint)
