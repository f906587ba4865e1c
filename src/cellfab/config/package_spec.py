"""What the electrodes are put in: can or pouch, with the room inside and the check that the electrodes fit.

A package knows only the outline of its contents: `Roll` (wound) or `Stack` (sheets). Diameters, thicknesses and areas
are those of dry, uncharged electrodes lying tightly; swelling takes some of the room that is left.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from cellfab.config.spec import Spec

Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]


class Roll(NamedTuple):
    """One of the jelly rolls of a wound cell."""

    section_mm2: float
    """Cross-section of its layers: sum of length times thickness."""
    height_mm: float
    """Along the axis: width of the separator."""
    rolls: int
    """In one cell."""


class Stack(NamedTuple):
    """Sheets of both electrodes and the separator between and around them."""

    thickness_mm: float
    sides_mm: tuple[float, float]
    """Length and width of the largest layer."""


Contents = Roll | Stack


class CylindricalPackage(Spec):
    """Round can with tabless ends: a disc is welded on either face of the roll."""

    format: Literal["cylindrical"]
    outer_diameter_mm: Positive
    height_mm: Positive
    wall_mm: Positive
    core_diameter_mm: Positive
    """Of the hole that the mandrel leaves in the roll."""
    collector_disc_cu_mm: NonNegative = 0.0
    """Thickness of the disc on a copper face; 0: none."""
    collector_disc_al_mm: NonNegative = 0.0
    """Thickness of the disc on an aluminium face; 0: none."""
    parts_kg: Positive
    """Can, lid, discs and terminal."""

    @property
    def volume_l(self) -> float:
        """Of the can's outline, litres."""
        return math.pi / 4.0 * self.outer_diameter_mm**2 * self.height_mm * 1e-6

    @property
    def inner_diameter_mm(self) -> float:
        """Room for the roll, mm."""
        return self.outer_diameter_mm - 2.0 * self.wall_mm

    def roll_diameter_mm(self, section_mm2: float) -> float:
        """Outer diameter of a roll around the core: pi/4 (D^2 - d^2) = cross-section."""
        return math.sqrt(self.core_diameter_mm**2 + 4.0 / math.pi * section_mm2)

    def turns(self, length_m: float, section_mm2: float) -> float:
        """Turns of a wound web: its length over the mean circumference."""
        return 2e3 * length_m / (math.pi * (self.core_diameter_mm + self.roll_diameter_mm(section_mm2)))

    def misfit(self, contents: Contents) -> str | None:
        """Why the contents do not fit; None if they do."""
        if isinstance(contents, Stack):
            return "a stack does not go into a round can: take one piece of each electrode, wound"
        if contents.rolls != 1:
            return f"a round can takes 1 jelly roll, but `pieces` makes {contents.rolls}"
        roll_mm = self.roll_diameter_mm(contents.section_mm2)
        if roll_mm > self.inner_diameter_mm:
            return (
                f"the jelly roll ({roll_mm:.1f} mm) does not fit the can ({self.inner_diameter_mm:.1f} mm inside):"
                " shorten the electrodes or thin the coatings"
            )
        room_mm = self.height_mm - 2.0 * self.wall_mm
        if contents.height_mm > room_mm:
            return f"the separator ({contents.height_mm:.1f} mm wide) is higher than the can ({room_mm:.1f} mm inside)"
        return None


