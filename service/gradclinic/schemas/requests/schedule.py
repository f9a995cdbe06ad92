"""Requests about schedules."""

from pydantic import ConfigDict

from ...regression import ScheduleSpec


class ScheduleRequest(ScheduleSpec):
    """A check that is started on a cron schedule."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "nightly", "cron": "0 3 * * *", "zone": "UTC", "check": {"baseline": "main"}},
            ]
        }
    )
