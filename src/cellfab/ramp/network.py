"""Activities with dependencies and crews of limited size: early and late dates, floats, critical path.

Method
------
The critical path method (J. E. Kelley, M. R. Walker, "Critical-path planning and scheduling", Proc. Eastern Joint
Computer Conference 1959): a forward pass gives early dates, a backward pass late ones, their difference the float.

Crews make it a resource-constrained project. It is scheduled in parallel (R. Kolisch, "Serial and parallel
resource-constrained project scheduling methods revisited", European Journal of Operational Research 90, 1996): time
goes forward; whenever an activity may begin and enough of its crews are free, it begins; of several, the one with the
earliest planned latest start goes first, then the one with the earliest latest finish, then the one written first. So
nobody waits while there is work that could be done, and no decision looks at what is not yet known: with other
durations after a moment, everything before it stays as it was.

Members of crews go from one activity to the next. These hand-overs count as dependencies when floats and the critical
path are found (the resource flow network of C. Artigues, F. Roubellat, European Journal of Operational Research 127,
2000), so that a float is time that really may be lost without delaying the end.

Times are whole numbers of any unit.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity of a network.

    Attributes
    ----------
    name : str
    duration : int
        At least 0.
    after : tuple of str
        Activities that must be over.
    not_before : int
        Earliest start, whatever is over.
    crews : mapping of str to int
        Members of each crew that are busy with it.
    """

    name: str
    duration: int
    after: tuple[str, ...] = ()
    not_before: int = 0
    crews: Mapping[str, int] = field(default_factory=dict)


class Dates(NamedTuple):
    """When an activity is done.

    Attributes
    ----------
    start, finish : int
        As scheduled, crews included.
    late_start, late_finish : int
        The latest that does not delay the end.
    free_float : int
        How late it may be over without delaying any other activity.
    waited : int
        Ticks it waited for a crew although all before it was over.
    """

    start: int
    finish: int
    late_start: int
    late_finish: int
    free_float: int
    waited: int

    @property
    def total_float(self) -> int:
        """How late it may be without delaying the end."""
        return self.late_start - self.start


@dataclass(frozen=True, slots=True)
class Timeline:
    """All dates of a network.

    Attributes
    ----------
    dates : mapping of str to Dates
        In the order in which activities were written.
    critical : tuple of str
        Activities without float that lead to the end, by start; the critical path, or several that are equally long.
    """

    dates: Mapping[str, Dates]
    critical: tuple[str, ...]


class CircularError(ValueError):
    """Activities that wait for each other; `circle` names them, the first one again at the end."""

    def __init__(self, circle: Sequence[str]) -> None:
        self.circle = tuple(circle)
        super().__init__(" -> ".join(self.circle))


def find_circle(after: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """A circle of dependencies, each activity before the one that waits for it and the first again at the end.

    Parameters
    ----------
    after : mapping of str to iterable of str
        What each waits for; names that are no keys are passed over.

    Returns
    -------
    tuple of str
        Empty where there is none. Deterministic: it begins with the activity written first.
    """
    done: set[str] = set()
    for root in after:
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, Iterable[str]]] = [] if root in done else [(root, iter(after[root]))]
        if stack:
            path.append(root)
            on_path.add(root)
        while stack:
            name, rest = stack[-1]
            following = next(iter(rest), None)
            if following is None:
                stack.pop()
                path.pop()
                on_path.discard(name)
                done.add(name)
            elif following in on_path:
                circle = path[path.index(following) :]  # each waits for the next: turn round to "comes before"
                circle.reverse()
                first = min(range(len(circle)), key=lambda at: list(after).index(circle[at]))
                turned = [*circle[first:], *circle[:first]]
                return (*turned, turned[0])
            elif following not in done and following in after:
                stack.append((following, iter(after[following])))
                path.append(following)
                on_path.add(following)
    return ()


