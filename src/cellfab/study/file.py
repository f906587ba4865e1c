"""Reading a study file: its spec, and the values it sets with the places where they were written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from cellfab.config.loader import check
from cellfab.config.merge import unwrap_sourced
from cellfab.config.overrides import Assignment
from cellfab.config.problems import Location, Problem, config_error, did_you_mean
from cellfab.config.resolved import Resolved, resolve
from cellfab.config.study_spec import BASE, Comparison, Replicates, StudySpec, Variant
from cellfab.config.tree_path import TreePath, parse_path
from cellfab.config.yaml_reader import Deletion, Mapping, Node, Scalar, Sequence, parse, read_source, shown_name
from cellfab.study.adaptive_checks import adaptive_contradictions
from cellfab.study.lever_checks import lever_contradictions


class FactorPlace(NamedTuple):
    """A path that a factor moves, where it was written, and the values as written (none for a range)."""

    factor: str
    path: TreePath
    location: Location
    values: tuple[Node, ...]

    def assignment(self, position: int | None, value: object) -> Assignment:
        """Set the value at `position` of the list, or a drawn one."""
        node = self.values[position] if position is not None else Scalar(value, self.location)
        return Assignment(self.path, [self.location] * len(self.path), node)


@dataclass(frozen=True)
class StudyFile:
    """A study file, read and checked as far as that goes without its scenarios.

    Attributes
    ----------
    path : Path
    spec : StudySpec
    resolved : Resolved
        For the places of everything.
    changes : mapping of str to tuple of Assignment
        By variant: what it sets itself.
    places : tuple of FactorPlace
        Of all factors, in the order written.
    """

    path: Path
    spec: StudySpec
    resolved: Resolved
    changes: dict[str, tuple[Assignment, ...]]
    places: tuple[FactorPlace, ...]

    @cached_property
    def variants(self) -> dict[str, Variant]:
        """The variants, or the base as the only one; and levers, each of which extends the first."""
        own = self.spec.variants or {BASE: Variant()}
        levers = (self.spec.levers or {}).items()
        first = next(iter(own))
        return own | {name: Variant(extends=first, changes=one.changes, text=one.text) for name, one in levers}

    def chain(self, name: str) -> list[str]:
        """A variant and those it extends, the lowest first."""
        names = [name]
        while (parent := self.variants[names[-1]].extends) in self.variants and parent not in names:
            assert parent is not None
            names.append(parent)
        return names[::-1]

    def scenario_of(self, name: str) -> tuple[str, TreePath]:
        """The scenario that a variant changes, and where in the study it is named."""
        lowest = self.chain(name)[0]
        extends = self.variants[lowest].extends
        if extends is None or extends in self.variants:
            return self.spec.base, ("base",)
        return extends, ("variants", lowest, "extends")

    def assignments(self, name: str) -> list[Assignment]:
        """Everything that a variant sets, in order."""
        return [*self._warmup(), *(one for link in self.chain(name) for one in self.changes.get(link, ()))]

    def _warmup(self) -> list[Assignment]:
        """The study's warm-up, of every scenario."""
        warmup = self.spec.warmup
        if warmup is None:
            return []
        place = self.resolved.location("warmup.rule" if warmup.rule else "warmup.fixed_h")
        values = {"warmup_rule": warmup.rule or "fixed", "warmup_h": warmup.fixed_h or 0.0}
        return [Assignment(("run", name), [place, place], Scalar(value, place)) for name, value in values.items()]


def is_study(path: Path) -> bool:
    """Whether a YAML file is a study: it has a `base`, which no scenario has."""
    source = read_source(path, shown_name(path))
    root = None if isinstance(source, Problem) else parse(source)[0]
    return isinstance(root, Mapping) and "base" in root.items and "line" not in root.items


