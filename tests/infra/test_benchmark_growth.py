"""`./run benchmark growth` measures each query on databases that it fills."""

import json
import subprocess
import sys

import pytest
from benchmarks.growth import QUERIES


@pytest.mark.slow
def test_each_query_has_its_time_and_its_ratio() -> None:
    command = [sys.executable, "-m", "benchmarks", "growth", "--json", "--few", "8", "--many", "16", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    rows = json.loads(done.stdout)
    assert [row["subject"] for row in rows[::2]] == [*QUERIES]
    assert {row["unit"] for row in rows} == {"ms", "ratio"}
    assert all(row["value"] > 0 for row in rows)
