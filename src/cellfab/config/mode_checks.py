"""Failure modes of things that do not ramp, or are not there, and modes that leave nothing over or too little."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cellfab.config.failure_modes_spec import FailureModes, Mode
from cellfab.config.problems import Problem, did_you_mean, listed
from cellfab.config.ramp_spec import Ramp
from cellfab.config.resolved import Resolved
from cellfab.config.tree_path import TreePath
from cellfab.units import HOURS_PER_WEEK

_AT: TreePath = ("ramp", "failure_modes")
_ROUNDING = 1e-9

Capabilities = Mapping[str, Mapping[str, Sequence[str]]]
"""Parameters that ramp, by place and product."""


def mode_problems(
    resolved: Resolved, ramp: Ramp | None, capabilities: Capabilities, others: Mapping[str, Sequence[str]],
    horizon_h: float,
) -> Iterator[Problem]:  # fmt: skip
    """Everything that keeps the failure modes of a scenario from meaning anything.

    Parameters
    ----------
    resolved : Resolved
    ramp : Ramp or None
    capabilities : mapping of place to mapping of product to names
        Parameters that ramp.
    others : mapping of place to names
        Parameters that do not.
    horizon_h : float
        Of the run.
    """
    if resolved.get(("conversion", "ramp", "failure_modes")) is not None:
        hint = "write them under ramp.failure_modes; `product` says which product has a mode"
        message = "failure modes are those of the line, before and after the conversion"
        yield resolved.problem(("conversion", "ramp", "failure_modes"), message, hint, key=True)
    spec = None if ramp is None else ramp.failure_modes
    if spec is None:
        return
    if not capabilities:
        yield resolved.problem(_AT, "a bare line has no process that could fail or be learned", key=True)
        return
    copies = {copy: place for place, group in spec.shared.items() for copy in group}
    for place, own in spec.places.items():
        path: TreePath = (*_AT, "places", place)
        if place not in capabilities:
            yield _no_place(resolved, path, place, capabilities)
            continue
        if place in copies:
            message = f"'{place}' learns with '{copies[place]}', whose modes are its own"
            yield resolved.problem(path, message, f"write them at '{copies[place]}'", key=True)
        if not any(capabilities[place].values()):
            hint = "write a parameter as {start: ..., mature: ...} to let it ramp"
            yield resolved.problem(path, f"nothing ramps at '{place}'", hint, key=True)
            continue
        for name, mode in own.modes.items():
            yield from _mode(resolved, (*path, "modes", name), mode, place, capabilities[place], others.get(place, ()))
    yield from _left_over(resolved, spec, capabilities, copies)
    yield from _shared(resolved, spec, capabilities)
    for name, setback in spec.setbacks.items():
        path = (*_AT, "setbacks", name)
        for index, place in enumerate(setback.places or ()):
            if place not in capabilities:
                yield _no_place(resolved, (*path, "places", index), place, capabilities)
        if setback.after_weeks is not None and setback.after_weeks * HOURS_PER_WEEK >= horizon_h:
            message = f"week {setback.after_weeks:g} is after the end of the run ({horizon_h / HOURS_PER_WEEK:g} weeks)"
            yield resolved.problem((*path, "after_weeks"), message, "or lengthen run.horizon_h")


def _no_place(resolved: Resolved, path: TreePath, place: str, capabilities: Capabilities) -> Problem:
    whole = next((known for known in capabilities if known.endswith(f".{place}")), None)
    hint = f"did you mean '{whole}'?" if whole else did_you_mean(place, capabilities)
    return resolved.problem(path, f"there is no station with a step called '{place}'", hint, key=path[-2] == "places")


def _mode(
    resolved: Resolved, path: TreePath, mode: Mode, place: str, by_product: Mapping[str, Sequence[str]],
    others: Sequence[str],
) -> Iterator[Problem]:  # fmt: skip
    if mode.product is not None and mode.product not in by_product:
        hint = did_you_mean(mode.product, by_product)
        yield resolved.problem((*path, "product"), f"there is no product '{mode.product}'", hint)
        return
    having = [mode.product] if mode.product is not None else list(by_product)
    known = list(dict.fromkeys(name for product in having for name in by_product[product]))
    for index, capability in enumerate(mode.moves):
        where = (*path, "moves", index)
        if capability in known:
            continue
        if capability in others:
            hint = f"write it as {{start: ..., mature: ...}}, or choose one that does: {listed(known)}"
            yield resolved.problem(where, f"'{capability}' of '{place}' does not ramp", hint)
        else:
            hint = did_you_mean(capability, known) or f"these ramp: {listed(known)}"
            yield resolved.problem(where, f"the step of '{place}' has no parameter '{capability}'", hint)


def _left_over(
    resolved: Resolved, spec: FailureModes, capabilities: Capabilities, copies: Mapping[str, str]
) -> Iterator[Problem]:
    """More than the whole way of a capability given to modes, or a part of it to none."""
    for place, by_product in capabilities.items():
        own = spec.places.get(place)
        generated = spec.generated if own is None or own.generated is None else own.generated
        for product, names in by_product.items():
            given = dict.fromkeys(names, 0.0)
            for mode in {} if own is None else own.modes.values():
                if mode.product in (None, product):
                    for name in mode.moves:
                        given[name] = given.get(name, 0.0) + mode.share
            path: TreePath = (*_AT, "places", place) if own is not None else (*_AT, "generated", "modes")
            for name in names:
                if given[name] > 1.0 + _ROUNDING:
                    message = f"the modes of '{name}' share out {given[name]:g} of its way from start to mature"
                    yield resolved.problem((*path, "modes"), message, "their shares may add up to 1", key=True)
            rest = [name for name in names if given[name] < 1.0 - _ROUNDING]
            if rest and not generated.modes and place not in copies:
                message = f"no mode holds back {listed(rest)} of '{place}' (product '{product}'), so it cannot improve"
                yield resolved.problem(path, message, "let `generated.modes` be 1 or more, or name a mode for it")


def _shared(resolved: Resolved, spec: FailureModes, capabilities: Capabilities) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for place, group in spec.shared.items():
        path: TreePath = (*_AT, "shared", place)
        if place not in capabilities:
            hint = did_you_mean(place, capabilities)
            yield resolved.problem(path, f"there is no station with a step called '{place}'", hint, key=True)
            continue
        for index, copy in enumerate(group):
            where = (*path, index)
            if copy not in capabilities:
                hint = did_you_mean(copy, capabilities)
                yield resolved.problem(where, f"there is no station with a step called '{copy}'", hint)
            elif copy == place or copy in spec.shared or copy in taken:
                message = f"'{copy}' learns with '{taken.get(copy, copy)}' already"
                yield resolved.problem(where, message, "name each copy once, at the place that it is a copy of")
            elif dict(capabilities[copy]) != dict(capabilities[place]):
                message = f"'{copy}' is no copy of '{place}': other parameters ramp there"
                yield resolved.problem(
                    where, message, "places that learn together have the same step and the same recipe"
                )
            else:
                taken[copy] = place
