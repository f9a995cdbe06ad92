"""`./run benchmark api` reads a served study, and counts what lists ask of databases that it fills."""

import json
import subprocess
import sys

import pytest
from benchmarks.api import BARE, LISTS, OF_A_RUN, QUERIES, SMALL


@pytest.mark.slow
def test_each_read_has_its_time_and_each_list_its_ratio() -> None:
    command = [sys.executable, "-m", "benchmarks", "api", "--json", "--rounds", "2", "--few", "60", "--many", "120"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=180)
    rows = {row["subject"]: row for row in json.loads(done.stdout)}
    comparison = rows.pop("first comparison of 20 runs")
    assert 0 < comparison["value"] <= comparison["bar"]
    assert {*rows} == {BARE, f"{BARE}, again", *SMALL, *OF_A_RUN, *LISTS, *QUERIES}
    assert all(row["value"] > 0 for row in rows.values())
