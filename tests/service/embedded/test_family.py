import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gradclinic.embedded import family as module
from gradclinic.embedded.family import Child, Family

from ...waiting import eventually

SLEEPS = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
IGNORES = [
    sys.executable,
    "-S",
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]
DIES = [sys.executable, "-S", "-c", "print('no such luck')"]


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> Iterator[Family]:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    made = Family()
    yield made
    made.close()


def child(tmp_path: Path, command: list[str], **more: object) -> Child:
    return Child("child", command, dict(os.environ), tmp_path / "logs" / "child.log", **more)  # type: ignore[arg-type]


def pid_of(one: Child) -> int:
    assert one.process is not None
    return one.process.pid


def test_what_dies_is_started_again_and_reported(family: Family, tmp_path: Path) -> None:
    reported: list[int] = []
    one = child(tmp_path, SLEEPS, died=reported.append)
    family.add(one)
    first = pid_of(one)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: one.process is not None and one.process.pid != first)
    eventually(lambda: reported == [first])
    assert one.deaths == 1
    assert psutil.pid_exists(pid_of(one))


def test_what_dies_at_once_is_started_more_and_more_rarely(family: Family, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.01)
    pauses: list[float] = []
    one = child(tmp_path, DIES, died=lambda _pid: pauses.append(one._pause_s))
    family.add(one)
    eventually(lambda: len(pauses) >= 4)
    assert pauses[:4] == [0.01, 0.02, 0.04, 0.08]
    assert one.last_words() == "no such luck"


def test_an_end_is_asked_for_and_then_forced(family: Family, tmp_path: Path) -> None:
    one = child(tmp_path, IGNORES)
    family.add(one)
    eventually(lambda: one.last_words() == "deaf")
    pid = pid_of(one)
    family.end(within_s=0.05)
    assert not psutil.pid_exists(pid)


def test_only_the_named_end(family: Family, tmp_path: Path) -> None:
    stays, leaves = child(tmp_path, SLEEPS), child(tmp_path, SLEEPS)
    stays.name = "stays"
    for one in (stays, leaves):
        family.add(one)
    family.end(["child"], within_s=10)
    assert psutil.pid_exists(pid_of(stays))
    assert leaves.process is not None
    assert leaves.process.poll() is not None


def test_a_hurry_forces_an_end_at_once(family: Family, tmp_path: Path) -> None:
    one = child(tmp_path, IGNORES)
    family.add(one)
    eventually(lambda: one.last_words() == "deaf")
    family.hurry()
    family.end(within_s=10**6)  # that it returns is what it shows
    assert one.process is not None
    assert one.process.poll() == -signal.SIGKILL


def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import os, sys, time
from pathlib import Path
from gradclinic.embedded.family import Child, Family
child = Child("child", {SLEEPS!r}, dict(os.environ), Path({str(tmp_path)!r}) / "log")
Family().add(child)
print(child.process.pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.kill()
    parent.communicate()
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_an_overgrown_log_begins_anew(family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOG_BYTES", 10)
    one = child(tmp_path, SLEEPS)
    one.log_file.parent.mkdir()
    one.log_file.write_text("x" * 100)
    family.add(one)
    assert one.log_file.read_text() == ""


def test_a_machine_without_a_thread_to_spare_does_not_end_the_supervisor(family: Family, tmp_path: Path, monkeypatch):
    def none_left(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    one = child(tmp_path, SLEEPS)
    family.add(one)
    first = pid_of(one)
    with monkeypatch.context() as exhausted:
        exhausted.setattr(module.threading, "Thread", none_left)
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: one.deaths) >= 1
    assert eventually(lambda: one.process and one.process.pid) != first
