"""What every place of a line has in common: its name, what feeds it, whom it feeds, and its count of lots.

Lots are pulled. A *giver* (source, buffer, station) says how many lots could leave it now and hands over the first;
a *taker* (buffer, station, sink) is touched when something that matters to it has changed and then looks at its
feeds. All moves of one tick happen in `cellfab.line.line_run`, after everything that ends at that tick has been noted,
so that no outcome depends on the order in which SimPy happens to process equal times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellfab.core.lot import Lot

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun


class Node:
    """A named place. Its lots are conserved: entered + made = left + scrapped + merged + inside.

    Attributes
    ----------
    name : str
    order : int
        Rank among all nodes, in the order written: sources, stations, buffers, sinks.
    feeds : list of Giver
        What it takes lots from, in the order written.
    entered, left : int
        Lots that came in and went on.
    made, merged : int
        Lots that came to be here (a split), and that became part of another one (a merge).
    scrapped : int
        Lots thrown away here.
    amount_in, amount_out : float
        Sum of `Lot.amount` over the lots that came in and that went on.
    begins : int
        Tick at which it comes alive; before, it takes nothing, gives nothing, and its time does not count.
    """

    __slots__ = (
        "amount_in", "amount_out", "begins", "entered", "feeds", "left", "line", "made", "merged", "name", "order",
        "scrapped", "touched",
    )  # fmt: skip

    def __init__(self, line: LineRun, name: str, order: int) -> None:
        self.line = line
        self.name = name
        self.order = order
        self.feeds: list[Giver] = []
        self.touched = False
        self.entered = self.left = self.made = self.merged = self.scrapped = 0
        self.amount_in = self.amount_out = 0.0
        self.begins = line.begins.get(name, 0)

    @property
    def inside(self) -> int:
        """Lots in it, by the books."""
        return self.entered + self.made - self.left - self.scrapped - self.merged

    def start(self) -> None:
        """Begin to live, at tick `begins`, once everything is wired."""


class Giver(Node):
    """A node that lots leave.

    Attributes
    ----------
    takers : list of Node
        Whom it feeds, in the order written.
    """

    __slots__ = ("takers",)

    def __init__(self, line: LineRun, name: str, order: int) -> None:
        super().__init__(line, name, order)
        self.takers: list[Node] = []

    def ready(self) -> int:
        """How many lots could leave now."""
        raise NotImplementedError

    def peek(self) -> Lot:
        """The lot that would leave next; there must be one."""
        raise NotImplementedError

    def waiting_since(self) -> int:
        """Tick since which the next lot has been ready to leave; there must be one."""
        raise NotImplementedError

    def give(self) -> Lot:
        """Hand over the next lot; there must be one."""
        raise NotImplementedError

    def products(self) -> list[str]:
        """What the lots that could leave now are for, in the order in which they would; only a store can choose."""
        return [self.peek().product] if self.ready() else []

    def give_for(self, product: str) -> Lot:
        """Hand over the next lot for a product; it must be among `products`."""
        return self.give()

    def offer(self) -> None:
        """Tell the takers that a lot has become ready."""
        for taker in self.takers:
            if not taker.touched:
                self.line.touch(taker)
