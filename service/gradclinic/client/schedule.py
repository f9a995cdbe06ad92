"""Schedules: checks that run on a cron schedule."""

from collections.abc import Iterator

from ..kernel.json import JsonObject
from ..schemas.schedule import ScheduleAnswer
from .connection import Calls, name_in_path


class ScheduleCalls(Calls):
    """The methods of `Clinic` for schedules."""

    def schedule(self, name: str, cron: str, check: JsonObject, *, zone: str = "UTC") -> ScheduleAnswer:
        """Run a check on a cron schedule; `check` is the JSON of its request, for example `{"baseline": "main"}`."""
        body = {"name": name, "cron": cron, "zone": zone, "check": dict(check)}
        return self.connection.post(ScheduleAnswer, "/v1/schedules", body)

    def get_schedule(self, name: str) -> ScheduleAnswer:
        """Get a schedule, with the outcomes of its last due times."""
        return self.connection.get(ScheduleAnswer, f"/v1/schedules/{name_in_path(name)}")

    def schedules(self) -> Iterator[ScheduleAnswer]:
        """Iterate over schedules, by name."""
        return self.connection.items(ScheduleAnswer, "/v1/schedules")

    def pause_schedule(self, name: str, *, paused: bool = True) -> ScheduleAnswer:
        """Pause a schedule, or resume it from now on."""
        verb = "pause" if paused else "resume"
        return self.connection.post(ScheduleAnswer, f"/v1/schedules/{name_in_path(name)}/{verb}")

    def delete_schedule(self, name: str) -> None:
        """Delete a schedule; the checks that it started are kept."""
        self.connection.delete(f"/v1/schedules/{name_in_path(name)}")