class Room(NamedTuple):
    """Flat room inside a package; wound rolls stand with their axis along its length."""

    length_mm: float
    width_mm: float
    thickness_mm: float

    def roll_thickness_mm(self, section_mm2: float) -> float:
        """Thickness T of a flat roll as wide as the room W: (W - T) T + pi/4 T^2 = cross-section; inf if none fits."""
        bent = 1.0 - math.pi / 4.0
        discriminant = self.width_mm**2 - 4.0 * bent * section_mm2
        thickness = (self.width_mm - math.sqrt(discriminant)) / (2.0 * bent) if discriminant > 0.0 else math.inf
        return thickness if thickness < self.width_mm else math.inf

    def turns(self, length_m: float, section_mm2: float) -> float:
        """Turns of a web wound flat: its length over the mean circumference, that of a turn half way out."""
        thickness = self.roll_thickness_mm(section_mm2)
        return 1e3 * length_m / (2.0 * (self.width_mm - thickness) + math.pi * thickness / 2.0)

    def misfit(self, contents: Contents) -> str | None:
        """Why the contents do not fit; None if they do."""
        length, width, thickness = self
        if min(self) <= 0.0:
            return f"walls and insulation leave no room inside ({length:.1f} x {width:.1f} x {thickness:.1f} mm)"
        if isinstance(contents, Stack):
            sides, room = sorted(contents.sides_mm), sorted((length, width))
            if sides[0] > room[0] or sides[1] > room[1]:
                return (
                    f"the stack's largest layer ({sides[1]:.1f} x {sides[0]:.1f} mm) does not fit the room inside"
                    f" ({room[1]:.1f} x {room[0]:.1f} mm): make electrodes and separator smaller"
                )
            filled, what = contents.thickness_mm, "the stack is"
        else:
            if contents.height_mm > length:
                return (
                    f"the separator ({contents.height_mm:.1f} mm wide) does not fit the room inside"
                    f" ({length:.1f} mm long)"
                )
            filled, what = contents.rolls * self.roll_thickness_mm(contents.section_mm2), "the flat-wound rolls are"
        if filled > thickness:
            return (
                f"{what} {filled:.1f} mm thick, more than the room inside ({thickness:.1f} mm):"
                " take fewer or shorter pieces or thin the coatings"
            )
        return None


class PouchPackage(Spec):
    """Pouch of laminate: length and width of the room that is drawn, thickness of the finished cell."""

    format: Literal["pouch"]
    length_mm: Positive
    """Inside, without seals and tabs."""
    width_mm: Positive
    """Inside, without seals."""
    thickness_mm: Positive
    """Limit for the finished cell, laminate included."""
    laminate_um: Positive
    parts_kg: Positive
    """Laminate, tabs and tab film."""

    @property
    def volume_l(self) -> float:
        """Of the body without seals and tabs, litres."""
        return self.length_mm * self.width_mm * self.thickness_mm * 1e-6

    @property
    def room(self) -> Room:
        """What is left inside."""
        return Room(self.length_mm, self.width_mm, self.thickness_mm - 2e-3 * self.laminate_um)

    def turns(self, length_m: float, section_mm2: float) -> float:
        """Turns of a web wound flat."""
        return self.room.turns(length_m, section_mm2)

    def misfit(self, contents: Contents) -> str | None:
        """Why the contents do not fit; None if they do."""
        return self.room.misfit(contents)


class PrismaticPackage(Spec):
    """Rigid flat can with a lid on top; the electrodes lie in insulation."""

    format: Literal["prismatic"]
    width_mm: Positive
    """Outside, along the lid."""
    thickness_mm: Positive
    """Outside, across the lid."""
    height_mm: Positive
    """Outside, with the lid and without terminals."""
    wall_mm: Positive
    insulation_mm: NonNegative
    """Film between can and electrodes, per side."""
    head_mm: NonNegative
    """Height lost to lid and current collectors."""
    parts_kg: Positive
    """Can, lid, terminals, current collectors and insulation."""

    @property
    def volume_l(self) -> float:
        """Of the can's outline without terminals, litres."""
        return self.width_mm * self.thickness_mm * self.height_mm * 1e-6

    @property
    def room(self) -> Room:
        """What is left inside; the height is the room's length."""
        side = 2.0 * (self.wall_mm + self.insulation_mm)
        height = self.height_mm - self.wall_mm - self.insulation_mm - self.head_mm
        return Room(height, self.width_mm - side, self.thickness_mm - side)

    def turns(self, length_m: float, section_mm2: float) -> float:
        """Turns of a web wound flat."""
        return self.room.turns(length_m, section_mm2)

    def misfit(self, contents: Contents) -> str | None:
        """Why the contents do not fit; None if they do."""
        return self.room.misfit(contents)


Package = Annotated[CylindricalPackage | PouchPackage | PrismaticPackage, Field(discriminator="format")]
