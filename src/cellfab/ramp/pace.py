"""What a ramp says about a station: how fast it is, how long it runs between failures, how long repairs take."""

from __future__ import annotations

from typing import NamedTuple


class Pace(NamedTuple):
    """Factors on nominal speed, on mature time to failure and on mature time to repair."""

    rate: float = 1.0
    time_to_failure: float = 1.0
    time_to_repair: float = 1.0
