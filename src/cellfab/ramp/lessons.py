"""What several lines of a plant learn from each other while they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Lessons(NamedTuple):
    """What passes between like stations (or places) of several lines.

    Attributes
    ----------
    peers : mapping of name to names
        Who learns from whom.
    share : float
        0-1. Where experience counts: of what a lot teaches where it is worked on, what the others learn from it. Where
        failure modes do: probability that what is fixed on one line is fixed on another, too.
    delay : int
        Ticks until it counts.
    """

    peers: Mapping[str, Sequence[str]]
    share: float
    delay: int
