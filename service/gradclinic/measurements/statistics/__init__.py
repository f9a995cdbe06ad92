"""The statistics that are recorded: their names, units, shapes, and how they are computed.

Each module lists the statistics that it defines in `STATISTICS`.
"""

import importlib
import pkgutil

from .base import Array, Block, Measured, Reduction, Statistic, TensorStatistic

_MODULES = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
_FOUND: list[Statistic] = [each for module in _MODULES for each in getattr(module, "STATISTICS", ())]

STATISTICS: dict[str, Statistic] = {each.name: each for each in sorted(_FOUND, key=lambda each: (each.rank, each.name))}
"""All statistics by name."""
if len(STATISTICS) < len(_FOUND):
    raise TypeError(f"{__name__}: two statistics have the same name")

__all__ = ["STATISTICS", "Array", "Block", "Measured", "Reduction", "Statistic", "TensorStatistic"]
