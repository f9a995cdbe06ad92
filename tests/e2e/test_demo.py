"""The demonstration as a newcomer sees it: one command, real processes, real signals."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ..processes import named, processes_of
from ..waiting import eventually

COMMAND = [sys.executable, "-c", "from gradclinic.cli import main; main()"]
SIX = ["ReLU", "batch norm", "lower learning rate", "skip connections", "Xavier", "gradient clipping"]


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command of the command line in a process of its own, which is gone afterwards."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GRADCLINIC_")}
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def line_with(process: subprocess.Popen[str], words: str) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return line
    raise AssertionError(f"it never said {words!r}")


@pytest.mark.slow
def test_the_demo_tells_the_whole_story_and_leaves_its_results_behind(tmp_path: Path) -> None:
    with started("demo", "--data-dir", str(tmp_path)) as demo:
        told, progress = demo.communicate(timeout=280)
    assert demo.returncode == 0, progress
    assert processes_of(tmp_path) == []
    assert "Traceback" not in progress

    what, gradient, remedies, where = re.split(r"^[1-4]  .*-+$|^[1-4]  .*─+$", told, flags=re.MULTILINE)[1:]
    assert "vanishing gradients" in what
    assert "3 of 3 seeds agree" in what
    assert re.search(r"layers +1[012] of 12", what)
    assert re.search(r"gradient lost from output to input +\d", what)
    assert "threshold" in what
    assert len([row for row in gradient.splitlines() if "│" in row]) == 15
    for name in ["baseline", *SIX, "batch norm + Xavier"]:
        assert re.search(rf"^ +[B1-7]  {re.escape(name)} ", gradient, re.MULTILINE), name
    ranks = re.findall(r"^ ([1-7])  ", remedies, re.MULTILINE)
    assert ranks == list("1234567")
    assert re.search(r"batch norm +cures +healthy 3/3", remedies)
    assert "gradclinic serve --data-dir" in where

    address = re.search(r"/studies/(study_\w+)", where)
    assert address is not None
    with started("serve", "--port", "0", "--data-dir", str(tmp_path), "--workers", "0") as serve:
        assert serve.stdout is not None
        said = re.search(r"gradclinic is running at (\S+)", serve.stdout.readline())
        assert said is not None
        url = said[1]
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as api:
            comparison = api.get(f"/v1/studies/{address[1]}/comparison").json()
            assert comparison["complete"]
            assert {arm["arm"] for arm in comparison["arms"]} >= set(SIX)
            assert api.get(f"/studies/{address[1]}").status_code == 200
        serve.send_signal(signal.SIGINT)
        assert serve.wait(timeout=60) == 0
    assert processes_of(tmp_path) == []


@pytest.mark.slow
def test_the_demo_has_the_same_story_for_programs(tmp_path: Path) -> None:
    with started("demo", "--data-dir", str(tmp_path), "--json") as demo:
        told, _ = demo.communicate(timeout=280)
    assert demo.returncode == 0
    found = json.loads(told)
    assert found["study"]["progress"]["by_status"] == {"succeeded": 24}
    assert found["comparison"]["baseline_conditions"] == {"vanishing_gradients": 3}
    assert len(found["comparison"]["arms"]) == 7


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["at once", "while it starts", "while it waits", "while it trains"])
def test_nothing_is_left_of_a_demo_that_is_interrupted(tmp_path: Path, number: signal.Signals, moment: str) -> None:
    with started("demo", "--data-dir", str(tmp_path)) as demo:
        line_with(demo, "Starting the service")
        if moment == "while it starts":
            eventually(lambda: named(tmp_path, "valkey-server"), every_s=0.001)
        elif moment == "while it waits":
            eventually(lambda: named(tmp_path, "gradclinic.reconciler"), every_s=0.001)
        elif moment == "while it trains":
            line_with(demo, "1/24")
        demo.send_signal(number)
        told, said = demo.communicate(timeout=90)
    assert demo.returncode == 130
    assert said.strip().splitlines()[-1] == "gradclinic: interrupted"
    assert "Traceback" not in told + said
    eventually(lambda: processes_of(tmp_path) == [])


@pytest.mark.slow
def test_a_service_that_a_script_put_into_the_background_can_be_interrupted_too(tmp_path: Path) -> None:
    script = 'trap "" INT; exec "$@"'
    command = [*COMMAND, "serve", "--port", "0", "--workers", "0", "--data-dir", str(tmp_path)]
    with subprocess.Popen(["sh", "-c", script, "sh", *command], stdout=subprocess.PIPE, text=True) as serve:
        assert serve.stdout is not None
        assert "gradclinic is running at" in serve.stdout.readline()
        serve.send_signal(signal.SIGINT)
        assert serve.wait(timeout=60) == 0
    assert processes_of(tmp_path) == []
