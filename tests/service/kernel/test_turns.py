import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gradclinic.kernel.errors import ServiceUnavailable
from gradclinic.kernel.turns import Turns
from tests.waiting import eventually


def test_one_has_a_turn_one_waits_for_it_and_a_third_is_told_to_come_back():
    turns = Turns(at_once=1, waiting=1, wait_s=60, busy="others do")
    began, ended = threading.Event(), threading.Event()

    def second() -> bool:
        began.set()
        with turns.one():
            return ended.is_set()

    def third() -> None:
        with turns.one():
            pass

    with ThreadPoolExecutor(1) as pool:
        with turns.one():
            waits = pool.submit(second)
            began.wait()
            eventually(lambda: not turns.has_room)
            with pytest.raises(ServiceUnavailable, match="others do"):
                third()
            ended.set()
        assert waits.result()
    third()


def test_nobody_waits_longer_than_is_said():
    turns = Turns(at_once=1, waiting=1, wait_s=0.0, busy="others do")
    with turns.one(), pytest.raises(ServiceUnavailable, match="others do"), turns.one():
        pass
    with turns.one():
        pass
