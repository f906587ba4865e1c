"""How large a plant must be for an output: machines of every station, and what the plant then costs.

Rates are propagated backwards from the good output: lots started follow from the good energy of pilot lots of the
mature line, and with them metres, kilograms, cells and cell hours at every station. Then

    n_i = ceil(r_i / (v_i H_i OEE_i)),    capital_i = n_i c_i

with r_i the rate that is needed, v_i that of one machine while it works, H_i the share of the calendar that it is
planned to work and OEE_i the share of that time in which it does (Mauler et al. 2021 on whole machines). Yield stands
in r_i, so OEE_i holds losses of time only. Waiting for neighbours is a loss of the line: `reserve_share` is room for
it.

The other method scales money by BatPaC's exponents, X = X0 (r / r0) ** p. They already hold, on average, that larger
plants fill their machines better; so a plant is sized by one or the other, and the scenario records which.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from cellfab.analytic import Estimate, StationCapacity, estimate, planned_share
from cellfab.config.economics_spec import Economics, PlantShared
from cellfab.config.line_spec import ChannelsStation, DwellStation, Line, Station, StationEconomics, station_units
from cellfab.config.problems import config_error
from cellfab.config.sizing_spec import AT, Method, Sizing
from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.economics.scaling import SHARED, Exponents, exponents_of, power_law
from cellfab.errors import ConfigError, UsageError
from cellfab.pilot import pilot_product
from cellfab.scenario import Scenario, places
from cellfab.units import HOURS_PER_WEEK

PILOTS = 24
"""Lots whose cells are drawn: a lot's good cells scatter by 4 %, so their mean is known within 1 %."""
OEE_WEEKS = 13
"""Weeks at the end of a run over which effectiveness is measured."""
STATES_FILE = "states.parquet"
_TIMELY = ("working", "setup")
"""Splices are setup, and stand in the rate of one machine."""
_LOST = ("down", "waiting_crew")
PROPORTIONAL = Exponents(1.0, 1.0, 1.0)
_GRAIN = 1e-9
_HOURS_PER_YEAR = HOURS_PER_WEEK * WEEKS_PER_YEAR


@dataclass(frozen=True, slots=True)
class StationSize:
    """One station of the sized plant.

    Attributes
    ----------
    needed_per_h : float
        r_i: in `unit` per hour of the calendar.
    one_per_h : float
        v_i: of one machine, position or place while it works.
    unit : str
        "m", "cells", "kg", "trays"; "cell-h" or "tray-h" where time is what is sold (positions, stores).
    planned_share, oee_share : float
        H_i and OEE_i, 0-1.
    exact : float
        Machines without rounding; NaN where a store has no end.
    machines, present : int
        Of the sized plant, and of the one it was made from.
    economics : StationEconomics
        All machines together.
    """

    needed_per_h: float
    one_per_h: float
    unit: str
    planned_share: float
    oee_share: float
    exact: float
    machines: int
    present: int
    economics: StationEconomics

    @property
    def utilisation(self) -> float:
        """Share of what the machines could do that is asked of them; NaN where a store has no end."""
        return self.exact / self.machines


@dataclass(frozen=True, slots=True)
class PlantSize:
    """A plant sized for an output.

    Attributes
    ----------
    sizing : Sizing
        What the scenario records.
    product : str
    present_gwh_per_year : float
        Of the plant as it was: the limit of its mature line in closed form.
    stations : mapping of str to StationSize
    crews, buffers : mapping of str to int or float
        People, and capacities in each buffer's unit.
    plant : PlantShared
        What the stations share.
    """

    sizing: Sizing
    product: str
    present_gwh_per_year: float
    stations: Mapping[str, StationSize]
    crews: Mapping[str, int]
    buffers: Mapping[str, float]
    plant: PlantShared

    @property
    def capex_musd(self) -> float:
        """Of all stations and what they share."""
        return math.fsum(size.economics.capex_musd for size in self.stations.values()) + self.plant.capex_musd


def machines_needed(needed: float, one: float, planned_share: float, oee_share: float) -> float:
    """Machines without rounding: r / (v H OEE), rates in the same unit.

    Raises
    ------
    ValueError
        Unless all are positive and the shares at most 1.
    """
    if not (needed > 0.0 and one > 0.0 and 0.0 < planned_share <= 1.0 and 0.0 < oee_share <= 1.0):
        raise ValueError(f"no machine works at {needed}, {one}, {planned_share}, {oee_share}")
    return needed / (one * planned_share * oee_share)


