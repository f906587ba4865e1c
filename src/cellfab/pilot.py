"""The quality chain: lots through the physics of a line in line order, without a clock, a ledger or SimPy.

A pilot lot is the same lot that a simulated run makes: seed, replicate, place, decision and identity name its random
numbers, and none of them knows the time. At one maturity (a run without a ramp, or a mature one) pilot lots and the
lots of a run are equal cell for cell.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from cellfab.config.line_graph import givers
from cellfab.config.line_spec import Line
from cellfab.core import notes
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot, lineage
from cellfab.errors import ConfigError
from cellfab.scenario import Place, Scenario, places
from cellfab.steps.base import Merge, Step


class Stop(NamedTuple):
    """One node of a line on the way from sources to sinks, and the nodes that give to it."""

    node: str
    givers: tuple[str, ...]
    is_station: bool
    is_sink: bool


def route(line: Line) -> tuple[Stop, ...]:
    """Buffers, stations and sinks so that each comes after everything that gives to it.

    What nothing can reach (a loop, a node fed by it) is left out.
    """
    reached = set(line.sources)
    waiting = {**line.buffers, **line.stations, **line.sinks}
    order: list[Stop] = []
    while True:
        ready = [name for name, node in waiting.items() if reached.issuperset(givers(node.feed))]
        if not ready:
            return tuple(order)
        for name in ready:
            feed = waiting.pop(name).feed
            order.append(Stop(name, givers(feed), name in line.stations, name in line.sinks))
        reached.update(ready)


def source_lots(line: Line, product: str, ordinal: int) -> dict[str, Lot]:
    """Lot number `ordinal` of every source, by source, as a run would make it."""
    return {
        name: Lot(lineage(name, ordinal), ordinal=ordinal, product=product, material=source.material)
        for name, source in line.sources.items()
    }


def send(stops: Sequence[Stop], sources: Mapping[str, Lot], act: Callable[[str, Sequence[Lot]], Lot]) -> Iterator[Lot]:
    """Send one lot of every source down the line; yields what reaches the sinks.

    A lot without a living row goes no further, and what it was to meet waits for ever.

    Parameters
    ----------
    stops : sequence of Stop
        From `route`.
    sources : mapping of str to Lot
        From `source_lots`.
    act : callable
        Given a station's name and the lots that meet there, returns the lot that leaves.
    """
    at = dict(sources)
    for stop in stops:
        lots = [at[giver] for giver in stop.givers if giver in at]
        if len(lots) < len(stop.givers):
            continue
        left = act(stop.node, lots) if stop.is_station else lots[0]
        if stop.is_sink:
            yield left
        elif left.n_alive:
            at[stop.node] = left


class Visit(NamedTuple):
    """What one place did to one lot.

    Attributes
    ----------
    place : Place
    step : Step
    came : tuple of Lot
        The lot, or the lots that met; unless another lot was made of it, `came[0]` is `made`.
    rows_in : int
        Living rows at the start; where another lot is made, its rows.
    made : Lot
    losses : tuple of (cause, rows)
        Of `made`, here.
    sorted_out : tuple of (Lot, cause, rows)
        Of lots that another was made of: rows scrapped here before they were taken.
    reworked : int
        Rows that passed at the second try.
    false_rejects : mapping of str to int
        Sound rows scrapped, by the cause's name, where the step tells.
    """

    place: Place
    step: Step
    came: tuple[Lot, ...]
    rows_in: int
    made: Lot
    losses: tuple[tuple[int, int], ...]
    sorted_out: tuple[tuple[Lot, int, int], ...]
    reworked: int
    false_rejects: Mapping[str, int]


class QualityChain:
    """All steps of a scenario's line for one product, at one maturity.

    Parameters
    ----------
    scenario : Scenario
        A plant of one line (of several lines: `Scenario.one_line`, or another of `Scenario.alone`).
    product : str, optional
        Default: the product of a conversion, else the first one made.
    seed, replicate : int
        Name the random numbers.
    maturity : float
        Of every place: 0 on day one, 1 mature.
    steps : mapping of (place key, product) to Step, optional
        Instead of the scenario's own steps (importance sampling changes one of them).

    Raises
    ------
    ConfigError
        If the scenario is a bare line or does not make the product.
    """

    def __init__(
        self, scenario: Scenario, product: str | None = None, *, seed: int = 1, replicate: int = 0,
        maturity: float = 1.0, steps: Mapping[tuple[str, str], Step] | None = None,
    ) -> None:  # fmt: skip
        self.product = pilot_product(scenario, product)
        self.scenario = scenario
        self.maturity = maturity
        self._line = scenario.spec.line
        self._stops = route(self._line)
        self._acts: dict[str, list[tuple[Place, Step, Draws]]] = {name: [] for name in self._line.stations}
        for place in places(self._line):
            step = (steps or scenario.steps)[place.key, self.product]
            self._acts[place.station].append((place, step, Draws(seed, replicate, place.key)))

    @property
    def places(self) -> tuple[Place, ...]:
        """All places in the order in which lots come to them."""
        return tuple(place for stop in self._stops for place, _, _ in self._acts.get(stop.node, ()))

    @property
    def stops(self) -> tuple[Stop, ...]:
        """All nodes in the order in which lots come to them."""
        return self._stops

    def lot(
        self, ordinal: int, watch: Callable[[Visit], None] | None = None, stations: Container[str] | None = None,
        given: Mapping[str, Lot] | None = None, left: Callable[[str, Lot], None] | None = None,
    ) -> list[Lot]:  # fmt: skip
        """Send lot number `ordinal` of every source through; `watch` is told of each place as it is left.

        With `stations`, only these are passed: lots go no further than the last of them that they come to, unless what
        leaves another station is `given`. `left` is told of every station and the lot that leaves it.

        Returns
        -------
        list of Lot
            What reached the sinks.
        """

        def act(station: str, lots: Sequence[Lot]) -> Lot:
            for place, step, draws in self._acts[station]:
                rows_in = lots[0].n_alive
                if isinstance(step, Merge):
                    made = step.merge({lot.material: lot for lot in lots}, draws, self.maturity)
                else:
                    made = step.apply(lots[0], draws, self.maturity)
                losses, made.losses = tuple(made.losses), []
                _, reworked, rejects = notes.take(made)
                if watch is not None:
                    others = [lot for lot in lots if lot is not made]
                    sorted_out = tuple((lot, code, rows) for lot in others for code, rows in lot.losses)
                    rows_in = made.n if others else rows_in
                    watch(Visit(place, step, tuple(lots), rows_in, made, losses, sorted_out, reworked, rejects))
                lots = (made,)
            if left is not None:
                left(station, lots[0])
            return lots[0]

        stops = [stop for stop in self._stops if stations is None or not stop.is_station or stop.node in stations]
        sources = source_lots(self._line, self.product, ordinal)
        return list(send(stops, sources if given is None else {**sources, **given}, act))


def pilot_product(scenario: Scenario, product: str | None = None) -> str:
    """The product asked for, or the one that a pilot is about: a conversion's new one, else the first one made.

    Raises
    ------
    ConfigError
        If the scenario is a bare line or has no such product.
    """
    spec = scenario.spec
    if not scenario.is_plant:
        raise ConfigError(f"scenario '{scenario.name}' is a bare line: it has no cells to look at")
    if product is None:
        made = next(iter(next(iter(spec.line.sources.values())).products))
        return spec.conversion.product_to if spec.conversion else made
    if product not in spec.products:
        known = ", ".join(spec.products)
        raise ConfigError(f"scenario '{scenario.name}' makes no '{product}'; its products: {known}")
    return product


def pilot_lots(
    scenario: Scenario, product: str | None = None, *, seed: int = 1, lots: int = 4, maturity: float = 1.0
) -> Iterator[Lot]:
    """Finished lots of the quality chain, number 0 to `lots` - 1, one after the other; see `QualityChain`."""
    chain = QualityChain(scenario.one_line, product, seed=seed, maturity=maturity)
    for ordinal in range(lots):
        yield from chain.lot(ordinal)
