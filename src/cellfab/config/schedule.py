"""Values by date: a price, a duty or a credit that changes, written as a plain number or by periods.

    electricity_usd_per_kwh: 0.08
    electricity_usd_per_kwh: {..2026: 0.08, 2027-01..2027-06: 0.09, 2027-07..: 0.11}

A period is a year (2030), a month (2027-06), a day (2026-01-05) or a range of them (2026-01..2027-06), open on one side
where an end is left out; both ends are included, each at its own precision. A day may be in one period only.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema
from pydantic_core.core_schema import (
    no_info_wrap_validator_function,
    plain_serializer_function_ser_schema,
)

DAYS_PER_WEEK = 7
PERIOD_PATTERN = r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?"
"""A year, a month or a day, as a regular expression; `PERIOD_KEY_PATTERN` admits ranges of them, too."""
PERIOD_KEY_PATTERN = rf"({PERIOD_PATTERN}(\.\.({PERIOD_PATTERN})?)?|\.\.{PERIOD_PATTERN})"
_ONE_DAY = datetime.timedelta(days=1)


class Period(NamedTuple):
    """Days from `first` to `last`, both included, and the key that said so."""

    key: str
    first: datetime.date
    last: datetime.date

    @classmethod
    def parse(cls, key: str) -> Period:
        """Read a key of a schedule.

        Raises
        ------
        ValueError
            If it is no period, or ends before it begins.
        """
        if not re.fullmatch(PERIOD_KEY_PATTERN, key):
            raise ValueError(f"'{key}' is not a period: write 2030, 2027-06, 2026-01-05, 2026-01..2027-06 or 2033..")
        begin, dots, end = key.partition("..")
        try:
            first = _days(begin)[0] if begin else datetime.date.min
            last = _days(end if dots else begin)[1] if end or not dots else datetime.date.max
        except ValueError as error:
            raise ValueError(f"'{key}' is not a period: {error}") from error
        if last < first:
            raise ValueError(f"'{key}' ends before it begins")
        return cls(key, first, last)

    def __contains__(self, day: object) -> bool:
        return isinstance(day, datetime.date) and self.first <= day <= self.last


def _days(text: str) -> tuple[datetime.date, datetime.date]:
    """First and last day of a year, a month or a day."""
    year, *rest = (int(part) for part in text.split("-"))
    if len(rest) == 2:
        day = datetime.date(year, *rest)
        return day, day
    months = 1 if rest else 12
    first = datetime.date(year, rest[0] if rest else 1, 1)
    if year == datetime.MAXYEAR:
        raise ValueError("the year is too late")
    month_after = first.month - 1 + months
    return first, datetime.date(year + month_after // 12, month_after % 12 + 1, 1) - _ONE_DAY


def key_problems(keys: Iterable[str]) -> list[tuple[str, str, str | None]]:
    """What is wrong with the keys of a schedule: (key, message, other key or None); empty if nothing is.

    Of two periods that overlap, the one written later is named first.
    """
    problems: list[tuple[str, str, str | None]] = []
    periods: list[Period] = []
    for key in keys:
        try:
            period = Period.parse(str(key))
        except ValueError as error:
            problems.append((key, str(error), None))
            continue
        other = next((one for one in periods if one.first <= period.last and period.first <= one.last), None)
        if other is not None:
            day = max(period.first, other.first)
            problems.append((key, f"the period '{key}' overlaps '{other.key}': both have {day}", other.key))
        periods.append(period)
    return problems


@dataclass(frozen=True, slots=True)
class Schedule:
    """A value by date.

    Attributes
    ----------
    entries : tuple of (Period, float)
        By date; periods do not overlap, and days between them have no value.
    """

    entries: tuple[tuple[Period, float], ...]

    @classmethod
    def constant(cls, value: float) -> Schedule:
        """The same value on every day."""
        return cls(((Period("", datetime.date.min, datetime.date.max), value),))

    @classmethod
    def of(cls, value: float | Mapping[str, float]) -> Schedule:
        """From a plain number, or numbers by period.

        Raises
        ------
        ValueError
            If a key is no period, periods overlap, or there are none.
        """
        if not isinstance(value, Mapping):
            return cls.constant(float(value))
        if not value:
            raise ValueError("a schedule needs at least one period")
        for _, message, _ in key_problems(value):
            raise ValueError(message)
        entries = ((Period.parse(str(key)), float(number)) for key, number in value.items())
        return cls(tuple(sorted(entries, key=lambda entry: entry[0].first)))

    @property
    def plain(self) -> float | dict[str, float]:
        """As written: a number, or numbers by period."""
        if len(self.entries) == 1 and not self.entries[0][0].key:
            return self.entries[0][1]
        return {period.key: value for period, value in self.entries}

    def at(self, day: datetime.date) -> float:
        """Value on a day.

        Raises
        ------
        ValueError
            If the schedule says nothing about that day.
        """
        for period, value in self.entries:
            if day in period:
                return value
        raise ValueError(f"the schedule has no value on {day}: it covers {', '.join(self.covered())}")

    def covered(self) -> list[str]:
        """Keys of its periods, by date."""
        return [period.key or "every day" for period, _ in self.entries]

    def uncovered(self, first: datetime.date, last: datetime.date) -> datetime.date | None:
        """The first day from `first` to `last` (both included) without a value; None if every day has one."""
        day = first
        for period, _ in self.entries:
            if period.first <= day <= period.last:
                if period.last >= last:
                    return None
                day = period.last + _ONE_DAY
        return day if day <= last else None

    def weekly(self, start: datetime.date, weeks: int) -> list[float]:
        """Means over the seven days of each of `weeks` weeks, the first of which begins on `start`.

        Raises
        ------
        ValueError
            If a day has no value.
        """
        if len(self.entries) == 1 and not self.entries[0][0].key:
            return [self.entries[0][1]] * weeks
        means = []
        for week in range(weeks):
            monday = start + datetime.timedelta(weeks=week)
            days = [self.at(monday + datetime.timedelta(days=day)) for day in range(DAYS_PER_WEEK)]
            # The mean of seven equal numbers need not be that number.
            means.append(days[0] if len(set(days)) == 1 else math.fsum(days) / DAYS_PER_WEEK)
        return means

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read a number or numbers by period, of any size."""
        return _schema(float, handler)


@dataclass(frozen=True, slots=True)
class Values:
    """What every value of a schedule must be, for `Annotated[Schedule, Values(NonNegative)]`."""

    number: Any
    """A float type with its bounds."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """As `Schedule`, with bounds."""
        return _schema(self.number, handler)


def _schema(number: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    return no_info_wrap_validator_function(
        lambda value, inner: value if isinstance(value, Schedule) else Schedule.of(inner(value)),
        handler.generate_schema(number | dict[str, number]),
        serialization=plain_serializer_function_ser_schema(lambda schedule: schedule.plain),
    )


NonNegativeSchedule = Annotated[Schedule, Values(Annotated[float, Field(ge=0.0)])]
PositiveSchedule = Annotated[Schedule, Values(Annotated[float, Field(gt=0.0)])]
ShareSchedule = Annotated[Schedule, Values(Annotated[float, Field(ge=0.0, le=1.0)])]
