"""What is wrong with a study, seen from its scenarios: cases that are not feasible or comparable, figures of nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from cellfab.config.design_spec import Factor
from cellfab.config.loader import Base
from cellfab.config.problems import Problem, did_you_mean
from cellfab.config.tree_path import TreePath
from cellfab.errors import ConfigError
from cellfab.fleet.file import LoadedFleet
from cellfab.scenario import Scenario
from cellfab.study.binding import Binder
from cellfab.study.design import Level
from cellfab.study.design import level as level_at
from cellfab.study.file import StudyFile
from cellfab.study.footing import Footing, other_lots
from cellfab.study.subject import Subject


def problems_of_cases(faulty: Iterable[tuple[str, ConfigError]], cases: int) -> Iterator[Problem]:
    """Problems of scenarios, each once; of one that not every case has it is said where it was found first."""
    found: dict[Problem, list[str]] = {}
    for label, error in faulty:
        for problem in error.problems:
            assert isinstance(problem, Problem)
            found.setdefault(problem, []).append(label)
    for problem, labels in found.items():
        yield problem if len(labels) == cases else replace(problem, message=f"{problem.message} (in {labels[0]})")


def never_steady(file: StudyFile, subjects: Iterable[Subject]) -> Iterator[Problem]:
    """A warm-up is looked for where nothing ever settles."""
    if file.spec.warmup is None or file.spec.warmup.rule is None:
        return
    for subject in subjects:
        if not isinstance(subject, Scenario):
            continue
        spec = subject.spec
        moving = {"ramp": spec.ramp, "conversion": spec.conversion, "shocks": spec.shocks}
        named = next((name for name, one in moving.items() if one), None)
        if named is not None:
            message = f"looks for the steady state of '{subject.name}', which has a `{named}` and never comes to one"
            yield file.resolved.problem("warmup.rule", message, f"write fixed_h, or set {named}: !delete")
            return


def unlike(file: StudyFile, bases: Mapping[str, Base]) -> Iterator[Problem]:
    """Variants of which some are scenarios and some are fleets; and what is written that a fleet has no use for.

    Parameters
    ----------
    bases : mapping of str to Base
        By variant.
    """
    fleets = {name: "fleet" in base.tree.items for name, base in bases.items()}
    for name, is_fleet in fleets.items():
        first = next(iter(fleets))
        if is_fleet != fleets[first]:
            kinds = ("a fleet", "a scenario") if is_fleet else ("a scenario", "a fleet")
            written, where = file.scenario_of(name)
            message = f"'{written}' is {kinds[0]}, and '{first}' is {kinds[1]}: they have no figures in common"
            yield file.resolved.problem(where, message, "write two studies")
    for key, reason in _NOT_OF_FLEETS.items() if True in fleets.values() else ():
        if file.resolved.get(key) is not None:
            message = f"goes with a scenario, and this is a study of a fleet: {reason}"
            yield file.resolved.problem(key, message, "remove it")


_NOT_OF_FLEETS = {
    "warmup": "its market has dates, and every week of it counts",
    "variance_reduction": "its only luck is how late each plant is, of which nothing is known that could be taken off",
}


def incomparable(file: StudyFile, footings: Mapping[str, Footing]) -> Iterator[Problem]:
    """Variants that cannot be paired with the reference, and why."""
    comparison = file.spec.comparison
    if comparison is None or not comparison.paired:
        return
    reference = footings[comparison.reference]
    for name, one in footings.items():
        source = other_lots(reference.lots, one.lots)
        if source is None:
            continue
        yield file.resolved.problem(
            "comparison.paired" if file.resolved.get("comparison.paired") is not None else "comparison",
            f"'{name}' and '{comparison.reference}' cut their material into different lots (line.sources.{source}), so"
            " the same random numbers do not mean the same things in both",
            "write comparison: {reference: ..., paired: false}",
        )


def unfit_selection(file: StudyFile, cases: int) -> Iterator[Problem]:
    """A choice between too few cases, or with too little for all of them."""
    selection, problem = file.spec.selection, file.resolved.problem
    if selection is None:
        return
    if cases < 2:
        yield problem("selection", "a choice needs at least two cases: variants, or values of factors")
    elif selection.kind == "ocba" and selection.total < cases * selection.first:
        message = f"{cases} cases with `first` {selection.first} take {cases * selection.first} replicates already"
        yield problem("selection.total", message)
    elif selection.kind == "kim_nelson" and selection.probability <= 1.0 / cases:
        yield problem("selection.probability", f"of {cases} cases any is the best with probability {1 / cases:.2g}")


def unfit_ends(binder: Binder) -> Iterator[Problem]:
    """Ends of the factors' ranges, or values, that a search could only fail with: wherever the other factors are."""
    file = binder.file
    if file.spec.search is None:
        return
    (variant,) = file.variants
    levels = {name: list(_levels(factor)) for name, factor in file.spec.factors.items()}
    for name, own in levels.items():
        others = [{other: ends[place] for other, ends in levels.items() if other != name} for place in (0, -1)]
        faulty = []
        for level in own:
            errors = [_error(binder, variant, {**rest, name: level}) for rest in ({}, *others)]
            if errors[0] is not None and None not in errors:
                faulty.append((f"{name} = {level.value}", errors[0]))
        yield from problems_of_cases(faulty, len(own))