def whole_machines(exact: float) -> int:
    """The smallest whole number of machines that is enough; what is beyond one by rounding alone is not another one."""
    return max(1, math.ceil(exact * (1.0 - _GRAIN)))


def size_plant(
    scenario: Scenario,
    gwh_per_year: float,
    *,
    method: Method = "machines",
    oee_folder: Path | None = None,
    reserve_share: float = 0.0,
    machine_price_ratio: float = 1.0,
    product: str | None = None,
    seed: int = 1,
) -> PlantSize:
    """Size every station of a scenario's line for a good output.

    Parameters
    ----------
    scenario : Scenario
        A plant; its machines are what is bought, more or fewer of them.
    gwh_per_year : float
        Good energy as graded, around the calendar.
    method : {"machines", "power_law"}
        How money follows; the line itself always gets whole machines.
    oee_folder : Path, optional
        A run of the same line, whose last `OEE_WEEKS` weeks tell what share of its time each station works. Default:
        mature availability in closed form.
    reserve_share : float
        Room at every station beyond the output, 0-1.
    machine_price_ratio : float
        Price of a machine over what the scenario has for it: the same plant bought elsewhere.
    product : str, optional
        Default: the product of a conversion, else the first one made.
    seed : int
        Names the pilot lots' random numbers.

    Raises
    ------
    ConfigError
        If the scenario is a bare line, or was sized by the other method already.
    UsageError
        If the output, reserve or ratio makes no sense, or the run is not one of this line.
    """
    if not (gwh_per_year > 0.0 and math.isfinite(gwh_per_year)):
        raise UsageError(f"a plant of {gwh_per_year:g} GWh a year makes nothing")
    if not 0.0 <= reserve_share <= 1.0:
        raise UsageError(f"a reserve is a share from 0 to 1, not {reserve_share:g}")
    if not (machine_price_ratio > 0.0 and math.isfinite(machine_price_ratio)):
        raise UsageError(f"a price ratio is positive, not {machine_price_ratio:g}")
    spec = scenario.spec
    if scenario.alone:
        problem = scenario.resolved.problem("lines", "one line is sized at a time", "size the scenario without `lines`")
        raise config_error([problem])
    if spec.economics is None:
        raise ConfigError(f"scenario '{scenario.name}' is a bare line: it has no cells and no money to size by")
    _refuse_other_method(scenario, spec.economics, method)
    product = pilot_product(scenario, product)
    alone = estimate(scenario, product, seed=seed, pilot_lots=PILOTS)
    if not alone.good_kwh_per_lot:
        raise ConfigError(f"scenario '{scenario.name}': no cell of {PILOTS} lots of '{product}' can be sold")
    measured = None if oee_folder is None else measured_oee(oee_folder, spec.line)
    lots_per_h = gwh_per_year * 1e6 * (1.0 + reserve_share) / alone.good_kwh_per_lot / _HOURS_PER_YEAR
    present_gwh = _gwh_per_year(alone)
    ratio = gwh_per_year * (1.0 + reserve_share) / present_gwh
    steps = first_steps(spec.line)
    stations = {}
    for name, station in spec.line.stations.items():
        oee = None if measured is None else measured[name]
        size = _station_size(station, spec.line, alone.stations[name], lots_per_h, oee)
        if method == "machines":
            more = ratio if math.isnan(size.exact) else size.machines / size.present
            economics = _scaled(station.economics, more, PROPORTIONAL, machine_price_ratio)
        else:
            economics = _scaled(station.economics, ratio, exponents_of(steps.get(name, "")), machine_price_ratio)
        stations[name] = replace(size, economics=economics)
    prices = {name: size.economics.capex_musd / size.machines for name, size in stations.items()}
    sizing = Sizing(
        method=method,
        gwh_per_year=gwh_per_year,
        reserve_share=reserve_share,
        machine_price_ratio=machine_price_ratio,
        oee="" if oee_folder is None else oee_folder.resolve().name,
        machine_price_musd=prices if method == "machines" else {},
        scaled_from_gwh_per_year=present_gwh if method == "power_law" else None,
    )
    growth = max(ratio, 1.0)  # a buffer of a smaller plant must still take a whole lot
    return PlantSize(
        sizing,
        product,
        present_gwh,
        stations,
        {name: whole_machines(crew.size * ratio) for name, crew in spec.line.crews.items()},
        {
            name: math.ceil(buffer.capacity * growth)
            for name, buffer in spec.line.buffers.items()
            if buffer.capacity is not None
        },
        _scaled(spec.economics.plant, ratio, PROPORTIONAL if method == "machines" else SHARED, machine_price_ratio),
    )


