"""People or tools that repairs wait for."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from cellfab.config.line_spec import Crew as CrewSpec
from cellfab.line.statistics import Level, Tally, WeeklyArea

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun


class Crew:
    """`size` members; the queue is served by rank, then time of the call, then station as written, then unit.

    Attributes
    ----------
    busy : Level
        Members at work.
    wait : Tally
        Ticks from call to start of the repair, since the warm-up.
    work : dict of int to WeeklyArea
        Members at work at each station, by the station's order, from the very start.
    """

    __slots__ = ("_line", "_queue", "_sequence", "busy", "name", "order", "size", "touched", "wait", "work")

    def __init__(self, line: LineRun, name: str, order: int, spec: CrewSpec) -> None:
        self.name = name
        self.order = order
        self.size = spec.size
        self.busy = Level()
        self.wait = Tally()
        self.work: dict[int, WeeklyArea] = {}
        self.touched = False
        self._line = line
        self._sequence = 0
        self._queue: list[tuple[int, int, int, int, int, Callable[[], None]]] = []

    def call(self, priority: int, station_order: int, unit: int, came: Callable[[], None]) -> None:
        """Ask for a member; `came` is called when one starts, at the earliest when this tick is settled."""
        self._sequence += 1
        heappush(self._queue, (priority, self._line.env.now, station_order, unit, self._sequence, came))
        self._line.touch_crew(self)

    def dismiss(self, station_order: int) -> None:
        """A member has finished at a station."""
        now = self._line.env.now
        self.busy.change(-1, now)
        self.work[station_order].change(-1, now)
        self._line.touch_crew(self)

    def serve(self) -> None:
        """Send free members to the waiting repairs."""
        now = self._line.env.now
        while self._queue and self.busy.value < self.size:
            _, called, station_order, _, _, came = heappop(self._queue)
            self.busy.change(1, now)
            work = self.work.get(station_order)
            if work is None:
                work = self.work[station_order] = WeeklyArea()
            work.change(1, now)
            self.wait.add(now - called)
            came()

    @property
    def waiting(self) -> int:
        """Repairs that wait for a member."""
        return len(self._queue)

    def end_warmup(self, now: int) -> None:
        """Forget what was counted so far."""
        self.busy.reset(now)
        self.wait.reset()
