"""What is wrong with the levers of a study: what they cannot go together with, and levers that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cellfab.config.problems import Problem, did_you_mean
from cellfab.config.resolved import Resolved
from cellfab.config.study_spec import StudySpec

if TYPE_CHECKING:
    from cellfab.study.plan import Study


def lever_contradictions(spec: StudySpec, resolved: Resolved) -> Iterator[Problem]:
    """Levers without a figure to rank them by, or beside what is no single scenario."""
    problem = resolved.problem
    if spec.levers is None:
        if spec.ranking is not None:
            yield problem("ranking", "there are no `levers` to rank", key=True)
        return
    if spec.ranking is None:
        hint = "such as ranking: {metric: good_energy_mwh}"
        yield problem("levers", "no `ranking` says by which figure they are ranked", hint, key=True)
    others = {"selection": spec.selection, "search": spec.search, "uncertain": spec.uncertain, "factors": spec.factors}
    for name, one in others.items():
        if one:
            message = f"each lever changes one scenario, and `{name}` makes many of it"
            yield problem(name, message, "write two files", key=True)
    own = list(spec.variants or ())
    if len(own) > 1:
        message = f"levers change one scenario, and there are {len(own)} variants"
        yield problem(("variants", own[1]), message, "keep the first, and make levers of the others", key=True)
    for name in spec.levers:
        if name in own:
            yield problem(("levers", name), f"there is a variant '{name}' already", key=True)
    comparison = spec.comparison
    if comparison is not None and (comparison.reference in spec.levers or not comparison.paired):
        where = "comparison.reference" if comparison.paired else "comparison.paired"
        yield problem(where, "levers are compared with the scenario that they change, in pairs", "remove `comparison`")


def idle_levers(study: Study) -> Iterator[Problem]:
    """Levers whose scenario is the one that they were to change."""
    spec = study.spec
    if spec.levers is None or spec.comparison is None:
        return
    scenarios = {case.variant: case.scenario for case in study.cases}
    for name in spec.levers:
        if name in scenarios and scenarios[name] == scenarios[spec.comparison.reference]:
            message = "changes nothing: every value that it sets is as it was"
            yield study.resolved.problem(("levers", name), message, key=True)


def unknown_curve(study: Study) -> Iterator[Problem]:
    """A target in a figure that is not kept by week."""
    ranking = study.spec.ranking
    if ranking is None or ranking.target is None or not study.payloads:
        return
    from cellfab.study.metrics import known_curves
    from cellfab.study.task import unpacked

    known = known_curves(unpacked(study.payloads[study.cases[0].scenario]))
    name = ranking.target.curve
    if name not in known:
        hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
        yield study.resolved.problem("ranking.target.curve", f"no figure '{name}' is kept by week", hint)
