import asyncio
import ctypes

import pytest

from gradclinic.api.http import memory


def test_memory_is_returned_again_and_again_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    async def trimmed() -> tuple[int, int]:
        async with memory.returning_memory(every_s=0.001):
            while len(calls) < 3:
                await asyncio.sleep(0.001)
        at_end = len(calls)
        await asyncio.sleep(0.02)
        return at_end, len(calls)

    monkeypatch.setattr(memory, "_trim", lambda: calls.append)
    at_end, later = asyncio.run(trimmed())
    assert later == at_end


def test_glibc_is_asked_and_any_other_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    trim = memory._trim()
    assert trim is None or trim(0) in {0, 1}
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())

    async def served() -> bool:
        async with memory.returning_memory():
            return True

    assert asyncio.run(served())
