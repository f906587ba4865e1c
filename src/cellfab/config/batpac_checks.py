"""Reading a cost file: what its spec cannot say alone, each problem at its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cellfab.config.batpac_spec import BillItem, CostSpec, CostTables, Rates
from cellfab.config.loader import check, load
from cellfab.config.problems import Problem, config_error, did_you_mean
from cellfab.config.resolved import Resolved
from cellfab.config.tree_path import TreePath

TABLES = "batpac/tables"
"""The shipped tables, with which plant scenarios are costed."""
TABLE_KEYS = tuple(name for name in CostTables.model_fields if name not in ("name", "description"))
"""Top-level keys of the tables: `--set` options with one of these reach them, also beside a scenario."""
_MACHINES = ("line", "economics")
"""Keys of a plant of machines, with capital per station."""


def is_cost_file(resolved: Resolved) -> bool:
    """Whether a configuration has a process table.

    Raises
    ------
    ConfigError
        If it has a line of machines, too: capital would count twice, and economies of scale with it.
    """
    if "process" not in resolved.tree:
        return False
    problems = [
        resolved.problem(
            key,
            "a cost file scales a plant by a power law, which holds its machines already; with these they count twice",
            "keep `process`, or cost the scenario itself: it takes the tables that are shipped",
            key=True,
        )
        for key in _MACHINES
        if key in resolved.tree
    ]
    if problems:
        raise config_error(problems)
    return True


def load_cost_file(path_or_name: str | Path, overrides: Sequence[str] = ()) -> tuple[CostSpec, Resolved]:
    """Read and check a cost file.

    Raises
    ------
    ConfigError
        With every problem, located.
    """
    resolved = load(path_or_name, overrides)
    is_cost_file(resolved)
    spec, problems = check(resolved, CostSpec)
    if spec is not None:
        problems = [*table_problems(resolved, spec), *_product_problems(resolved, spec)]
    if spec is None or problems:
        raise config_error(problems)
    return spec, resolved


def load_tables(path_or_name: str | Path = TABLES, overrides: Sequence[str] = ()) -> CostTables:
    """The tables alone, of a file that may have a product besides.

    Raises
    ------
    ConfigError
        With every problem, located.
    """
    resolved = load(path_or_name, overrides)
    is_cost_file(resolved)
    for key in CostSpec.model_fields.keys() - CostTables.model_fields.keys():
        resolved.tree.pop(key, None)
    spec, problems = check(resolved, CostTables)
    if spec is not None:
        problems = list(table_problems(resolved, spec))
    if spec is None or problems:
        raise config_error(problems)
    return spec


def table_problems(resolved: Resolved, tables: CostTables) -> Iterator[Problem]:
    """Steps that do not exist, and steps whose rate the baseline plant does not have."""
    process = tables.process
    for index, name in enumerate(process.without):
        if name not in process.steps:
            hint = did_you_mean(name, process.steps)
            yield resolved.problem(("process", "without", index), f"the table has no step '{name}'", hint)
    for name, step in process.steps.items():
        if step.basis != "cells_or_area" and getattr(process.baseline.rates, step.basis) == 0.0:
            message = f"the baseline plant's {step.basis} is 0, so nothing can be scaled from it"
            yield resolved.problem(("process", "steps", name, "basis"), message)


def _product_problems(resolved: Resolved, spec: CostSpec) -> Iterator[Problem]:
    cell, pack, process = spec.cell, spec.pack, spec.process
    bills: list[tuple[TreePath, Mapping[str, BillItem]]] = []
    if cell is not None:
        bills.append((("cell", "bill"), cell.bill))
        without = {"cathode": cell.cathode_solvent_g == 0.0, "anode": cell.anode_solvent_g == 0.0}
        for name, step in process.steps.items():
            if step.solvent_of is not None and without[step.solvent_of] and step.dry is None:
                message = f"the cell's {step.solvent_of} has no solvent, and the step has no `dry` row for that"
                yield resolved.problem(("process", "steps", name), message)
    if pack is not None:
        bills.append((("pack", "bill"), pack.bill))
    for path, bill in bills:
        for name, item in bill.items():
            yield from _item_problems(resolved, spec, (*path, name, "material"), item)


def _item_problems(resolved: Resolved, spec: CostSpec, where: TreePath, item: BillItem) -> Iterator[Problem]:
    if spec.prices is None:
        yield resolved.problem(where, f"there are no `prices`, so '{item.material}' has none")
        return
    price = spec.prices.materials.get(item.material)
    if price is None:
        hint = did_you_mean(item.material, spec.prices.materials)
        yield resolved.problem(where, f"'{item.material}' has no price in `prices.materials`", hint)
        return
    for basis in price.each_bases:
        baseline: Rates = spec.process.baseline.rates
        if getattr(baseline, basis) == 0.0 or not _made(spec, basis):
            message = f"the price of '{item.material}' follows {basis}, which is 0 here"
            yield resolved.problem(("prices", "materials", item.material, "each_bases"), message)


def _made(spec: CostSpec, basis: str) -> bool:
    """Whether the costed product has such a rate at all."""
    pack = spec.pack
    if basis in ("modules_per_year", "packs_per_year"):
        return pack is not None
    if basis == "row_racks_per_year":
        return pack is not None and pack.row_racks_per_pack > 0
    if basis == "interconnects_per_year":
        return pack is not None and pack.interconnects_per_pack > 0
    if basis == "solvent_kg_per_year":
        return spec.cell is not None and spec.cell.recovered_solvent and spec.cell.cathode_solvent_g > 0.0
    return True
