"""What the assessment of quality finds, as frozen values."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cellfab.quality.likeness import Likeness


@dataclass(slots=True)
class StepYield:
    """One place: rows that came, were lost, passed at the second try, and were lost though sound (None: not told)."""

    place: str
    step: str
    row_unit: str
    rows_in: int = 0
    rows_lost: int = 0
    reworked: int = 0
    false_rejects: int | None = None

    @property
    def step_yield(self) -> float:
        """Share that goes on, second tries included."""
        return 1.0 - self.rows_lost / self.rows_in if self.rows_in else math.nan

    @property
    def first_pass_yield(self) -> float:
        """Share that goes on at the first try."""
        return 1.0 - (self.rows_lost + self.reworked) / self.rows_in if self.rows_in else math.nan


@dataclass(frozen=True, slots=True)
class Loss:
    """One cause of scrap at one place; `share` is that of all cells lost."""

    place: str
    cause: str
    text: str
    rows: int
    cells: float
    share: float


@dataclass(frozen=True, slots=True)
class Escape:
    """Cells sold with one hidden defect, ppm of those sold, with a 95 % interval.

    Attributes
    ----------
    mechanism : str
    ppm, low, high : float
    seen : int
        Cells with the defect that the figure rests on.
    method : str
        "counted" or "importance sampling".
    gain : float
        Variance of counting over that of the weighted estimate, for the same number of cells; 1 where counted, NaN
        where nothing was seen.
    sources : tuple of (str, float)
        Sources that were boosted ("wind.particles_per_m2") and by how much.
    """

    mechanism: str
    ppm: float
    low: float
    high: float
    seen: int
    method: str = "counted"
    gain: float = 1.0
    sources: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Recall:
    """Mean cells sold, and their energy, with a piece of one charge of powder or of one pair of mother rolls."""

    of: str
    number: int
    cells: float
    mwh: float


@dataclass(frozen=True, slots=True)
class BuyerGrade:
    """What one buyer took, and the strings that its cells are matched into.

    Attributes
    ----------
    buyer, text : str
    price_ratio : float
        Paid for a kWh, over the product's sale price.
    least_ah, most_mohm : float
        What it demands; infinite resistance without a limit.
    cells : int
    share : float
        Of all cells sold.
    short : int
        Cells of these that are in truth less than it demands.
    strings : int
    usable_fraction : float
        As in `Grades`.
    """

    buyer: str
    text: str
    price_ratio: float
    least_ah: float
    most_mohm: float
    cells: int
    share: float
    short: int
    strings: int
    usable_fraction: float


@dataclass(frozen=True, slots=True)
class Grades:
    """Cells sold by grade, and strings in series that those of grade A are matched into.

    Attributes
    ----------
    grade_a, grade_b : int
        Where there are buyers: cells of the one who pays most, and of all others.
    strings, waiting : int
        Complete strings, and cells of grade A in strings that are not full.
    usable_fraction : float
        Share of the true capacity in complete strings that their weakest cells leave usable; NaN without one.
    unmatched_fraction : float
        The same of strings of any cells of grade A, in closed form (`grading_theory.usable_fraction`).
    """

    grade_a: int
    grade_b: int
    strings: int
    waiting: int
    usable_fraction: float
    unmatched_fraction: float
    buyers: tuple[BuyerGrade, ...] = ()


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What `quality` finds; `final_yield` is sold over made cells, the other yields are products over all steps."""

    scenario: str
    product: str
    seed: int
    maturity: float
    lots: int
    cells_made: int
    cells_sold: int
    final_yield: float
    first_pass_yield: float
    rolled_throughput_yield: float
    steps: tuple[StepYield, ...]
    losses: tuple[Loss, ...]
    escapes: tuple[Escape, ...]
    likeness: dict[str, Likeness]
    recalls: tuple[Recall, ...]
    grades: Grades
