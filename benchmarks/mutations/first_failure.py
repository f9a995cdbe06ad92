"""A plugin of pytest: quick tests first, and the name of the first that fails."""

import json
from pathlib import Path

import pytest


class FirstFailure:
    """Runs tests in the order of the seconds that they took before, and keeps what they take for the next time."""

    def __init__(self, seconds: Path) -> None:
        self._path = seconds
        self._seconds: dict[str, float] = json.loads(seconds.read_text()) if seconds.exists() else {}
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self._seconds.get(item.nodeid, 0.0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid
        elif report.when == "call":
            self._seconds[report.nodeid] = round(report.duration, 1)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid

    def keep(self) -> None:
        """Write the seconds down, as a whole: another process may read them now."""
        fresh = self._path.with_suffix(f".{id(self)}")
        fresh.write_text(json.dumps(self._seconds))
        fresh.replace(self._path)
