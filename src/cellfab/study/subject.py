"""What a study runs: one scenario, or a fleet of plants in its market. Everything else in a study is the same."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cellfab.config.resolved import Resolved
from cellfab.fleet.file import LoadedFleet, bind_fleet, is_fleet
from cellfab.scenario import Scenario, bind

Subject = Scenario | LoadedFleet


@dataclass(slots=True)
class SubjectReader:
    """Checks configurations; scenarios of plants that many fleets have in common are read once."""

    _plants: dict[str, Scenario] = field(default_factory=dict)

    def bind(self, resolved: Resolved) -> Subject:
        """The scenario or the fleet that a configuration is.

        Raises
        ------
        ConfigError
            With every problem, located.
        """
        return bind_fleet(resolved, self._plants) if is_fleet(resolved) else bind(resolved)


def bare(subject: Subject) -> Subject:
    """A subject without the places in files where its values were written."""
    if isinstance(subject, Scenario):
        return _bare_scenario(subject)
    plants = {one.digest: _bare_scenario(one) for one in subject.scenarios.values()}
    scenarios = {name: plants[one.digest] for name, one in subject.scenarios.items()}
    return replace(subject, scenarios=scenarios, resolved=_nowhere(subject), assumptions=())


def _bare_scenario(scenario: Scenario) -> Scenario:
    return replace(scenario, resolved=_nowhere(scenario), warnings=(), assumptions=())


def _nowhere(subject: Subject) -> Resolved:
    return Resolved(subject.name, {}, {}, {}, (), ())


def skeleton(subject: Subject) -> str:
    """What the names of a subject's key figures depend on."""
    if isinstance(subject, LoadedFleet):
        fleet = subject.spec.fleet
        return repr((list(fleet.plants), subject.start, subject.weeks, fleet.parity is None))
    spec, line = subject.spec, subject.spec.line
    parts = (line.sources, line.stations, line.buffers, line.sinks, line.crews, spec.products)
    return repr(([list(part) for part in parts], spec.conversion is None))
