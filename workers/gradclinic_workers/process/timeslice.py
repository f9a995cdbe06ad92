"""The time slice: how long the kernel runs a trainer before it switches to another one.

With more trainers than cores, Linux switches between them every few milliseconds, and each switch starts with cold
caches. Four small trainings on two cores lost a fifth of their throughput to it. A trainer therefore requests the
longest time slice. Other programs do not wait longer: since Linux 6.12 a shorter request is scheduled first.

https://docs.kernel.org/scheduler/sched-eevdf.html, sched_setattr(2)
"""

import ctypes
import os
import platform

LONGEST_S = 0.1
"""The kernel's own limit for a time slice."""
CALLS = {"x86_64": (314, 315), "aarch64": (274, 275)}
"""Numbers of the system calls sched_setattr and sched_getattr, which the C library did not know for long."""


class _Attributes(ctypes.Structure):
    """struct sched_attr, in its first version."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime_ns", ctypes.c_uint64),
        ("deadline_ns", ctypes.c_uint64),
        ("period_ns", ctypes.c_uint64),
    )


def request_timeslice() -> bool:
    """Request a time slice of LONGEST_S for the calling thread and the threads it starts.

    False if the kernel does not grant it: before Linux 6.12, or in another scheduling class. The thread's other
    attributes, such as its niceness, do not change.
    """
    attributes = _get()
    if attributes is None or attributes.policy not in {os.SCHED_OTHER, os.SCHED_BATCH}:
        return False
    attributes.runtime_ns = round(LONGEST_S * 1e9)
    return _call(0, 0, ctypes.byref(attributes), 0) and timeslice_s() == LONGEST_S


def timeslice_s(thread_id: int = 0) -> float | None:
    """A thread's time slice in seconds (0: the calling thread); None if the kernel does not report it."""
    attributes = _get(thread_id)
    return attributes.runtime_ns / 1e9 if attributes is not None and attributes.runtime_ns else None


def _get(thread_id: int = 0) -> _Attributes | None:
    attributes = _Attributes()
    return attributes if _call(1, thread_id, ctypes.byref(attributes), ctypes.sizeof(attributes), 0) else None


def _call(which: int, *arguments: object) -> bool:
    numbers = CALLS.get(platform.machine())
    return numbers is not None and ctypes.CDLL(None).syscall(numbers[which], *arguments) == 0