class Network:
    """Activities that can be scheduled again and again with other durations.

    Parameters
    ----------
    activities : sequence of Activity
        Names must differ, dependencies exist, and nothing may wait for itself.
    crews : mapping of str to int
        Members of each crew.
    end : str, optional
        What the project is for: late dates and the critical path are those of this activity. Activities that do not
        lead to it may last as long as the longest of all. Default: the latest of all.

    Raises
    ------
    CircularError
        If activities wait for each other in a circle.
    ValueError
        For an unknown dependency, a crew that is not there or too small, two activities of a name.
    """

    def __init__(
        self, activities: Sequence[Activity], crews: Mapping[str, int] | None = None, end: str | None = None
    ) -> None:
        self.activities = tuple(activities)
        self.crews = dict(crews or {})
        self.names = tuple(one.name for one in self.activities)
        index = {name: at for at, name in enumerate(self.names)}
        if len(index) != len(self.names):
            raise ValueError("two activities have the same name")
        for one in self.activities:
            for name in one.after:
                if name not in index:
                    raise ValueError(f"'{one.name}' waits for '{name}', which is not there")
            for crew, members in one.crews.items():
                if self.crews.get(crew, 0) < members:
                    raise ValueError(
                        f"'{one.name}' needs {members} of '{crew}', and there are {self.crews.get(crew, 0)}"
                    )
        circle = find_circle({one.name: one.after for one in self.activities})
        if circle:
            raise CircularError(circle)
        self.end = None if end is None else index[end]
        self._before = [[index[name] for name in dict.fromkeys(one.after)] for one in self.activities]
        self._followers: list[list[int]] = [[] for _ in self.activities]
        for at, before in enumerate(self._before):
            for earlier in before:
                self._followers[earlier].append(at)
        self._not_before = [one.not_before for one in self.activities]
        self._needs = [tuple(one.crews.items()) for one in self.activities]
        self._planned = [one.duration for one in self.activities]
        self._order = self._sorted()
        self._rank = self._priorities()

    def _priorities(self) -> list[int]:
        """Rank of each activity: earliest planned latest start, latest finish, then order as written."""
        starts, _ = self._unhindered(self._planned)
        finishes = [start + lasts for start, lasts in zip(starts, self._planned, strict=True)]
        late = self._late_finishes(self._order, finishes, self._planned, self._followers)
        ranked = sorted(range(len(late)), key=lambda at: (late[at] - self._planned[at], late[at], at))
        rank = [0] * len(late)
        for place, at in enumerate(ranked):
            rank[at] = place
        return rank

    def _sorted(self) -> list[int]:
        """Activities so that each comes after all that it waits for."""
        open_ends = [len(before) for before in self._before]
        order = [at for at, count in enumerate(open_ends) if count == 0]
        for at in order:  # grows while it is walked
            for follower in self._followers[at]:
                open_ends[follower] -= 1
                if open_ends[follower] == 0:
                    order.append(follower)
        return order

    def _late_finishes(
        self, order: Sequence[int], finishes: Sequence[int], lasts: Sequence[int], followers: Sequence[Sequence[int]]
    ) -> list[int]:
        last = max(finishes, default=0)
        late = [last] * len(finishes)
        if self.end is not None:
            late[self.end] = finishes[self.end]
        for at in reversed(order):
            for follower in followers[at]:
                late[at] = min(late[at], late[follower] - lasts[follower])
        return late

    def schedule(self, durations: Mapping[str, int] | None = None) -> Timeline:
        """Dates of every activity.

        Parameters
        ----------
        durations : mapping of str to int, optional
            Those that differ from the plan. The order in which crews serve activities stays that of the plan.
        """
        lasts = self._lasts(durations)
        starts, ready, followers, order = self._dispatch(lasts)
        finishes = [start + long for start, long in zip(starts, lasts, strict=True)]
        late = self._late_finishes(order, finishes, lasts, followers)
        dates = {}
        for at, name in enumerate(self.names):
            first = min((starts[follower] for follower in followers[at]), default=late[at])
            dates[name] = Dates(
                starts[at], finishes[at], late[at] - lasts[at], late[at], first - finishes[at], starts[at] - ready[at]
            )
        leads = self._leading(followers)
        critical = [at for at in order if leads[at] and late[at] == finishes[at]]
        critical.sort(key=lambda at: (starts[at], finishes[at]))
        return Timeline(dates, tuple(self.names[at] for at in critical))

    def finishes(self, durations: Mapping[str, int] | None = None) -> dict[str, int]:
        """Only when each activity is over: what many draws need, at a third of the work of `schedule`."""
        lasts = self._lasts(durations)
        starts = self._dispatch(lasts)[0]
        return {name: start + long for name, start, long in zip(self.names, starts, lasts, strict=True)}

    def _lasts(self, durations: Mapping[str, int] | None) -> list[int]:
        if not durations:
            return self._planned
        return [durations.get(name, planned) for name, planned in zip(self.names, self._planned, strict=True)]

    def _leading(self, followers: Sequence[Sequence[int]]) -> list[bool]:
        """Which activities lead to the end, themselves included."""
        if self.end is None:
            return [True] * len(followers)
        leads = [False] * len(followers)
        earlier: list[list[int]] = [[] for _ in followers]
        for at, found in enumerate(followers):
            for follower in found:
                earlier[follower].append(at)
        open_ends = [self.end]
        leads[self.end] = True
        while open_ends:
            for at in earlier[open_ends.pop()]:
                if not leads[at]:
                    leads[at] = True
                    open_ends.append(at)
        return leads

    def _unhindered(self, lasts: Sequence[int]) -> tuple[list[int], list[int]]:
        """Starts if crews were unlimited, and the times at which all before was over."""
        ready = [0] * len(lasts)
        starts = [0] * len(lasts)
        for at in self._order:
            for earlier in self._before[at]:
                done = starts[earlier] + lasts[earlier]
                if done > ready[at]:
                    ready[at] = done
            starts[at] = ready[at] = max(ready[at], self._not_before[at])
        return starts, ready

    def _dispatch(self, lasts: Sequence[int]) -> tuple[list[int], list[int], Sequence[Sequence[int]], list[int]]:
        """Starts, the times at which all before was over, followers with the hand-overs of crews, and an order in which
        each activity comes after all that it waited for."""
        if not any(self._needs):
            starts, ready = self._unhindered(lasts)
            return starts, ready, self._followers, self._order
        count = len(lasts)
        starts, ready, order = [0] * count, [0] * count, list[int]()
        followers = [list(found) for found in self._followers]
        open_ends = [len(before) for before in self._before]
        idle = {crew: deque([-1] * members) for crew, members in self.crews.items()}
        waiting: list[tuple[int, int]] = []
        coming = [(self._not_before[at], self._rank[at], at) for at in range(count) if open_ends[at] == 0]
        heapify(coming)
        running: list[tuple[int, int, int]] = []
        while coming or running:
            now = min(queue[0][0] for queue in (coming, running) if queue)
            while running and running[0][0] == now:
                at = heappop(running)[2]
                for crew, members in self._needs[at]:
                    idle[crew].extend([at] * members)
                for follower in self._followers[at]:
                    open_ends[follower] -= 1
                    if open_ends[follower] == 0:
                        heappush(coming, (max(now, self._not_before[follower]), self._rank[follower], follower))
            while coming and coming[0][0] == now:
                _, rank, at = heappop(coming)
                ready[at] = now
                insort(waiting, (rank, at))
            for entry in tuple(waiting):
                at = entry[1]
                if all(len(idle[crew]) >= members for crew, members in self._needs[at]):
                    waiting.remove(entry)
                    for crew, members in self._needs[at]:
                        givers = dict.fromkeys(idle[crew].popleft() for _ in range(members))
                        for giver in givers:
                            if giver >= 0:
                                followers[giver].append(at)
                    starts[at] = now
                    order.append(at)
                    heappush(running, (now + lasts[at], self._rank[at], at))
        return starts, ready, followers, order
