"""`./run benchmark crowd` lets many clients use a whole service at once."""

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_a_crowd_gets_answers_or_is_asked_to_come_back_and_costs_no_memory() -> None:
    command = [sys.executable, "-m", "benchmarks", "crowd", "--json", "--clients", "60", "--seconds", "10"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)
    found = json.loads(done.stdout)
    assert found["statuses"]["202"] > 0
    assert (found["unexpected"], found["lost"], found["without_retry_after"]) == ([], {}, 0)
    assert max(found["resident_mb"]) < 500
