"""What the benchmark of architectures counts, by rows whose counts are known."""

from benchmarks.architectures import Row, counts
from benchmarks.architectures.networks import OTHERS, TUNED_ON


def row(fault, left, *, sick=True, blames=(), equal=None):
    return Row("net", fault, left, equal, sick, "slow_convergence" if sick else "healthy", blames)


def test_what_learned_all_the_same_is_not_counted_among_faults():
    rows = [
        row("none", 0.1, sick=False, equal=True),
        row("none", 0.4, sick=True, equal=False),
        row("none", 0.9, sick=True, equal=True),
        row("rate", None, blames=("learning_rate", "schedule")),
        row("rate", 0.3, sick=False),
        row("small", 1.0, blames=("steps", "learning_rate", "data", "initialization")),
        row("large", 0.51, blames=("initialization",)),
        row("large", 0.5, sick=False),
        row("large", 3.0, sick=False),
    ]
    assert counts(rows) == {
        "weights equal with a recording and without": (2, 3),
        "called sick although it learned, without a fault": (1, 2),
        "rate: called sick where it did not learn": (1, 1),
        "rate: the part among the first three": (1, 1),
        "small: called sick where it did not learn": (1, 1),
        "small: the part among the first three": (0, 1),
        "large: called sick where it did not learn": (1, 2),
        "large: the part among the first three": (1, 2),
    }


def test_none_of_the_networks_that_are_measured_is_one_that_rules_were_tuned_on():
    assert len(OTHERS) > 50
    assert not OTHERS.keys() & TUNED_ON.keys()