def read_study(path: Path) -> StudyFile:
    """Read and check a study file.

    Raises
    ------
    ConfigError
        With every problem of the file, located.
    """
    source = read_source(path, shown_name(path))
    if isinstance(source, Problem):
        raise config_error([source])
    root, problems = parse(source)
    if not isinstance(root, Mapping):
        if not problems:
            problems = [Problem(Location(source), "", "is not a study: write name, base, variants, ...")]
        raise config_error(problems)
    if "base" not in root.items and "line" in root.items:
        problem = Problem(root.keys["line"], "", "is a scenario, not a study", "a study names a scenario as its `base`")
        raise config_error([problem])
    changes = _changes(root, problems)
    nodes = _factor_nodes(root, problems)
    unwrap_sourced(root)
    resolved = resolve(path.stem, root, (path,), (source,), {}, problems)
    spec, found = check(resolved, StudySpec)
    problems += found
    if spec is None:
        raise config_error(problems)
    if spec.levers is not None and spec.comparison is None:
        spec = spec.model_copy(update={"comparison": Comparison(reference=next(iter(spec.variants or (BASE,))))})
    file = StudyFile(path, spec, resolved, changes, nodes)
    problems += _contradictions(file)
    if problems:
        raise config_error(problems)
    return file


def _changes(root: Mapping, problems: list[Problem]) -> dict[str, tuple[Assignment, ...]]:
    """Assignments of each variant and lever; in the tree, what is deleted becomes nothing."""
    changes: dict[str, tuple[Assignment, ...]] = {}
    groups = [group for key in ("variants", "levers") if isinstance(group := root.items.get(key), Mapping)]
    for name, variant in (item for group in groups for item in group.items.items()):
        written = variant.items.get("set") if isinstance(variant, Mapping) else None
        if not isinstance(written, Mapping):
            continue
        found = []
        for text, node in written.items.items():
            place = written.keys[text]
            path = _path(text, place, problems)
            if path:
                found.append(Assignment(path, [place] * len(path), node))
            written.items[text] = _kept(node)
        changes[name] = tuple(found)
    return changes


def _kept(node: Node) -> Node:
    """A node with nothing in the places of what is to be deleted: in the study itself there is nothing to delete."""
    if isinstance(node, Deletion):
        return Scalar(None, node.location)
    if not isinstance(node, Mapping) or not any(map(_deletes, node.items.values())):
        return node
    return replace(node, items={key: _kept(inner) for key, inner in node.items.items()})


def _deletes(node: Node) -> bool:
    return isinstance(node, Deletion) or (isinstance(node, Mapping) and any(map(_deletes, node.items.values())))


def _factor_nodes(root: Mapping, problems: list[Problem]) -> tuple[FactorPlace, ...]:
    found = []
    factors = root.items.get("factors")
    for name, factor in factors.items.items() if isinstance(factors, Mapping) else ():
        if not isinstance(factor, Mapping):
            continue
        written, values = factor.items.get("path"), factor.items.get("values")
        nodes = tuple(values.items) if isinstance(values, Sequence) else ()
        for one in written.items if isinstance(written, Sequence) else [written]:
            if isinstance(one, Scalar) and isinstance(one.value, str):
                path = _path(one.value, one.location, problems)
                if path:
                    found.append(FactorPlace(name, path, one.location, nodes))
    return tuple(found)


def _path(text: str, place: Location, problems: list[Problem]) -> TreePath:
    try:
        path = parse_path(text)
    except ValueError as error:
        problems.append(Problem(place, text, str(error)))
        return ()
    if not path:
        problems.append(Problem(place, text, "expected a path, such as line.stations.weld.params.power_w"))
    return path


def _unreduced(file: StudyFile) -> Iterator[Problem]:
    """Where means are not estimated one by one, or there are half pairs."""
    spec, problem = file.spec, file.resolved.problem
    if spec.variance_reduction is None:
        return
    others = {"selection": spec.selection, "search": spec.search, "uncertain": spec.uncertain}
    named = next((name for name, one in others.items() if one is not None), None)
    named = named or (f"design of kind {spec.design.kind}" if spec.analysed else None)
    if named is not None:
        message = f"is for means over replicates; the {named} of this study takes replicates one by one"
        yield problem("variance_reduction", message, f"remove it, or the {named.partition(' ')[0]}", key=True)
    if spec.variance_reduction.antithetic:
        counts = {"replicates": spec.fixed}
        if not isinstance(spec.replicates, int):
            counts = {"replicates.least": spec.replicates.least, "replicates.most": spec.replicates.most}
        for where, count in counts.items():
            if count is not None and (count % 2 or count < 4):
                written = "replicates" if file.resolved.get(where) is None else where
                yield problem(written, f"antithetic replicates come in pairs, at least two: {count} is no such number")


