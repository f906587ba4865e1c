"""Where lots leave for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellfab.line.nodes import Node
from cellfab.line.statistics import Tally

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun


class Sink(Node):
    """Takes every lot that its feeds can give, at once.

    Attributes
    ----------
    lead_time : Tally
        Ticks from creation to arrival, since the warm-up.
    parts, lots : dict of str to int
        Rows alive and lots, by product, since the start of the running period.
    """

    __slots__ = ("lead_time", "lots", "lots_by_week", "parts", "parts_by_week", "window_lots", "window_parts")

    def __init__(self, line: LineRun, name: str, order: int) -> None:
        super().__init__(line, name, order)
        self.lead_time = Tally()
        self.parts: dict[str, int] = {}
        self.lots: dict[str, int] = {}
        self.window_parts: dict[str, int] = {}
        self.window_lots: dict[str, int] = {}
        self.parts_by_week: list[dict[str, int]] = []
        self.lots_by_week: list[dict[str, int]] = []

    def pull(self) -> None:
        """Take what is there."""
        line = self.line
        now = line.env.now
        for giver in self.feeds:
            while giver.ready():
                lot = giver.give()
                self.entered += 1
                self.amount_in += lot.amount
                product, rows = lot.product, lot.n_alive
                self.parts[product] = self.parts.get(product, 0) + rows
                self.lots[product] = self.lots.get(product, 0) + 1
                self.window_parts[product] = self.window_parts.get(product, 0) + rows
                self.window_lots[product] = self.window_lots.get(product, 0) + 1
                self.lead_time.add(now - lot.created)
                line.lots_finished += 1
                line.change_wip(-1)
                if line.physics is not None:
                    line.physics.finished(self.name, lot, now)

    def end_week(self) -> None:
        """Close the running week."""
        self.parts_by_week.append(self.parts)
        self.lots_by_week.append(self.lots)
        self.parts, self.lots = {}, {}

    def end_warmup(self) -> None:
        """Start the window anew."""
        self.window_parts, self.window_lots = {}, {}
        self.lead_time.reset()
