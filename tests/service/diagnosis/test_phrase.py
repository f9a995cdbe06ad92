"""Numbers, layers and outcomes as people read them."""

from dataclasses import replace

import pytest

from gradclinic.diagnosis import phrase
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.record import WeightInfo

from .records import healthy_record

THRESHOLDS = Thresholds()
FEATURES = extract(healthy_record())


def features(**changes):
    return replace(FEATURES, **changes)


# --- words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nonfinite_step": 4}, "training ended at step 4 with a loss or gradient that is not finite"),
        (
            {"relative_train_loss": None},
            "always predicting the average is not known, so it is not known whether this hurts",
        ),
        (
            {"relative_train_loss": None, "finished": False},
            "training has not finished, so it is not known whether this hurts",
        ),
        ({"relative_train_loss": 0.5}, "learned anyway (its training loss fell to 50 % of"),
        ({"relative_train_loss": 0.95}, "learned too little"),
        ({"relative_train_loss": 0.96}, "learned nothing"),
        ({"relative_train_loss": 1.1}, "learned nothing"),
        (
            {"relative_train_loss": 1.2, "relative_initial_loss": 1.2},
            "is still worse than always predicting the average",
        ),
        ({"relative_train_loss": 1.2, "relative_initial_loss": 1.1}, "ended worse than if it had learned nothing"),
        ({"relative_train_loss": 1.2, "relative_initial_loss": None}, "ended worse than if it had learned nothing"),
    ],
)
def test_what_became_of_the_training_is_told_by_its_final_loss(changes, words):
    assert words in phrase.outcome_in_words(features(**changes), THRESHOLDS)


def test_the_loss_is_evidence_where_it_is_known():
    assert phrase.loss_evidence(features(relative_train_loss=None), THRESHOLDS) == ()
    (found,) = phrase.loss_evidence(features(relative_train_loss=0.7), THRESHOLDS)
    assert (found.value, found.threshold) == (0.7, 0.5)


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (0.0, "less than 0.1 % of"),
        (0.0004, "less than 0.1 % of"),
        (0.0005, "0.1 % of"),
        (0.013, "1.3 % of"),
        (0.1, "10 % of"),
        (3.4, "340 % of"),
        (100.0, "10,000 % of"),
        (101.0, "101 times"),
    ],
)
def test_a_ratio_is_read_in_percent_and_a_large_one_in_times(ratio, words):
    assert phrase.against_constant(ratio) == f"{words} the loss of always predicting the average"


def test_things_are_counted_with_their_noun():
    assert phrase.counted(1, "step") == "1 step"
    assert phrase.counted(2000, "step") == "2,000 steps"
    assert phrase.counted(2, "loss", "losses") == "2 losses"


@pytest.mark.parametrize(
    ("layers", "words"),
    [("", ""), ("a", "a"), ("ab", "a and b"), ("abcd", "a, b, c and d"), ("abcde", "a, b, c and 2 more")],
)
def test_layers_are_listed_up_to_four(layers, words):
    assert phrase.listed(tuple(layers)) == words


def test_a_layer_whose_name_is_only_a_number_is_said_with_its_class():
    record = replace(
        healthy_record(),
        weights=(WeightInfo("net.6", (4, 4), module="Linear"), WeightInfo("head", (2, 4), module="Linear")),
    )
    assert phrase.named("net.6", record) == "net.6 (Linear)"
    assert [phrase.named(each, record) for each in ("head", "7")] == ["head", "7"]
    assert phrase.all_named(("net.6", "head"), record) == "net.6 (Linear) and head"
