"""Names in a scenario that point at nothing, and parts that a plant cannot do without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cellfab.config.problems import Problem, did_you_mean
from cellfab.config.resolved import Resolved
from cellfab.config.tree_path import TreePath
from cellfab.units import HOURS_PER_WEEK


def reference_problems(resolved: Resolved, place_keys: Iterable[str]) -> Iterator[Problem]:
    """Products, materials and stations that are named but not there; works on a tree that does not validate, too.

    Parameters
    ----------
    resolved : Resolved
        The configuration, checked before, so that its numbers are in their own units.
    place_keys : iterable of str
        Stations and machines that have a step ("assembly.weld"), which a recipe may change.
    """
    products, materials = _names(resolved, ("products",)), _names(resolved, ("materials",))
    stations, keys = _names(resolved, ("line", "stations")), list(place_keys)

    def missing(path: TreePath, name: object, known: list[str], what: str) -> Iterator[Problem]:
        if isinstance(name, str) and name not in known:
            yield resolved.problem(path, f"there is no {what} '{name}'", did_you_mean(name, known))

    for product in products:
        for electrode in ("cathode", "anode"):
            path: TreePath = ("products", product, "design", electrode)
            yield from missing(
                (*path, "active_material"), resolved.get((*path, "active_material")), materials, "material"
            )
            foil = resolved.get((*path, "foil"))
            if isinstance(foil, str):
                yield from missing((*path, "foil"), f"{foil}_foil", materials, "material")
        recipe: TreePath = ("products", product, "params")
        for key in _names(resolved, recipe):
            if key not in keys:
                whole = next((known for known in keys if known.endswith(f".{key}")), None)
                hint = f"did you mean '{whole}'?" if whole else did_you_mean(key, keys)
                yield resolved.problem((*recipe, key), f"there is no station with a step called '{key}'", hint)
    for name in _names(resolved, ("ramp", "stations")):
        yield from missing(("ramp", "stations", name), name, stations, "station")
    if products:
        yield from _plant(resolved, products)
    yield from _conversion(resolved, products, stations)


def _made_on_a_bare_line(resolved: Resolved) -> list[str]:
    """Names that the sources give their lots, which is all that a product is there."""
    made = [_names(resolved, ("line", "sources", name, "products")) for name in _names(resolved, ("line", "sources"))]
    return list(dict.fromkeys(product for found in made for product in found or ["part"]))


def _plant(resolved: Resolved, products: list[str]) -> Iterator[Problem]:
    """What a scenario with products needs besides."""
    for name in _names(resolved, ("line", "sources")):
        path: TreePath = ("line", "sources", name, "products")
        if resolved.get(path) is None:
            hint = f"add 'products: {{{products[0]}: 1}}'"
            yield resolved.problem(path[:-1], "does not say which of the `products` its lots are made for", hint)
        for product in _names(resolved, path):
            if product not in products:
                hint = did_you_mean(product, products)
                yield resolved.problem((*path, product), f"there is no product '{product}'", hint, key=True)
    if resolved.get("economics") is None:
        hint = "extend a file of prices: `extends: economics/us_2026`"
        yield resolved.problem("economics", "is missing, and a scenario that makes cells counts their cost", hint)
    if resolved.get("run.engine") == "compiled":
        message = "the compiled engine runs bare lines only, and this scenario makes cells"
        yield resolved.problem("run.engine", message, "leave it out")


def _conversion(resolved: Resolved, products: list[str], stations: list[str]) -> Iterator[Problem]:
    given_up, wanted = (resolved.get(("conversion", key)) for key in ("product_from", "product_to"))
    for key, name, known in (
        ("product_from", given_up, products or _made_on_a_bare_line(resolved)),
        ("product_to", wanted, products or [wanted]),
    ):
        if isinstance(name, str) and name not in known:
            yield resolved.problem(("conversion", key), f"there is no product '{name}'", did_you_mean(name, known))
    for part in (("conversion", "stations"), ("conversion", "ramp", "stations")):
        for name in _names(resolved, part):
            if name not in stations:
                yield resolved.problem((*part, name), f"there is no station '{name}'", did_you_mean(name, stations))
    stop, horizon_h = resolved.get("conversion.stop_week"), resolved.get("run.horizon_h")
    if _is_number(stop) and _is_number(horizon_h) and stop * HOURS_PER_WEEK >= horizon_h:
        message = f"week {stop:g} is after the end of the run ({horizon_h / HOURS_PER_WEEK:g} weeks)"
        yield resolved.problem("conversion.stop_week", message, "stop earlier, or lengthen run.horizon_h")


def _names(resolved: Resolved, path: TreePath) -> list[str]:
    found = resolved.get(path)
    return list(found) if isinstance(found, dict) else []


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
