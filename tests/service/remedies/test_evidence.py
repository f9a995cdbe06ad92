import pytest

from gradclinic.remedies.against import BATCH_NORM, KAIMING, LONGER, RELU, XAVIER, rate
from gradclinic.remedies.evidence import Tally, from_rows, measured, ranked
from gradclinic.remedies.network import Network
from gradclinic.remedies.pool import pool
from gradclinic.remedies.train_longer import TrainLonger

PLAIN = Network(recurrent=False, transformer=False, bounded=True, linear=False, depth=8)
LOOPED = Network(recurrent=True, transformer=False, bounded=True, linear=False, depth=8)


def row(blames, network, trainings, **counts):
    names = {"relu": "swap activation (relu)", "norm": "add batch norm"}
    counted = {names[short]: pair for short, pair in counts.items()}
    return {
        "condition": "vanishing_gradients",
        "blames": blames,
        "network": network,
        "trainings": trainings,
        "cured_of_tried": counted,
    }


KNOWN = from_rows(
    [
        row("initialization", "feedforward", 4, relu=(1, 4), norm=(4, 4)),
        row("initialization", "recurrent", 1, relu=(1, 1)),
        row("hidden_activation", "feedforward", 2, relu=(2, 2)),
    ]
)


@pytest.mark.parametrize(
    ("cured", "tried", "least"), [(0, 0, 0.0), (0, 5, 0.0), (5, 5, 0.5655), (9, 10, 0.5958), (50, 100, 0.4038)]
)
def test_the_least_fraction_is_the_lower_end_of_wilsons_interval(cured, tried, least):
    assert Tally(cured, tried).least == pytest.approx(least, abs=1e-4)


def test_trainings_of_the_same_kind_count_where_there_are_enough():
    found = KNOWN.of("vanishing_gradients", ("initialization", "data"), PLAIN)
    assert found == {"swap activation (relu)": Tally(1, 4), "add batch norm": Tally(4, 4)}


@pytest.mark.parametrize(("trainings", "tally"), [(3, Tally(1, 3)), (2, Tally(3, 4))])
def test_three_trainings_of_a_kind_are_enough(trainings, tally):
    rows = [
        row("initialization", "feedforward", trainings, relu=(1, trainings)),
        row("initialization", "recurrent", 2, relu=(2, 2)),
    ]
    found = from_rows(rows).of("vanishing_gradients", ("initialization",), PLAIN)
    assert found == {"swap activation (relu)": tally}


def test_where_they_are_few_those_of_all_networks_count_and_those_with_another_blame_never():
    assert KNOWN.of("vanishing_gradients", ("initialization",), LOOPED)["swap activation (relu)"] == Tally(2, 5)
    assert KNOWN.of("vanishing_gradients", ("hidden_activation",), LOOPED)["swap activation (relu)"] == Tally(2, 2)
    assert KNOWN.of("vanishing_gradients", ("learning_rate",), PLAIN) == {}
    assert KNOWN.of("vanishing_gradients", (), PLAIN)["add batch norm"] == Tally(4, 4)
    assert KNOWN.of("divergence", ("learning_rate",), PLAIN) == {}


def test_what_cured_most_surely_comes_first_then_what_was_tried_in_vain_then_what_never_was():
    counts = {
        "add batch norm": Tally(1, 1),
        "swap activation (relu)": Tally(9, 10),
        "train longer (factor 4)": Tally(3, 10),
        "set initialization (kaiming_normal)": Tally(0, 10),
    }
    found = ranked([XAVIER, KAIMING, BATCH_NORM, TrainLonger(factor=7.0)], counts, PLAIN)
    assert found == (RELU, BATCH_NORM, LONGER, KAIMING, XAVIER, TrainLonger(factor=7.0))


def test_of_remedies_that_cured_alike_those_of_the_rule_come_first_in_its_order():
    counts = {"add batch norm": Tally(1, 2), "lower learning rate (factor 0.1)": Tally(1, 2)}
    assert ranked([rate(0.1), BATCH_NORM], counts, PLAIN) == (rate(0.1), BATCH_NORM)
    assert ranked([BATCH_NORM], counts, PLAIN) == (BATCH_NORM, rate(0.1))


def test_without_counts_the_order_is_the_rules():
    assert ranked([XAVIER, RELU, BATCH_NORM], {}, PLAIN) == (XAVIER, RELU, BATCH_NORM)


def test_the_counts_of_a_condition_are_those_of_all_its_kinds():
    rows = [
        {"condition": condition, "blames": blames, "network": "plain", "trainings": 2, "cured_of_tried": counts}
        for condition, blames, counts in (
            ("a", "loss", {"one": (1, 2)}),
            ("a", "data", {"one": (1, 1), "two": (0, 1)}),
            ("b", "data", {"one": (9, 9)}),
        )
    ]
    assert from_rows(rows).of_condition("a") == {"one": Tally(2, 3), "two": Tally(0, 1)}
    assert from_rows(rows).of_condition("c") == {}


def test_the_counts_of_this_version_are_of_remedies_of_the_pool():
    known = measured()
    assert {name for counts in known.counts.values() for name in counts} <= set(pool(PLAIN))
    for kind, counts in known.counts.items():
        assert all(tally.cured <= tally.tried <= known.trainings[kind] for tally in counts.values())
