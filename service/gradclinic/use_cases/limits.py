"""The limits of this service and of its projects, from its settings."""

from ..measurements.estimate import Limits
from ..settings import Settings
from ..store import Quota


def limits_of(settings: Settings) -> Limits:
    """The limits of a service with these settings."""
    return Limits(
        parameters=settings.max_parameters,
        steps=settings.max_steps,
        memory_bytes=settings.max_memory_bytes,
        device_bytes=settings.max_device_bytes,
        stored_bytes=settings.max_stored_bytes,
        runs_per_study=settings.max_runs_per_study,
        study_bytes=settings.max_study_bytes,
        flops=settings.max_flops,
    )


def quota_of(settings: Settings) -> Quota:
    """What each project of a service with these settings may have."""
    return Quota(
        runs=settings.quota_runs,
        flops=settings.quota_flops,
        datasets=settings.quota_datasets,
        dataset_bytes=settings.quota_dataset_bytes,
        statistics_bytes=settings.quota_statistics_bytes,
    )
