"""Cron expressions: validation and due times in a named time zone (UTC by default)."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from ..kernel.errors import InvalidSpec

_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")


def zone_of(name: str) -> tzinfo:
    """The time zone with this IANA name; raises InvalidSpec for an unknown one."""
    if name == "UTC":
        return timezone.utc
    found = _named(name) if _ZONE.fullmatch(name) else None
    if found is None:
        raise InvalidSpec.at("/zone", "unknown time zone", value=name, allowed="UTC, or a name such as Europe/Berlin")
    return found


def _named(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return None


def check_line(line: str, zone: str) -> None:
    """Raises InvalidSpec if a cron expression or its zone is not valid, or the expression is never due."""
    tz = zone_of(zone)
    if len(line.split()) != 5:
        raise InvalidSpec.at(
            "/cron",
            "a cron expression has five fields",
            value=line,
            allowed="minute hour day-of-month month day-of-week",
        )
    try:
        next(_times(line, datetime.now(tz)))
    except (CronSimError, ValueError, IndexError, StopIteration, OverflowError) as error:
        text = str(error) if isinstance(error, CronSimError) and str(error) else "this expression is never due"
        raise InvalidSpec.at("/cron", text, value=line, allowed="a cron expression such as 0 3 * * *") from None


def last_due(line: str, zone: str, *, since: datetime, now: datetime) -> datetime | None:
    """The last due time after `since`, up to and including `now`; None if there is none.

    If several due times were missed, only this one is made up for.
    """
    start = (now + timedelta(seconds=1)).astimezone(zone_of(zone))  # includes `now` itself
    times = (due.astimezone(timezone.utc) for due in _times(line, start, backwards=True))
    found = next((due for due in times if due <= now), None)
    return found if found is not None and found > since else None


def next_due(line: str, zone: str, *, now: datetime) -> datetime | None:
    """The next due time after `now`."""
    return next((due.astimezone(timezone.utc) for due in _times(line, now.astimezone(zone_of(zone)))), None)


def _times(line: str, start: datetime, *, backwards: bool = False) -> Iterator[datetime]:
    return CronSim(line, start, reverse=backwards)
