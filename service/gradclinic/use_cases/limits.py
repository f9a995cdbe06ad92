"""The limits of this service, from its settings."""

from ..measurements.estimate import Limits
from ..settings import Settings


def limits_of(settings: Settings) -> Limits:
    """The limits of a service with these settings."""
    return Limits(
        parameters=settings.max_parameters,
        steps=settings.max_steps,
        memory_bytes=settings.max_memory_bytes,
        stored_bytes=settings.max_stored_bytes,
        runs_per_study=settings.max_runs_per_study,
        study_bytes=settings.max_study_bytes,
        flops=settings.max_flops,
    )
