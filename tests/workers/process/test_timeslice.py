"""Trainers that share a core get long time slices, where the kernel grants them."""

import os
import platform
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from gradclinic_workers.process import timeslice
from gradclinic_workers.process.timeslice import LONGEST_S, request_timeslice, timeslice_s

GRANTS = tuple(int(part) for part in re.findall(r"\d+", platform.release())[:2]) >= (6, 12)


def in_a_thread(*calls):
    """What the calls return, one after another, in a thread of their own."""
    with ThreadPoolExecutor(1) as pool:
        return [pool.submit(call).result() for call in calls]


@pytest.mark.skipif(not GRANTS, reason="Linux grants a chosen time slice since 6.12")
def test_a_thread_gets_the_time_slice_it_requests_and_keeps_its_niceness():
    nice = os.getpriority(os.PRIO_PROCESS, 0)

    granted, granted_s, after = in_a_thread(request_timeslice, timeslice_s, lambda: os.getpriority(os.PRIO_PROCESS, 0))

    assert granted
    assert granted_s == LONGEST_S
    assert after == nice
    assert timeslice_s() != LONGEST_S, "another thread's time slice changed"


def test_a_kernel_that_grants_nothing_is_no_error(monkeypatch):
    monkeypatch.setattr(timeslice, "CALLS", {})

    assert in_a_thread(request_timeslice, timeslice_s) == [False, None]


def test_a_call_that_the_kernel_refuses_is_no_error(monkeypatch):
    monkeypatch.setattr(timeslice, "CALLS", {platform.machine(): (100_000, 100_001)})

    assert in_a_thread(request_timeslice, timeslice_s) == [False, None]


def test_a_thread_of_another_scheduling_class_is_left_alone():
    def idle():
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    _, granted, policy = in_a_thread(idle, request_timeslice, lambda: os.sched_getscheduler(0))

    assert not granted
    assert policy == os.SCHED_IDLE
