"""Which parts of gradclinic are installed."""

from importlib.util import find_spec

from .errors import SetupFailed

SERVICE = ("fastapi", "sqlalchemy", "celery", "pydantic_settings", "structlog")
"""Modules that only the extra `service` installs."""


def service_missing() -> SetupFailed | None:
    """What is missing where only the base is installed (client, recorder, diagnosis, command line); else None."""
    missing = [module for module in SERVICE if find_spec(module) is None]
    if not missing:
        return None
    return SetupFailed(
        f"the service is not installed ({', '.join(missing)});"
        " install it with: pip install 'gradclinic[embedded,worker]'"
    )


def require_service() -> None:
    """Raise SetupFailed where only the base is installed."""
    error = service_missing()
    if error is not None:
        raise error
