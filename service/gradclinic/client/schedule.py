"""Schedules: checks that start by themselves."""

from collections.abc import Iterator

from ..kernel.json import JsonObject
from ..schemas.schedule import ScheduleAnswer
from .connection import Calls, name_in_path


class ScheduleCalls(Calls):
    """What can be asked about schedules."""

    def schedule(self, name: str, cron: str, check: JsonObject, *, zone: str = "UTC") -> ScheduleAnswer:
        """Start a check whenever a cron line is due; `check` is its JSON: `{"baseline": "main"}`."""
        body = {"name": name, "cron": cron, "zone": zone, "check": dict(check)}
        return self.connection.post(ScheduleAnswer, "/v1/schedules", body)

    def get_schedule(self, name: str) -> ScheduleAnswer:
        """A schedule, with what came of its last due times."""
        return self.connection.get(ScheduleAnswer, f"/v1/schedules/{name_in_path(name)}")

    def schedules(self) -> Iterator[ScheduleAnswer]:
        """Schedules, by name."""
        return self.connection.items(ScheduleAnswer, "/v1/schedules")

    def pause_schedule(self, name: str, *, paused: bool = True) -> ScheduleAnswer:
        """Pause a schedule, or have it go on from now."""
        verb = "pause" if paused else "resume"
        return self.connection.post(ScheduleAnswer, f"/v1/schedules/{name_in_path(name)}/{verb}")

    def delete_schedule(self, name: str) -> None:
        """Remove a schedule; the checks that it started stay."""
        self.connection.delete(f"/v1/schedules/{name_in_path(name)}")
