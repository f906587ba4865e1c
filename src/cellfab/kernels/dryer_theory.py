"""Heat of a convection dryer in closed form, per kg of solvent that it takes off a web.

Plain functions of floats without numba, so that a recipe can be reviewed before anything is run.
"""

from __future__ import annotations

from dataclasses import dataclass

AMBIENT_C = 25.0
"""Of the fresh air and of the web that comes in."""
_AIR_KG_PER_M3 = 1.184
"""At 25 degC and 1 atm."""
_AIR_KWH_PER_KG_K = 1.006 / 3600.0
_SOLID_KWH_PER_KG_K = 0.9 / 3600.0
"""Coating and aluminium foil 0.7-0.9 kJ/kg K, copper 0.39: tables of specific heats, the largest."""


@dataclass(frozen=True, slots=True)
class Dryer:
    """A solvent and the air that carries it off.

    Attributes
    ----------
    latent_kwh_per_kg : float
        Heat of vaporisation at `web_c`.
    solvent_kwh_per_kg_k : float
        Specific heat of the liquid.
    web_c, air_c : float
        Temperatures at which the solvent leaves the web and at which the air leaves the dryer, degC.
    exhaust_g_per_m3 : float
        Vapour in the exhaust air, per m3 at 25 degC, above 0.
    recovered_share : float
        Of the exhaust air's heat, what comes back with the fresh air, 0-1.
    loss_share : float
        Lost through walls and slots, on top of what is used.
    efficiency : float
        Heat given to the air over fuel burnt, above 0 to 1.
    """

    latent_kwh_per_kg: float
    solvent_kwh_per_kg_k: float
    web_c: float
    air_c: float
    exhaust_g_per_m3: float
    recovered_share: float
    loss_share: float
    efficiency: float

    def evaporation_kwh_per_kg(self, web_kg_per_kg: float) -> float:
        """Latent heat, and the sensible heat of the solvent and of the web that it is on: L + (c_s + w c_w) dT.

        Parameters
        ----------
        web_kg_per_kg : float
            Dry coating and foil per kg of solvent.
        """
        per_k = self.solvent_kwh_per_kg_k + web_kg_per_kg * _SOLID_KWH_PER_KG_K
        return self.latent_kwh_per_kg + per_k * (self.web_c - AMBIENT_C)

    def exhaust_kwh_per_kg(self) -> float:
        """Heat that leaves with the exhaust air, before any of it is recovered: c_air dT rho / y.

        The dilution asked for by the flammability limit makes it many times the latent heat (Ahmed et al. 2016).
        """
        air_kg = 1000.0 / self.exhaust_g_per_m3 * _AIR_KG_PER_M3
        return air_kg * _AIR_KWH_PER_KG_K * (self.air_c - AMBIENT_C)

    def fuel_kwh_per_kg(self, web_kg_per_kg: float) -> float:
        """Fuel for the dryer: (evaporation + (1 - recovered) exhaust) (1 + losses) / efficiency."""
        used = self.evaporation_kwh_per_kg(web_kg_per_kg) + (1.0 - self.recovered_share) * self.exhaust_kwh_per_kg()
        return used * (1.0 + self.loss_share) / self.efficiency
