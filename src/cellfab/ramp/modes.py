"""The failure modes of a line: which capability each holds back, by how much, and what it takes to find and mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cellfab.config.failure_modes_spec import FailureModes, Generated

Ramping = Mapping[str, Mapping[str, Sequence[str]]]
"""Capabilities that ramp (parameters with `start` and `mature`), by place and product."""


class FailureMode(NamedTuple):
    """One mode as it is before the run.

    Attributes
    ----------
    place : str
        Where it arises; copies of the place share it.
    name : str
        As written, or "mode 1", "mode 2" ... in the order of their shares.
    holds : mapping of product to mapping of capability to float
        Share of the way from `start` to `mature` that it holds the capability back while it is open.
    recognised_share, difficulty_factor, residual_share : float
        As in the configuration.
    named : bool
        Written by name, not generated.
    text : str
    """

    place: str
    name: str
    holds: Mapping[str, Mapping[str, float]]
    recognised_share: float
    difficulty_factor: float
    residual_share: float
    named: bool
    text: str = ""

    @property
    def key(self) -> str:
        """Place and name: names its random numbers."""
        return f"{self.place}/{self.name}"


def pareto_shares(modes: int, slope: float) -> list[float]:
    """Shares k^-s / sum over j of j^-s of `modes` modes, the largest first; they add up to 1.

    Equation d_k = D0 k^-s / sum j^-s of a failure-mode Pareto, for a whole D0 of 1.
    """
    weights = [rank**-slope for rank in range(1, modes + 1)]
    whole = sum(weights)
    return [weight / whole for weight in weights]


def generated_at(spec: FailureModes, place: str) -> Generated:
    """How the modes of a place are generated that are not written."""
    own = spec.places.get(place)
    return spec.generated if own is None or own.generated is None else own.generated


def left_over(spec: FailureModes, place: str, product: str, capabilities: Sequence[str]) -> dict[str, float]:
    """Of each capability of a place, the share of its way that no named mode holds it back; may be below 0."""
    rest = dict.fromkeys(capabilities, 1.0)
    own = spec.places.get(place)
    for mode in {} if own is None else own.modes.values():
        if mode.product in (None, product):
            for capability in mode.moves:
                if capability in rest:
                    rest[capability] -= mode.share
    return {name: 0.0 if abs(share) < _ROUNDING else share for name, share in rest.items()}


_ROUNDING = 1e-9
"""Three shares of a third are a whole."""


def failure_modes(spec: FailureModes, ramping: Ramping) -> tuple[FailureMode, ...]:
    """All modes of a line, by place in the order given, the named ones first.

    For every place, product and capability the shares of all modes add up to 1, so that a capability stands at `start`
    while all of them are open and at `mature` once all are gone.

    Parameters
    ----------
    spec : FailureModes
    ramping : mapping of place to mapping of product to capabilities
        Copies (`spec.shared`) are left out: the modes of the place that they are copies of are theirs.
    """
    copies = {copy for group in spec.shared.values() for copy in group}
    found: list[FailureMode] = []
    for place, by_product in ramping.items():
        if place in copies or not any(by_product.values()):
            continue
        own = spec.places.get(place)
        for name, mode in ({} if own is None else own.modes).items():
            holds = {
                product: {capability: mode.share for capability in mode.moves if capability in capabilities}
                for product, capabilities in by_product.items()
                if mode.product in (None, product)
            }
            found.append(
                FailureMode(
                    place, name, holds,
                    spec.detection.recognised_share if mode.recognised_share is None else mode.recognised_share,
                    mode.difficulty_factor,
                    spec.fixing.residual_share if mode.residual_share is None else mode.residual_share,
                    named=True, text=mode.text,
                )
            )  # fmt: skip
        found += _generated(spec, place, by_product)
    return tuple(found)


def _generated(spec: FailureModes, place: str, by_product: Mapping[str, Sequence[str]]) -> list[FailureMode]:
    laws = generated_at(spec, place)
    rest = {
        product: {name: share for name, share in left_over(spec, place, product, capabilities).items() if share > 0.0}
        for product, capabilities in by_product.items()
    }
    if not any(rest.values()):
        return []
    return [
        FailureMode(
            place,
            f"mode {rank}",
            {product: {name: part * share for name, share in left.items()} for product, left in rest.items() if left},
            spec.detection.recognised_share,
            1.0,
            spec.fixing.residual_share,
            named=False,
        )
        for rank, part in enumerate(pareto_shares(laws.modes, laws.slope), start=1)
    ]


def owners(spec: FailureModes, places: Sequence[str]) -> dict[str, str]:
    """The place whose modes each place has: its own, or those of the place that it is a copy of."""
    of = {copy: place for place, group in spec.shared.items() for copy in group}
    return {place: of.get(place, place) for place in places}