def _levels(factor: Factor) -> Iterator[Level]:
    if factor.values is not None:
        yield from (Level(place, value) for place, value in enumerate(factor.values))
    else:
        yield from (level_at(factor, share) for share in (0.0, 1.0))


def _error(binder: Binder, variant: str, point: Mapping[str, Level]) -> ConfigError | None:
    try:
        binder.bind(variant, point)
    except ConfigError as error:
        return error
    return None


def unknown_metrics(file: StudyFile, subjects: Iterable[Subject]) -> Iterator[Problem]:
    """Figures that no case of the study has, and names where a number is needed."""
    named = list(_figures(file))
    if not named:
        return
    from cellfab.study.metrics import known_metrics

    numeric: dict[str, bool] = {}
    of_fleets = False
    for subject in subjects:
        of_fleets = of_fleets or isinstance(subject, LoadedFleet)
        for name, is_number in known_metrics(subject).items():
            numeric[name] = numeric.get(name, True) and is_number
    for name, where, key, number in named:
        if name not in numeric:
            hint = did_you_mean(name, numeric)
            if of_fleets and not hint:
                families = dict.fromkeys(one.partition(".")[0] for one in numeric)
                hint = f"a fleet has {', '.join(families)}; of a year: sold_gwh.2028, of a plant: sold_gwh.plant.NAME"
            yield file.resolved.problem(where, f"nobody computes a figure '{name}'", hint, key=key)
        elif number and not numeric[name]:
            yield file.resolved.problem(number, f"'{name}' is a name, and {_ONLY_NUMBERS[str(number[0])]}")


_ONLY_NUMBERS = {
    "metrics": "only numbers have a half-width",
    "selection": "only of numbers one is the best",
    "search": "only numbers can be sought or limited",
    "ranking": "only changes of numbers can be ranked",
}


def _figures(file: StudyFile) -> Iterator[tuple[str, TreePath, bool, TreePath]]:
    """Every figure that the study names: where, whether it is a key there, and the place that makes it be a number."""
    spec = file.spec
    for name, metric in spec.metrics.items():
        where: TreePath = ("metrics", name)
        yield name, where, True, () if metric.half_width_share is None else (*where, "half_width_share")
    if spec.selection is not None:
        where = ("selection", "metric")
        yield spec.selection.metric, where, False, where
    if spec.ranking is not None:
        where = ("ranking", "metric")
        yield spec.ranking.metric, where, False, where
    if spec.search is not None:
        for group in ("objectives", "constraints"):
            for name in getattr(spec.search, group):
                where = ("search", group, name)
                yield name, where, True, where
