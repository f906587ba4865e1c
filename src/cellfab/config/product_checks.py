"""Products that cannot be made side by side, and a conversion from a product that is not made.

A step that merges (winding, stacking) makes one lot out of lots for the same product. A branch that brings no lot for a
product of the others lets these pile up, week after week, until the line stands still. Stations without a step merge
whatever comes: on a bare line a product is a name, and what leaves has that of the feed named first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from cellfab.config.line_graph import Graph
from cellfab.config.line_spec import Source
from cellfab.config.plant_of_lines import PlantOfLines, differences_path
from cellfab.config.problems import Problem, listed
from cellfab.config.resolved import Resolved
from cellfab.config.tree_path import TreePath


def product_problems(resolved: Resolved, plant: PlantOfLines) -> Iterator[Problem]:
    """Everything that keeps the products of a plant from being made on its lines.

    Parameters
    ----------
    resolved : Resolved
        Where things are written.
    plant : PlantOfLines
        Its line, or all of them, without problems of their own.
    """
    contradictions = list(_before_the_stop(resolved, plant))
    yield from contradictions or _merges(resolved, plant)


def _merges(resolved: Resolved, plant: PlantOfLines) -> Iterator[Problem]:
    graph = Graph.of(plant.spec.line, ("line",))
    origins: dict[str, tuple[str, ...]] = {}  # by node: the sources that name the product of what it gives
    for name in graph.in_order():
        node = graph.nodes[name]
        if isinstance(node, Source):
            origins[name] = (name,)
            continue
        branches = {tie.giver: origins[tie.giver] for tie in graph.feeds[name]}
        if isinstance(node.feed, dict):
            origins[name] = next(iter(branches.values()))
            if getattr(node, "step", None) is not None:
                yield from _apart(resolved, plant, name, branches)
        else:
            origins[name] = tuple(dict.fromkeys(source for found in branches.values() for source in found))


def _apart(
    resolved: Resolved, plant: PlantOfLines, station: str, branches: Mapping[str, tuple[str, ...]]
) -> Iterator[Problem]:
    """What keeps the lots of the branches of one merge from being for the same products."""
    sources = plant.spec.line.sources
    if any("products" not in sources[name].model_fields_set for found in branches.values() for name in found):
        return  # a source that does not say for which product has been reported
    brought = {giver: {one for name in found for one in sources[name].products} for giver, found in branches.items()}
    everything = dict.fromkeys(one for found in branches.values() for name in found for one in sources[name].products)
    whole = True
    for product in everything:
        without = [giver for giver, products in brought.items() if product not in products]
        if not without:
            continue
        whole = False
        giver = next(giver for giver, products in brought.items() if product in products)
        source = next(name for name in branches[giver] if product in sources[name].products)
        message = (
            f"'{_as_written(plant, station)}' makes one lot out of lots for the same product, and "
            f"{_quoted(plant, without)} {'brings' if len(without) == 1 else 'bring'} none for {product}: "
            f"those of '{_as_written(plant, giver)}' would pile up"
        )
        lacking = list(dict.fromkeys(name for one in without for name in branches[one]))
        hint = f"add {product} to the products of {_quoted(plant, lacking)}, or take it away here"
        yield resolved.problem(_path(resolved, plant, source, product), message, hint, key=True)
    if whole and all(len(found) == 1 for found in branches.values()):
        yield from _uneven(resolved, plant, station, [found[0] for found in branches.values()])


def _uneven(resolved: Resolved, plant: PlantOfLines, station: str, names: list[str]) -> Iterator[Problem]:
    """Branches that bring the same products, but more of one than the others do."""
    sources = plant.spec.line.sources
    first, wanted = _as_written(plant, names[0]), _shares(sources[names[0]])
    for name in names[1:]:
        for product, share in _shares(sources[name]).items():
            there = wanted[product]
            if share != there:
                message = (
                    f"'{_as_written(plant, station)}' makes one lot out of lots for the same product, and of those from"
                    f" here {share.numerator} in {share.denominator} are for {product}, of those of '{first}'"
                    f" {there.numerator} in {there.denominator}: what is too many would pile up"
                )
                campaigns = listed(f"{one}: {lots}" for one, lots in sources[names[0]].products.items())
                hint = f"write the same campaigns as there: {{{campaigns}}}"
                yield resolved.problem(_path(resolved, plant, name, product), message, hint)
                break


def _shares(source: Source) -> dict[str, Fraction]:
    lots = sum(source.products.values())
    return {product: Fraction(count, lots) for product, count in source.products.items()}


def _before_the_stop(resolved: Resolved, plant: PlantOfLines) -> Iterator[Problem]:
    """Sources of lines to be converted that make another product than the one that is to be given up."""
    conversion = plant.spec.conversion
    if conversion is None or conversion.product_from is None:
        return
    for name, source in plant.spec.line.sources.items():
        line = plant.layout.line_of.get(name)
        if "products" not in source.model_fields_set or (conversion.lines and line not in conversion.lines):
            continue
        for product in source.products:
            if product != conversion.product_from:
                message = f"the line makes {product} before it stops, and is converted from {conversion.product_from}"
                hint = f"write products: {{{conversion.product_from}: 1}}, or change conversion.product_from"
                yield resolved.problem(_path(resolved, plant, name, product), message, hint, key=True)


def _path(resolved: Resolved, plant: PlantOfLines, source: str, product: str) -> TreePath:
    """Where a product of a source is written: for its line alone, or for all lines."""
    own: TreePath = ("sources", _as_written(plant, source), "products", product)
    line = plant.layout.line_of.get(source)
    if line is not None and resolved.get((*differences_path(line), *own)) is not None:
        return (*differences_path(line), *own)
    return ("line", *own)


def _as_written(plant: PlantOfLines, node: str) -> str:
    return plant.layout.written.get(node, node)


def _quoted(plant: PlantOfLines, nodes: list[str]) -> str:
    names = [f"'{_as_written(plant, node)}'" for node in nodes]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
