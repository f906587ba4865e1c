"""What a process step is: physics of one lot, which knows no clock and no SimPy, and so is tested alone."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple, Self, TypeVar

from cellfab.config.cell_spec import CellDesign, ElectrodeDesign
from cellfab.config.remark import Remark
from cellfab.config.spec import Ramped, Spec, Threshold
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError

Made = TypeVar("Made")


def once_per_maturity(make: Callable[[Any, float], Made]) -> Callable[[Any, float], Made]:
    """Decorate a method of a step that makes something for a maturity: kept until another maturity is asked for."""
    slot = f"_{make.__name__}_at"

    @wraps(make)
    def kept(self: Any, maturity: float) -> Made:
        found: tuple[float, Made] | None = self.__dict__.get(slot)
        if found is None or found[0] != maturity:
            found = self.__dict__[slot] = (maturity, make(self, maturity))
        return found[1]

    return kept


class Work(NamedTuple):
    """What one lot needs of a station.

    Attributes
    ----------
    seconds : float or None
        Time the step's recipe takes for the lot (formation, drying, soaking); None: the station's rate decides. On a
        web the slower of the two counts.
    materials : dict of str to float
        Bought materials used, by name in `materials`, in the unit of their price (kg, m2 or pieces).
    energy_kwh : float
        Electricity beyond the station's own power (formation charge less recovery, chillers of a solvent recovery).
    heat_kwh : float
        Heat beyond the station's own, as fuel or steam bought (dryers, ovens).
    """

    seconds: float | None = None
    materials: Mapping[str, float] = MappingProxyType({})
    energy_kwh: float = 0.0
    heat_kwh: float = 0.0


NOTHING = Work()


class Step(ABC):
    """One process step with its parameters, for one product.

    A subclass is one file in `cellfab/steps/`: it sets `name`, a `Params` spec whose every default carries its source,
    and fills `apply` (and `work` if it uses materials or dictates time). `cellfab.steps.registry` finds it.
    """

    name: ClassVar[str]
    reads: ClassVar[tuple[str, ...]] = ()
    """Columns that must be there before."""
    writes: ClassVar[tuple[str, ...]] = ()
    """Columns there afterwards (registered in `cellfab.core.columns`)."""

    class Params(Spec):
        """Parameters of the step, with units in their names."""

    def __init__(self, params: Any, design: CellDesign) -> None:
        self.params = params
        self.design = design
        # Steps ask for the same maturity over and over: all that ramps is evaluated once for it and kept.
        self._values: dict[str, Any] = {name: getattr(params, name) for name in type(params).model_fields}
        self._ramped = [(name, value.at) for name, value in self._values.items() if isinstance(value, Ramped)]
        self._maturity = math.nan

    def at(self, name: str, maturity: float) -> float:
        """The capability `name` of this step's parameters at `maturity`."""
        if maturity != self._maturity:
            self.capabilities(maturity)
        value: float = self._values[name]
        return value

    def capabilities(self, maturity: float) -> Mapping[str, Any]:
        """Every parameter by its name, capabilities as numbers at `maturity`; good until another maturity is asked for.

        The quick way to many of them: evaluated once per maturity, which changes from lot to lot at most.
        """
        if maturity != self._maturity:
            for name, at in self._ramped:
                self._values[name] = at(maturity)
            self._maturity = maturity
        return self._values

    @property
    def ramping(self) -> tuple[str, ...]:
        """Names of the parameters that improve with experience."""
        params = self.params
        return tuple(name for name in type(params).model_fields if isinstance(getattr(params, name), Ramped))

    @property
    def thresholds(self) -> Mapping[str, Threshold]:
        """Parameters that a reading is judged by, with how each is made looser."""
        fields = type(self.params).model_fields
        marked = {name: [one for one in info.metadata if isinstance(one, Threshold)] for name, info in fields.items()}
        return {name: marks[0] for name, marks in marked.items() if marks}

    def matured(self, maturities: Mapping[str, float]) -> Self:
        """The same step with single capabilities at maturities of their own, whatever maturity it is asked for."""
        params = self.params
        now = {name: getattr(params, name).at(maturity) for name, maturity in maturities.items()}
        return type(self)(params.model_copy(update=now), self.design)

    def review(self) -> Iterator[Remark]:
        """Say what is impossible or implausible about the parameters for this design, before anything is run.

        Asked whenever a scenario is read, so it must load neither numba nor anything else that is slow.
        """
        yield from ()

    @property
    def recipe_seconds(self) -> float | None:
        """Time of any lot by its recipe, for plans that know no lots; None where it depends on the lot or station."""
        return None

    def work(self, lot: Lot, maturity: float) -> Work:
        """Time, materials and energy this lot takes; asked after `apply`."""
        return NOTHING

    @abstractmethod
    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Draw what happens to each row; return the lot, or the child lot that it becomes."""


class Merge(Step):
    """A step that makes one lot out of several, such as winding."""

    takes: ClassVar[tuple[str, ...]]
    """Materials of the lots it needs (`Lot.material`), one lot of each."""

    @abstractmethod
    def merge(self, lots: Mapping[str, Lot], draws: Draws, maturity: float) -> Lot:
        """Make the child lot out of one lot of each material."""

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Not used: a merging step is called through `merge`."""
        raise TypeError(f"step '{self.name}' merges lots; call merge")


class ElectrodeStep(Step):
    """A step on the powder or the web of one electrode; the same classes make cathodes and anodes."""

    class Params(Spec):
        """Parameters of a step on one electrode."""

        electrode: Literal["cathode", "anode"] = "cathode"
        """Which electrode of the design is made here; must be the material of the lots that come."""

    def __init__(self, params: Any, design: CellDesign) -> None:
        super().__init__(params, design)
        self.electrode: ElectrodeDesign = getattr(design, params.electrode)

    def expect(self, lot: Lot) -> None:
        """Refuse a lot of the other electrode: the line is wired wrongly."""
        if lot.material != self.params.electrode:
            raise ConfigError(
                f"step '{self.name}' makes the {self.params.electrode} but was given a lot of '{lot.material}':"
                " set `electrode` in the step's params, or `material` at the source"
            )
