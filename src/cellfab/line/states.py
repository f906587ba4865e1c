"""What a unit can be doing, and where the ticks spent on it are kept."""

from __future__ import annotations

STATES = ("working", "setup", "starved", "blocked", "down", "waiting_crew", "planned", "converting")
"""Exclusive: at each instant every unit is in exactly one of them."""
WORKING, SETUP, STARVED, BLOCKED, DOWN, WAITING_CREW, PLANNED, CONVERTING = range(len(STATES))

WAITS = tuple(state in (STARVED, BLOCKED, CONVERTING) for state in range(len(STATES)))
"""Whether a unit in a state does nothing that others could wait for (`cellfab.line.bottlenecks`)."""


class StateBook:
    """Ticks per state, all units of one station together: since the last flush, by week and since the warm-up.

    Attributes
    ----------
    ticks : list of int, length 8
        Since the last flush; units add to it when they change state.
    window : list of int, length 8
        Since the end of the warm-up.
    weeks : list of list of int
        One row of 8 per week that has ended.
    """

    __slots__ = ("_week", "ticks", "weeks", "window")

    def __init__(self) -> None:
        self.ticks = [0] * len(STATES)
        self.window = [0] * len(STATES)
        self.weeks: list[list[int]] = []
        self._week = [0] * len(STATES)

    def flush(self) -> None:
        """Move what was gathered into the week and the window."""
        for state, ticks in enumerate(self.ticks):
            self._week[state] += ticks
            self.window[state] += ticks
            self.ticks[state] = 0

    def end_week(self) -> None:
        """Close the running week (after a flush)."""
        self.weeks.append(self._week)
        self._week = [0] * len(STATES)

    def end_warmup(self) -> None:
        """Start the window anew (after a flush)."""
        self.window = [0] * len(STATES)
