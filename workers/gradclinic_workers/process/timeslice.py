"""How long the kernel lets a trainer run before another one has its turn.

With more trainers than cores, Linux changes between them every few milliseconds, and each time the caches start cold:
measured with four small trainings on two cores, a fifth of the throughput. A trainer therefore asks for the longest
turn there is. Nobody waits longer for it: since Linux 6.12 whoever asks for less is let in before it.

https://docs.kernel.org/scheduler/sched-eevdf.html, sched_setattr(2)
"""

import ctypes
import os
import platform

LONGEST_TURN_S = 0.1
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


def ask_for_long_turns() -> bool:
    """Have the calling thread, and the threads it starts, take turns of LONGEST_TURN_S.

    False where the kernel does not grant them: before Linux 6.12, or under another scheduling class. Everything else
    that was set for the thread, as its niceness, stays.
    """
    attributes = _get()
    if attributes is None or attributes.policy not in {os.SCHED_OTHER, os.SCHED_BATCH}:
        return False
    attributes.runtime_ns = round(LONGEST_TURN_S * 1e9)
    return _call(0, 0, ctypes.byref(attributes), 0) and turn_s() == LONGEST_TURN_S


def turn_s(thread_id: int = 0) -> float | None:
    """Seconds that a thread's turns last, 0 being the one that asks; None where the kernel does not say."""
    attributes = _get(thread_id)
    return attributes.runtime_ns / 1e9 if attributes is not None and attributes.runtime_ns else None


def _get(thread_id: int = 0) -> _Attributes | None:
    attributes = _Attributes()
    return attributes if _call(1, thread_id, ctypes.byref(attributes), ctypes.sizeof(attributes), 0) else None


def _call(which: int, *arguments: object) -> bool:
    numbers = CALLS.get(platform.machine())
    return numbers is not None and ctypes.CDLL(None).syscall(numbers[which], *arguments) == 0
