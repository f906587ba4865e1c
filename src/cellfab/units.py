"""Ticks of simulated time. (Unit suffixes and quantities: see below.)"""

from __future__ import annotations

TICKS_PER_S = 1_000_000
"""One tick is a microsecond: 2**63 of them are 292 000 years."""
SECONDS_PER_WEEK = 604_800
TICKS_PER_WEEK = SECONDS_PER_WEEK * TICKS_PER_S


def to_ticks(seconds: float) -> int:
    """Seconds to the nearest tick."""
    return round(seconds * TICKS_PER_S)


def to_seconds(ticks: int) -> float:
    """Ticks to seconds."""
    return ticks / TICKS_PER_S
