"""gradclinic: names what is wrong with a network's gradients, and measures which remedies cure it.

    from gradclinic import Clinic, Experiment, remedies

Everything here is loaded when it is first asked for, so that importing the package stays quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import remedies
    from .client import Clinic
    from .client.asynchronous import AsyncClinic
    from .experiments.experiment import Experiment
    from .kernel import errors

__all__ = ["AsyncClinic", "Clinic", "Experiment", "errors", "remedies"]

_MODULES = {"errors": ".kernel.errors", "remedies": ".remedies"}
_CLASSES = {"AsyncClinic": ".client.asynchronous", "Clinic": ".client", "Experiment": ".experiments.experiment"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(_MODULES[name], __name__)
    if name in _CLASSES:
        return getattr(importlib.import_module(_CLASSES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