def _contradictions(file: StudyFile) -> Iterator[Problem]:
    """What the parts of a study say against each other."""
    spec, problem = file.spec, file.resolved.problem
    for name in file.variants:
        chain = file.chain(name)
        if file.variants[chain[0]].extends in file.variants:
            message = f"variants extend each other in a circle: {' -> '.join([chain[-1], *chain])}"
            yield problem(("variants", name, "extends"), message)
    comparison = spec.comparison
    if comparison is not None and comparison.reference not in file.variants:
        hint = did_you_mean(comparison.reference, file.variants)
        yield problem("comparison.reference", f"there is no variant '{comparison.reference}'", hint)
    yield from adaptive_contradictions(spec, file.resolved)
    yield from lever_contradictions(spec, file.resolved)
    yield from _unreduced(file)
    if spec.factors and spec.design.kind == "list":
        lengths = {name: len(factor.values or ()) for name, factor in spec.factors.items() if factor.values}
        if len(set(lengths.values())) > 1:
            counted = ", ".join(f"{name} {length}" for name, length in lengths.items())
            yield problem(
                "design.kind", f"a list takes the values together, and there are not as many of each: {counted}"
            )
    for name, factor in spec.factors.items():
        if factor.values is None and spec.design.kind in ("grid", "list") and spec.search is None:
            message = f"has two ends, and a {spec.design.kind} needs `values`"
            yield problem(
                ("factors", name), message, "list the values, or draw points: design: {kind: sobol, samples: 64}"
            )
    if spec.design.kind not in ("grid", "list") and not spec.factors and spec.uncertain is None:
        what = "sample" if spec.design.sampled else "move"
        hint = "uncertain: {values: all} moves what is not known exactly" if spec.analysed else ""
        yield problem("design", f"there are no `factors` to {what}", hint)
    if spec.analysed:
        yield from _of_analysis(file)
    if spec.selection is not None or spec.search is not None:
        return
    precise = any(metric.half_width_share is not None for metric in spec.metrics.values())
    if isinstance(spec.replicates, Replicates) and spec.replicates.least < 2 and spec.design.keep is None:
        yield problem("replicates.least", "1 is less than 2, and one replicate has no scatter")
    if spec.fixed is None and not precise and not spec.analysed:
        hint = "such as metrics: {throughput_per_h: {half_width_share: 0.01}}"
        yield problem("replicates", "no metric has a `half_width_share` that could decide how many", hint)
    if spec.fixed is not None and precise:
        named = next(name for name, metric in spec.metrics.items() if metric.half_width_share is not None)
        message = f"decides nothing, for `replicates` is the fixed number {spec.fixed}"
        hint = f"write replicates: {{least: {max(2, min(5, spec.fixed))}, most: {max(20, spec.fixed)}}}"
        yield problem(("metrics", named, "half_width_share"), message, hint)


def _of_analysis(file: StudyFile) -> Iterator[Problem]:
    """What a study of uncertain values, or of which values matter, must have."""
    spec, problem = file.spec, file.resolved.problem
    kind, keep = spec.design.kind, spec.design.keep
    if spec.uncertain is not None and kind in ("grid", "list"):
        hint = (
            "write design: {kind: latin_hypercube, samples: 64}, or one of monte_carlo, sobol, one_at_a_time, morris,"
        )
        yield problem("uncertain", f"a {kind} lists values, and uncertain ones are drawn", f"{hint} saltelli")
    if not spec.metrics:
        where = "design" if file.resolved.get("design") is not None else "uncertain"
        hint = "such as metrics: {throughput_per_h: {}}"
        yield problem(where, "no `metrics` are named, and it is their scatter that is looked into", hint)
    if keep is None:
        if spec.fixed is None:
            message = "a sample is analysed as a whole: every point has the same number of replicates"
            yield problem("replicates", message, "write a number, such as replicates: 2")
        return
    if spec.fixed is not None:
        message = f"needs replicates: {{least: 1, most: 8}} to know which numbers, and `replicates` is {spec.fixed}"
        yield problem("design.keep", message)
    if spec.comparison is not None:
        yield problem("design.keep", "variants that are compared have the same number of replicates everywhere")
    if any(metric.half_width_share is not None for metric in spec.metrics.values()):
        yield problem("design.keep", "decides how many replicates there are, so no `half_width_share` can")
