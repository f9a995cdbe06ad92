"""Trainers take long turns on a core they share, where the kernel grants that."""

import os
import platform
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from gradclinic_workers.process import timeslice as scheduling
from gradclinic_workers.process.timeslice import LONGEST_TURN_S, ask_for_long_turns, turn_s

GRANTS = tuple(int(part) for part in re.findall(r"\d+", platform.release())[:2]) >= (6, 12)


def in_a_thread(*calls):
    """What the calls return, one after another, in a thread whose turns are nobody else's."""
    with ThreadPoolExecutor(1) as pool:
        return [pool.submit(call).result() for call in calls]


@pytest.mark.skipif(not GRANTS, reason="Linux grants turns of a chosen length since 6.12")
def test_a_thread_gets_the_turns_it_asks_for_and_keeps_its_niceness():
    nice = os.getpriority(os.PRIO_PROCESS, 0)

    granted, turns, after = in_a_thread(ask_for_long_turns, turn_s, lambda: os.getpriority(os.PRIO_PROCESS, 0))

    assert granted
    assert turns == LONGEST_TURN_S
    assert after == nice
    assert turn_s() != LONGEST_TURN_S, "another thread's turns changed"


def test_a_kernel_that_grants_nothing_is_no_error(monkeypatch):
    monkeypatch.setattr(scheduling, "CALLS", {})

    assert in_a_thread(ask_for_long_turns, turn_s) == [False, None]


def test_a_call_that_the_kernel_refuses_is_no_error(monkeypatch):
    monkeypatch.setattr(scheduling, "CALLS", {platform.machine(): (100_000, 100_001)})

    assert in_a_thread(ask_for_long_turns, turn_s) == [False, None]


def test_a_thread_of_another_scheduling_class_is_left_alone():
    def idle():
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    _, granted, policy = in_a_thread(idle, ask_for_long_turns, lambda: os.sched_getscheduler(0))

    assert not granted
    assert policy == os.SCHED_IDLE
