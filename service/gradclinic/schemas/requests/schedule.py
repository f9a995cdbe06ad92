"""Schedules, as they are asked for."""

from pydantic import ConfigDict

from ...regression import ScheduleSpec


class ScheduleRequest(ScheduleSpec):
    """A cron line, and the check that it starts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "nightly", "cron": "0 3 * * *", "zone": "UTC", "check": {"baseline": "main"}},
            ]
        }
    )
