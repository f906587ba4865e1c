"""One line while it runs: all nodes, the clock, and the settling of each tick."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence, Set
from heapq import heappop, heappush
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np
from simpy.events import Event

from cellfab.config.line_checks import line_problems
from cellfab.config.line_graph import ties
from cellfab.config.line_spec import Line
from cellfab.config.tree_path import dotted
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError, StallError
from cellfab.kernels.random import stream_key
from cellfab.line.bottlenecks import Bottlenecks
from cellfab.line.buffers import Buffer, Returns, Store
from cellfab.line.chain import ChainStation, copies
from cellfab.line.crews import Crew
from cellfab.line.durations import Duration
from cellfab.line.dwell import DwellStation
from cellfab.line.events import BOUNDARY, SETTLE, Alarm, Bell, TickEnvironment
from cellfab.line.kinds import station_class
from cellfab.line.nearness import count_places_ahead
from cellfab.line.nodes import Giver, Node
from cellfab.line.physics import Physics, Ramping
from cellfab.line.sinks import Sink
from cellfab.line.sources import Source
from cellfab.line.stall import Drain, explain
from cellfab.line.stations import Station
from cellfab.line.statistics import Level
from cellfab.line.units import Unit
from cellfab.units import TICKS_PER_WEEK

_MOST_ROUNDS = 1_000_000
"""Rounds of moves at one tick before it is declared that time does not advance."""

AnyNode = TypeVar("AnyNode", bound=Node)
Controller = Callable[["LineRun"], Generator[Event, Any, Any]]


class LineRun:
    """A line being simulated; what a controller (a plant conversion) gets hold of.

    Parameters
    ----------
    spec : Line
        What it is.
    seed, replicate : int
        Name the random numbers.
    physics : Physics or None
        What happens to cells; None on a bare line.
    ramp : Ramping or None
        How stations get better on a bare line; of a plant the physics says so.
    horizon, warmup : int
        Ticks at which the run ends and at which its statistics start.
    closures : mapping of str to sequence of (int, int)
        By station: ticks from which and up to which nothing is supplied to it.
    begins : mapping of str to int
        By node: tick at which it comes alive; default 0.
    watched : bool
        Find the shifting bottleneck.

    Attributes
    ----------
    env : TickEnvironment
        SimPy's, in ticks.
    sources, stations, buffers, sinks, crews : dict
        By name; chains side by side are stations of one name, the second in the dictionary as "name#2".
    wip : Level
        Lots that have come and not yet left, those waiting outside included.
    bottlenecks : Bottlenecks or None
        By `order` of the stations.
    """

    def __init__(
        self,
        spec: Line,
        *,
        seed: int,
        replicate: int = 0,
        physics: Physics | None = None,
        ramp: Ramping | None = None,
        horizon: int,
        warmup: int = 0,
        closures: Mapping[str, Sequence[tuple[int, int]]] | None = None,
        begins: Mapping[str, int] | None = None,
        watched: bool = False,
    ) -> None:
        _raise_problems(spec)
        self.spec = spec
        self.seed = seed
        self.replicate = replicate
        self.physics = physics
        self.ramp = ramp if physics is None else physics
        self.horizon = horizon
        self.warmup = warmup
        self.closures = closures or {}
        self.begins = begins or {}
        self.env = TickEnvironment(0)
        self.durations: list[Duration] = []
        self.wip = Level()
        self.bottlenecks: Bottlenecks | None = None
        if watched:
            self.bottlenecks = Bottlenecks(len(spec.sources) + len(spec.stations), horizon, warmup)
        self.lots_finished = 0
        self.lots_thrown_away = 0
        self._touched_stores: list[Any] = []
        self._touched_stations: list[Station] = []
        self._touched_crews: list[Crew] = []
        self._losing: list[Source] = []
        self._expiring: list[Store] = []
        self._collecting: list[tuple[Station, list[Giver]]] = []
        self._drains: list[Drain] = []
        self._settling = Bell(self.env, self._settle, SETTLE)
        self._settle_pending = False
        self._rounds_at_tick = 0
        self._settled_at = -1
        # The rank of a node, which decides between equals: as written, by group.
        names = [*spec.sources, *spec.stations, *spec.buffers, *spec.sinks]
        order = {name: index for index, name in enumerate(names)}
        self.crews = {name: Crew(self, name, index, crew) for index, (name, crew) in enumerate(spec.crews.items())}
        self.sources = {name: Source(self, name, order[name], source) for name, source in spec.sources.items()}
        self.stations: dict[str, Station | DwellStation] = {}
        for name, station in spec.stations.items():
            for place in copies(name, station):
                made: Any = station_class(station)(self, name, order[name], station)  # type: ignore[call-arg]
                self.stations[place] = made
                if self.bottlenecks is not None:
                    self.bottlenecks.add(made.order, made.watched)
                if isinstance(made, ChainStation):
                    made.place = place
        self.buffers = {name: Buffer(self, name, order[name], buffer) for name, buffer in spec.buffers.items()}
        self.sinks = {name: Sink(self, name, order[name]) for name in spec.sinks}
        self.nodes: dict[str, Node] = {**self.sources, **self.stations, **self.buffers, **self.sinks}
        self._wire()

    def _wire(self) -> None:
        spec = self.spec
        several = len({product for source in spec.sources.values() for product in source.products}) > 1
        for group in (spec.stations, spec.buffers, spec.sinks):
            for name, node_spec in group.items():
                tied = ties((), node_spec.feed)
                for place in copies(name, node_spec):
                    node = self.nodes[place]
                    node.feeds = [giver for tie in tied for giver in self._givers(tie.giver)]
                    if isinstance(node_spec.feed, dict) and isinstance(node, Station):
                        node.needs = [(self._givers(tie.giver)[0], tie.lots) for tie in tied]
                        node.taken_first = tied[0].lots
                        node.pairs = several and node.spec.step is not None
        for buffer in self.buffers.values():
            if buffer.spec.redo_at not in (None, buffer.name):
                buffer.returns = Returns(self, buffer)
                self.buffers[str(buffer.spec.redo_at)].feeds.append(buffer.returns)
        for node in self.nodes.values():
            if isinstance(node, Buffer) and node.capacity == 0.0:
                node.feeds = []
            for giver in node.feeds:
                giver.takers.append(node)
        for node in self.nodes.values():
            if isinstance(node, Giver):
                node.takers.sort(key=lambda taker: taker.order)
        count_places_ahead(self.nodes.values())
        for station in self.stations.values():
            if isinstance(station, Station) and station.lots_wanted > 1:
                self._collecting.append((station, self._upstream(station)))

    def _givers(self, name: str) -> list[Giver]:
        """A giver by name; a buffer without any room hands over directly from what feeds it."""
        node = self.nodes[name]
        assert isinstance(node, Giver)
        if isinstance(node, Buffer) and node.capacity == 0.0:
            return [giver for tie in ties((), node.spec.feed) for giver in self._givers(tie.giver)]
        places = copies(name, self.spec.stations[name]) if name in self.spec.stations else (name,)
        return [giver for place in places if isinstance(giver := self.nodes[place], Giver)]

    # Names and books.

    def key(self, *names: str) -> np.uint64:
        """The stream of random numbers of a decision."""
        return stream_key(self.seed, self.replicate, *names)

    @property
    def now(self) -> int:
        """Present tick."""
        return self.env.now

    @property
    def random_draws(self) -> int:
        """Durations drawn so far."""
        return sum(duration.drawn for duration in self.durations)

    def change_wip(self, by: int) -> None:
        """Lots have come into being or ceased to be."""
        self.wip.change(by, self.env.now)

    def throw_away(self, place: str, lot: Lot) -> None:
        """A lot is scrapped as a whole."""
        self.lots_thrown_away += 1
        self.change_wip(-1)
        if self._collecting:
            self.request_settle()  # it may have been the last one that a partial batch waited for
        if self.physics is not None:
            self.physics.expired(place, lot, self.now)

    def turn(self, order: int, *, waits: bool) -> None:
        """A unit of the station of that rank begins to wait for others, or ceases to."""
        if self.bottlenecks is not None:
            self.bottlenecks.turn(order, 1 if waits else -1, self.env.now)

    # Settling: all moves of a tick, once everything that ends at it is known.

    def touch(self, node: Any) -> None:
        """Something has changed that may let `node` take lots."""
        if node.touched:
            return
        node.touched = True
        if isinstance(node, Station):
            self._touched_stations.append(node)
        else:
            self._touched_stores.append(node)
        if not self._settle_pending:
            self.request_settle()

    def touch_crew(self, crew: Crew) -> None:
        """A repair calls, or a member has become free."""
        if not crew.touched:
            crew.touched = True
            self._touched_crews.append(crew)
            self.request_settle()

    def turn_away(self, source: Source) -> None:
        """An arrival of a source whose lots do not wait: lost unless it gets in when this tick is settled."""
        self._losing.append(source)
        self.request_settle()

    def let_expire(self, store: Store) -> None:
        """Lots in a store may have overstayed: look after the moves of this tick."""
        self._expiring.append(store)
        self.request_settle()

    def request_settle(self) -> None:
        """Settle this tick (again) once everything that ends at it is known."""
        if not self._settle_pending:
            self._settle_pending = True
            self._settling.set(0)

    def _settle(self, _: Any) -> None:
        now = self.env.now
        if now != self._settled_at:
            self._settled_at = now
            self._rounds_at_tick = 0
        while True:
            self._rounds_at_tick += 1
            if self._rounds_at_tick > _MOST_ROUNDS:
                raise StallError(f"time stands still at {now / 3.6e9:.6g} h: lots move round for ever in no time")
            if self._touched_stores:
                self._pull_stores()
            elif self._touched_stations:
                self._feed_stations()
            elif self._touched_crews:
                for crew in sorted(self._touched_crews, key=lambda crew: crew.order):
                    crew.touched = False
                    crew.serve()
                self._touched_crews.clear()
            elif not self._let_go():
                break
        self._settle_pending = False
        if self._drains:
            waiting, self._drains = self._drains, []
            for drain in waiting:
                if drain.is_over():
                    drain.event.succeed()
                else:
                    self._drains.append(drain)

    def _pull_stores(self) -> None:
        stores = self._touched_stores
        if len(stores) > 1:
            stores.sort(key=lambda store: store.order)
        self._touched_stores = []
        for store in stores:
            store.touched = False
            store.pull()

    def _feed_stations(self) -> None:
        """Feed free units of the stations nearest to the sinks, then of those further back.

        Those further back are fed when nothing can move ahead of them any more: then all their units that become free
        at this tick are, and which of them takes a lot does not depend on who was looked at first.
        """
        stations = self._touched_stations
        self._touched_stations = []
        if len(stations) > 1:
            stations.sort(key=attrgetter("places_ahead"))
        end = 0
        while end < len(stations):
            first, ahead = end, stations[end].places_ahead
            while end < len(stations) and stations[end].places_ahead == ahead:
                end += 1
            self._feed_rivals(stations[first:end])
            if self._touched_stores or self._touched_stations:
                break
        self._touched_stations += stations[end:]

    @staticmethod
    def _feed_rivals(stations: list[Station]) -> None:
        """Feed free units, the longest-waiting first, then stations as written, then units by number."""
        waiting: list[tuple[int, int, int, Unit]] = []
        for index, station in enumerate(stations):
            station.touched = False
            unit = station.first_hungry()
            if unit is not None:
                heappush(waiting, (unit.hungry_since, station.order, index, unit))
        while waiting:
            _, order, index, unit = heappop(waiting)
            station = stations[index]
            if station.feed(unit):
                next_unit = station.first_hungry()
                if next_unit is not None:
                    heappush(waiting, (next_unit.hungry_since, order, index, next_unit))

    def _let_go(self) -> bool:
        """After all moves: expire what is overdue, turn away what found no room, run batches that stay partial."""
        if self._expiring:
            stores, self._expiring = self._expiring, []
            for store in sorted(stores, key=lambda store: store.order):
                store.expire_due()
            return True
        if self._losing:
            sources, self._losing = self._losing, []
            for source in sources:
                source.turn_away()
            return True
        any_begun = False
        for station, upstream in self._collecting:
            if station.collects and not any(map(_can_deliver, upstream)):
                any_begun |= station.flush_collected()
        return any_begun

    def _upstream(self, node: Node) -> list[Giver]:
        """All nodes whose lots can reach `node`."""
        seen: dict[str, Giver] = {}
        open_ends = list(node.feeds)
        while open_ends:
            giver = open_ends.pop()
            if giver.name not in seen:
                seen[giver.name] = giver
                open_ends += giver.feeds
        seen.pop(node.name, None)  # reached through lots that are redone
        return list(seen.values())

    # What controllers use.

    def stop_sources(self, names: Set[str] | None = None) -> None:
        """No lot enters any more, or none through the sources named."""
        for source in self._chosen(self.sources, names):
            source.stop()

    def restart_sources(self, product: str, sellable: bool = True, names: Set[str] | None = None) -> None:
        """Lots enter again, all of one product; through all sources, or those named."""
        for source in self._chosen(self.sources, names):
            source.restart(product, sellable)

    def drained(self, names: Set[str] | None = None) -> Event:
        """Happens as soon as nothing inside (or in the nodes named) can move any more although nothing enters.

        Leftovers of merges stay.
        """
        drain = Drain(self, names)
        self._drains.append(drain)
        self.request_settle()
        return drain.event

    def look_whether_drained(self) -> None:
        """Something that could still move at the last settling may have come to rest."""
        if self._drains:
            self.request_settle()

    def discard_leftovers(self, names: Set[str] | None = None) -> int:
        """Throw away every lot that waits, outside or in a buffer, dwell station or unit; return how many.

        With `names` only in these nodes.
        """
        thrown = 0
        for node in self._chosen(self.nodes, names):
            if isinstance(node, Store | Source):
                thrown += node.discard_all()
            elif isinstance(node, Station):
                for unit in node.units:
                    if unit.waits and unit.lots:
                        thrown += len(unit.lots)
                        blocked = unit.outgoing
                        node.throw_out(unit)
                        if blocked:
                            unit.freed()
        return thrown

    @staticmethod
    def _chosen(nodes: Mapping[str, AnyNode], names: Set[str] | None) -> list[AnyNode]:
        return [node for node in nodes.values() if names is None or node.name in names]

    # Running.

    def start(self) -> None:
        """Wire up time: everything that happens by itself."""
        for tick in sorted(set(self.begins.values())):
            if 0 < tick < self.horizon:
                self.at(tick, self._begin)
        for node in self.nodes.values():
            if not node.begins:
                node.start()

    def _begin(self, now: int) -> None:
        """What comes alive at tick `now`."""
        if self.ramp is not None:
            for name in self.spec.stations:
                if self.begins.get(name) == now:
                    self.ramp.begins(name, now)
        for node in self.nodes.values():
            if node.begins == now:
                node.start()

    def at_each_week(self, action: Callable[[int], None]) -> None:
        """Call `action(now)` before anything else at the end of each whole week before the horizon."""

        def ring(_: Any) -> None:
            now = self.now
            action(now)
            if now + TICKS_PER_WEEK < self.horizon:
                Alarm(self.env, TICKS_PER_WEEK, ring, BOUNDARY)

        if self.horizon > TICKS_PER_WEEK:
            Alarm(self.env, TICKS_PER_WEEK, ring, BOUNDARY)

    def at(self, tick: int, action: Callable[[int], None]) -> None:
        """Call `action(now)` at a tick, before anything else at it."""
        Alarm(self.env, tick - self.now, lambda _: action(self.now), BOUNDARY)

    def stalled(self) -> str | None:
        """Who waits for whom, if nothing inside can ever move; None if something can, or a controller is to act."""
        if not self.wip.value or any(source.stopped for source in self.sources.values()):
            return None
        if not Drain(self).is_over():
            return None
        return explain(self)

    @property
    def settled_at(self) -> int:
        """Tick at which anything last moved."""
        return self._settled_at


def _can_deliver(node: Giver) -> bool:
    return node.inside > 0 or (isinstance(node, Source) and not node.dry)


def _raise_problems(spec: Line) -> None:
    """A scenario file has been checked before, with line numbers; this is for lines that are built in Python."""
    problems = line_problems(spec)
    if problems:
        lines = [f"{dotted(problem.path)}: {problem.message}" for problem in problems]
        raise ConfigError("\n".join(lines), tuple(problems))
