from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from gradclinic.kernel.errors import InvalidSpec
from gradclinic.regression.cron import check_line, last_due, next_due, zone_of

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)


def refused(line: str, zone: str = "UTC") -> str:
    with pytest.raises(InvalidSpec) as caught:
        check_line(line, zone)
    (problem,) = caught.value.problems
    assert problem.value == (line if problem.pointer == "/cron" else zone)
    return problem.pointer


def test_a_line_is_due_at_the_very_moment_and_not_before() -> None:
    for now, due in ((NOON, NOON), (NOON - timedelta(microseconds=1), None), (NOON + timedelta(seconds=59.5), NOON)):
        assert last_due("0 12 * * *", "UTC", since=NOON - timedelta(hours=1), now=now) == due


def test_a_time_that_was_dealt_with_is_not_due_again() -> None:
    assert last_due("0 12 * * *", "UTC", since=NOON, now=NOON + timedelta(hours=3)) is None


def test_of_all_times_that_were_missed_the_last_is_made_up_for() -> None:
    since = NOON - timedelta(days=400)
    assert last_due("*/5 * * * *", "UTC", since=since, now=NOON + timedelta(minutes=7)) == NOON + timedelta(minutes=5)


def test_a_line_is_read_in_its_zone_in_summer_and_in_winter() -> None:
    assert next_due("0 3 * * *", "Europe/Berlin", now=at(2026, 7, 1)) == at(2026, 7, 1, 1)
    assert next_due("0 3 * * *", "Europe/Berlin", now=at(2026, 12, 1)) == at(2026, 12, 1, 2)


@pytest.mark.parametrize("line", ["30 2 * * *", "15 * * * *", "*/20 * * * *"])
@pytest.mark.parametrize("around", [at(2026, 3, 28), at(2026, 10, 24)])
def test_each_time_is_found_once_when_the_clocks_change(line: str, around: datetime) -> None:
    """Looking every minute for three days finds the times that looking ahead finds."""
    ahead, now = [], around
    while (due := next_due(line, "Europe/Berlin", now=now)) is not None and due <= around + timedelta(days=3):
        ahead.append(due)
        now = due
    found, since = [], around
    for minute in range(1, 3 * 24 * 60 + 1):
        due = last_due(line, "Europe/Berlin", since=since, now=around + timedelta(minutes=minute))
        if due is not None:
            found.append(due)
            since = due
    assert found == ahead
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    "line", ["", "* * * *", "* * * * * *", "60 * * * *", "a b c d e", "0 0 31 2 *", "0 0 30 2 MON#6", "1-0 * * * *"]
)
def test_a_line_that_is_none_or_never_due_is_refused(line: str) -> None:
    assert refused(line) == "/cron"


def test_what_the_parser_says_beside_its_own_errors_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Iterator[datetime]:
        raise ValueError("/a/path/of/the/machine")
        yield NOON

    monkeypatch.setattr("gradclinic.regression.cron._times", fails)
    with pytest.raises(InvalidSpec, match="this expression is never due") as caught:
        check_line("0 3 * * *", "UTC")
    assert "machine" not in str(caught.value)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe", "x" * 64])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    assert refused("0 3 * * *", zone) == "/zone"


def test_utc_needs_no_database_of_zones() -> None:
    assert zone_of("UTC") is UTC
