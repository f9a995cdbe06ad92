"""Which parts of gradclinic are installed."""

import sys
from importlib.util import find_spec

from .errors import SetupFailed

SERVICE = ("fastapi", "sqlalchemy", "celery", "pydantic_settings", "structlog")
"""Modules that only the extra `service` installs."""
SERVICE_PYTHON = (3, 11)
"""The oldest Python for which there are releases of all packages of the service; the base runs on older ones."""


def service_missing() -> SetupFailed | None:
    """What is missing where only the base is installed (client, recorder, diagnosis, command line); else None."""
    missing = [module for module in SERVICE if find_spec(module) is None]
    if not missing:
        return None
    return SetupFailed(f"the service is not installed ({', '.join(missing)}); {_advice(sys.version_info[:2])}")


def require_service() -> None:
    """Raise SetupFailed where only the base is installed."""
    error = service_missing()
    if error is not None:
        raise error


def _advice(python: tuple[int, int]) -> str:
    how = "pip install 'gradclinic[embedded,worker]'"
    if python >= SERVICE_PYTHON:
        return f"install it with: {how}"
    needed, this = (f"{major}.{minor}" for major, minor in (SERVICE_PYTHON, python))
    return f"it needs Python {needed} or newer, and this is Python {this}; there, install it with: {how}"
