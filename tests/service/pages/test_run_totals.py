from itertools import count

from gradclinic.pages.run_totals import MOST_LISTS, Totals


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_number_that_took_long_to_count_is_kept_and_one_that_did_not_is_counted_again():
    clock, counted = Clock(), count(1)
    totals = Totals(clock=clock)

    def slowly() -> int:
        clock.now += 0.5
        return next(counted)

    assert totals.of("runs", slowly) == 1
    clock.now += 9.0
    assert totals.of("runs", slowly) == 1
    assert totals.of("other runs", slowly) == 2
    clock.now += 2.0
    assert totals.of("runs", slowly) == 3
    at_once = Totals(clock=clock)
    assert [at_once.of("runs", lambda: next(counted)) for _ in range(2)] == [4, 5]


def test_the_lists_that_are_remembered_are_few():
    totals = Totals()
    for each in range(2 * MOST_LISTS):
        totals.of(each, lambda: 1)
    assert len(totals._known) == MOST_LISTS
