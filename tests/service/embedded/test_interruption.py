"""An interruption ends a block, also one that came where Python drops what is raised."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gradclinic.embedded import Embedded, heed, interrupted_by_signals
from gradclinic.embedded.interruption import deferred
from gradclinic.settings import Settings

from ...processes import processes_of


class Finalized:
    """Calls something when it goes away."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def __del__(self) -> None:
        self._call()


@pytest.fixture
def dropped(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was raised where nobody could catch it."""
    found: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: found.append(unraisable.exc_type))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_block_where_it_finds_it(number: signal.Signals) -> None:
    before, went_on = signal.getsignal(number), []

    def block() -> None:
        with interrupted_by_signals():
            signal.raise_signal(number)
            went_on.append(number)

    with pytest.raises(KeyboardInterrupt):
        block()
    assert went_on == []
    assert signal.getsignal(number) == before
    heed()  # what ended a block is over with it


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_a_finalizer_swallowed_is_raised_where_it_is_heeded(
    number: signal.Signals, dropped: list[object]
) -> None:
    went_on = []

    def block() -> None:
        with interrupted_by_signals():
            Finalized(lambda: signal.raise_signal(number))
            went_on.append("as if nothing had been")
            heed()
            went_on.append("although it was heeded")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert dropped == [KeyboardInterrupt]
    assert went_on == ["as if nothing had been"]


def test_a_deferred_one_waits_until_it_is_heeded_and_a_second_one_does_not() -> None:
    done = []

    def block(*, heeded: bool) -> None:
        with interrupted_by_signals(), deferred():
            signal.raise_signal(signal.SIGTERM)
            done.append("first")
            if heeded:
                heed()
            signal.raise_signal(signal.SIGINT)
            done.append("second")

    for heeded in (True, False):
        with pytest.raises(KeyboardInterrupt):
            block(heeded=heeded)
    assert done == ["first", "first"]


def test_one_of_which_a_library_made_another_error_is_still_an_interruption() -> None:
    def block() -> None:
        with interrupted_by_signals():
            try:
                signal.raise_signal(signal.SIGTERM)
            except KeyboardInterrupt as error:
                raise ImportError("cannot import a part of this library") from error

    with pytest.raises(KeyboardInterrupt):
        block()


def test_without_a_signal_nothing_is_raised_and_errors_stay_what_they_are() -> None:
    def block() -> None:
        with interrupted_by_signals():
            heed()
            raise ImportError("there is no such library")

    with pytest.raises(ImportError, match="no such library"):
        block()


def test_a_service_that_starts_heeds_one_that_was_swallowed_and_leaves_nothing_behind(
    tmp_path: Path, dropped: list[object]
) -> None:
    def block() -> None:
        with interrupted_by_signals():
            Finalized(lambda: signal.raise_signal(signal.SIGTERM))
            Embedded(Settings(data_dir=tmp_path, port=0), workers=1).start()

    with pytest.raises(KeyboardInterrupt):
        block()
    assert dropped == [KeyboardInterrupt]
    assert processes_of(tmp_path) == []
