"""What went in and what was scrapped, per week, product and place: the source of every yield figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class StepCount(NamedTuple):
    """Rows at one place in one week, for one product."""

    week: int
    product: str
    place: str
    rows_in: int
    rows_scrapped: int


class ScrapCount(NamedTuple):
    """Rows that one cause took at one place in one week, for one product."""

    week: int
    product: str
    place: str
    cause: int
    rows: int
    cell_equivalents: float


class Tally:
    """Counts of one replicate, aggregated as they come: memory grows with weeks, not with lots."""

    def __init__(self) -> None:
        self._steps: dict[tuple[int, str, str], list[int]] = {}
        self._scrap: dict[tuple[int, str, str, int], list[float]] = {}

    def step(self, week: int, product: str, place: str, rows_in: int, rows_scrapped: int) -> None:
        """A lot with `rows_in` living rows has been processed at `place`; `rows_scrapped` of them died there."""
        count = self._steps.get((week, product, place))
        if count is None:
            self._steps[week, product, place] = [rows_in, rows_scrapped]
        else:
            count[0] += rows_in
            count[1] += rows_scrapped

    def scrap(self, week: int, product: str, place: str, cause: int, rows: int, cell_equivalents: float) -> None:
        """`rows` rows, worth `cell_equivalents` cells, were scrapped for `cause`."""
        count = self._scrap.setdefault((week, product, place, cause), [0, 0.0])
        count[0] += rows
        count[1] += cell_equivalents

    def steps(self) -> Iterator[StepCount]:
        """All step counts, by week, product and place in the order first seen."""
        for (week, product, place), (rows_in, rows_scrapped) in self._steps.items():
            yield StepCount(week, product, place, rows_in, rows_scrapped)

    def scraps(self) -> Iterator[ScrapCount]:
        """All scrap counts, in the order first seen."""
        for (week, product, place, cause), (rows, equivalents) in self._scrap.items():
            yield ScrapCount(week, product, place, cause, int(rows), equivalents)

    def lost(self, week: int) -> dict[str, float]:
        """Cell equivalents scrapped in a week, by place."""
        found: dict[str, float] = {}
        for (when, _, place, _), (_, equivalents) in self._scrap.items():
            if when == week:
                found[place] = found.get(place, 0.0) + equivalents
        return found
