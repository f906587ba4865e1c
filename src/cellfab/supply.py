"""Who stands still when something is not supplied: the shocks of a scenario as closed windows of its stations."""

from __future__ import annotations

from cellfab.config.line_spec import DwellStation
from cellfab.economics.shocks import Window, closures
from cellfab.errors import ConfigError
from cellfab.pilot import QualityChain, Visit
from cellfab.scenario import Scenario

_PILOTS = 2


def supply_windows(scenario: Scenario, seed: int, horizon: int) -> dict[str, list[Window]]:
    """By station: ticks from which and up to which it is not supplied.

    A material that is not delivered closes the stations that use it, which pilot lots tell; a demand drop, or a part of
    a material, every station but stores.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        Names the random numbers of the pilots.
    horizon : int
        Ticks of the run.

    Raises
    ------
    ConfigError
        If no station uses a material that a shock takes away.
    """
    spec = scenario.spec
    if all(shock.open_share == 1.0 for shock in spec.shocks.values()):
        return {}
    scarce = {shock.subject for shock in spec.shocks.values() if shock.open_share < 1.0} - {None}
    users = {
        material: {copy for name in names for copy in scenario.layout.copies(name)}
        for material, names in (material_users(scenario.one_line, seed) if scarce else {}).items()
    }
    for name, shock in spec.shocks.items():
        if shock.subject in scarce and shock.open_share < 1.0 and shock.subject not in users:
            raise ConfigError(f"shocks.{name}: no station of this line uses '{shock.subject}'")
    plant = [name for name, station in spec.line.stations.items() if not isinstance(station, DwellStation)]
    return closures(spec.shocks, users, plant, spec.run.start_date, horizon)


def material_users(scenario: Scenario, seed: int) -> dict[str, set[str]]:
    """Stations that use each material, by its name, for any product of the scenario."""
    users: dict[str, set[str]] = {}

    def note(visit: Visit) -> None:
        for material, used in visit.step.work(visit.made, 1.0).materials.items():
            if used:
                users.setdefault(material, set()).add(visit.place.station)

    for product in scenario.spec.products:
        chain = QualityChain(scenario, product, seed=seed)
        for ordinal in range(_PILOTS):
            chain.lot(ordinal, note)
    return users
