"""On what a scenario's figures stand: what two of them must have in common to be compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cellfab.fleet.file import LoadedFleet
from cellfab.study.subject import Subject


class Footing(NamedTuple):
    """What two scenarios must have in common for their figures to be compared.

    Attributes
    ----------
    lots : mapping of str to tuple
        By source, how much makes a lot (amount, unit, parts per lot, material): replicates can be paired only where
        the lots are the same things. None of a fleet, whose only luck is in dates.
    currency_year : int or None
        Of all dollars; None of a bare line, and of a fleet whose plants do not agree.
    """

    lots: Mapping[str, tuple[object, ...]]
    currency_year: int | None


def footing(subject: Subject) -> Footing:
    """The footing of a scenario or a fleet."""
    if isinstance(subject, LoadedFleet):
        years = {footing(one).currency_year for one in subject.scenarios.values()}
        return Footing({}, years.pop() if len(years) == 1 else None)
    spec = subject.spec
    lots = {
        name: (source.amount, source.unit, source.parts_per_lot, source.material)
        for name, source in spec.line.sources.items()
    }
    return Footing(lots, None if spec.economics is None else spec.economics.currency_year)


def other_lots(one: Mapping[str, object], other: Mapping[str, object]) -> str | None:
    """The first source that does not make the same lots in both; None where all do."""
    return next((name for name in (*one, *other) if one.get(name) != other.get(name)), None)
