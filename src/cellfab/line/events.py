"""Callbacks at a tick, with a rank among the things that happen at that tick."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from simpy import Environment
from simpy.events import Event, EventPriority

BOUNDARY = EventPriority(-1)
"""Weeks, the warm-up and planned stops change before anything else at their tick."""
USUAL = EventPriority(1)
"""SimPy's own events."""
SETTLE = EventPriority(2)
"""Lots move after everything that ends at the tick has been noted."""


class TickEnvironment(Environment):
    """A SimPy environment whose time is a whole number of ticks."""

    if TYPE_CHECKING:

        @property
        def now(self) -> int:
            """Present tick."""

    else:
        # SimPy's own, but without a call of Python: it is asked twenty times per lot and station.
        now = property(attrgetter("_now"))


class Bell(Event):
    """Calls `action` after the delay given, each time that it is set; it must have rung before it is set again."""

    def __init__(self, env: TickEnvironment, action: Callable[[Event], None], rank: EventPriority = USUAL) -> None:
        self.env = env
        self._value: Any = None
        self._ok = True
        self._rank = rank
        self._actions = [action]

    def set(self, delay: int) -> None:
        """Ring in so many ticks."""
        self.callbacks = self._actions
        self.env.schedule(self, self._rank, delay)


class Alarm(Event):
    """Calls `action` after `delay` ticks. Built like `simpy.Timeout`, but with a rank; it cannot be cancelled."""

    def __init__(
        self, env: TickEnvironment, delay: int, action: Callable[[Event], None], rank: EventPriority = USUAL
    ) -> None:
        self.env = env
        self.callbacks = [action]
        self._value: Any = None
        self._ok = True
        env.schedule(self, rank, delay)