def _refuse_other_method(scenario: Scenario, economics: Economics, method: Method) -> None:
    done = economics.sizing
    if done is not None and done.method != method:
        message = f"the plant is sized by '{done.method}' already; by '{method}' as well, its scale would count twice"
        hint = "size the scenario that it extends"
        raise config_error([scenario.resolved.problem((*AT, "method"), message, hint)])


def _gwh_per_year(alone: Estimate) -> float:
    """Of the whole line, as its slowest station allows."""
    return alone.cells_per_week * alone.good_kwh_per_lot / alone.good_cells_per_lot * WEEKS_PER_YEAR * 1e-6


def _station_size(
    station: Station, line: Line, alone: StationCapacity, lots_per_h: float, measured: float | None
) -> StationSize:
    """Machines of one station; its money is still that of the present ones."""
    present = station_units(station)
    hours = alone.seconds_per_lot / 3600.0
    amount, unit = alone.amount_per_lot, alone.unit
    if isinstance(station, ChannelsStation | DwellStation):
        amount, unit = amount * hours, f"{unit.removesuffix('s')}-h"
    on = planned_share(station, line)
    nominal = alone.lots_per_week / (alone.availability * HOURS_PER_WEEK * present)
    if measured is None:
        oee = alone.availability / on
    else:
        # The states of a run book the stops that a step makes itself as down: they are in the measured share.
        oee, nominal = measured, nominal / (1.0 - alone.stop_seconds_per_lot / alone.seconds_per_lot)
    if not math.isfinite(nominal):
        # A store without an end, or a station that takes no time.
        return StationSize(
            lots_per_h * amount, math.inf, unit, on, oee, math.nan, int(present), int(present), station.economics
        )
    exact = machines_needed(lots_per_h, nominal, on, oee)
    needed = whole_machines(exact)
    if isinstance(station, DwellStation):
        needed = max(needed, math.ceil(alone.amount_per_lot))  # a store takes whole lots
    return StationSize(
        lots_per_h * amount, nominal * amount, unit, on, oee, exact, needed, int(present), station.economics
    )


Owned = TypeVar("Owned", StationEconomics, PlantShared)


def _scaled(owned: Owned, ratio: float, exponents: Exponents, price_ratio: float) -> Owned:
    """Capital, people and floor by their exponents; power, heat and what is used up by the week in proportion."""
    powers = {"capex_musd": exponents.capital, "operators": exponents.labour, "floor_m2": exponents.area}
    scaled = {
        name: power_law(value, ratio, powers.get(name, 1.0))
        for name, value in owned
        if isinstance(value, float) and not name.endswith("_h")  # how long something takes does not grow
    }
    scaled["capex_musd"] *= price_ratio
    if isinstance(owned, PlantShared):
        weekly = {
            name: one.model_copy(update={"amount": one.amount * ratio}) for name, one in owned.consumables.items()
        }
        return owned.model_copy(update={**scaled, "consumables": weekly})
    return owned.model_copy(update=scaled)


def measured_oee(folder: Path, line: Line) -> dict[str, float]:
    """Share of its time that each station works in the last weeks of a run, time without work or without room left out.

    (working + setup) / (working + setup + down + waiting for a crew) of all machines, over the last `OEE_WEEKS` weeks.

    Parameters
    ----------
    folder : Path
        That `cellfab run` wrote, for a scenario with this line.
    line : Line

    Raises
    ------
    UsageError
        If the folder holds no such run, or a station has not worked in those weeks.
    """
    import pandas as pd

    path = folder / STATES_FILE
    try:
        states = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read '{path}': give the folder that `cellfab run` wrote ({error})") from error
    late = states[states["week"] > states["week"].max() - OEE_WEEKS]
    hours = late.groupby(["station", "state"])["hours"].sum()
    oee = {}
    for name in line.stations:
        worked, lost = (
            math.fsum(float(hours.get((name, state), 0.0)) for state in group) for group in (_TIMELY, _LOST)
        )
        if not worked:
            raise UsageError(f"'{folder}' does not say how well '{name}' works: it has not worked in the last weeks")
        oee[name] = worked / (worked + lost)
    return oee


def first_steps(line: Line) -> dict[str, str]:
    """Name of the first step of each station that has one."""
    found: dict[str, str] = {}
    for place in places(line):
        found.setdefault(place.station, place.step)
    return found
