"""Packages that only some methods need, each in an extra of gradclinic."""

from importlib import import_module
from typing import Any

from ..kernel.errors import SetupFailed


def extra(module: str, *, name: str) -> Any:
    """A module of the extra `name`; raises SetupFailed with the command that installs it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or module.split(".", maxsplit=1)[0] != error.name.split(".")[0]:
            raise
        package = module.split(".", maxsplit=1)[0]
        raise SetupFailed(f"{package} is not installed; install it with: pip install 'gradclinic[{name}]'") from None
