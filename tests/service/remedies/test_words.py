"""Remedies as people name them: the kind, and what of its parameters is worth saying."""

import pytest

from gradclinic.remedies import REMEDIES, against
from gradclinic.remedies.set_learning_rate import SetLearningRate
from gradclinic.remedies.words import in_short, in_words


def named(kind: str, **fields: object):
    return REMEDIES[kind].model_validate(fields)


@pytest.mark.parametrize(
    ("remedy", "words", "short"),
    [
        (named("add_batch_norm"), "add batch norm", "batch norm"),
        (named("add_batch_norm", momentum=0.5), "add batch norm (momentum 0.5)", "batch norm (momentum 0.5)"),
        (named("swap_activation"), "swap activation (relu)", "relu"),
        (named("lower_learning_rate"), "lower learning rate (factor 0.1)", "lower learning rate (factor 0.1)"),
        (named("use_gated_cell"), "use gated cell (gru)", "gated cell (gru)"),
        (named("add_warmup"), "add warmup (warmup steps 50)", "warmup (warmup steps 50)"),
        (named("remove_clipping"), "remove clipping", "remove clipping"),
        (
            named("set_initialization", initialization={"scheme": "orthogonal", "gain": 1.5}),
            "set initialization (orthogonal, gain 1.5)",
            "orthogonal, gain 1.5",
        ),
        (
            named("change_optimizer", optimizer={"kind": "adam", "learning_rate": 0.003}),
            "change optimizer (adam, learning rate 0.003)",
            "adam, learning rate 0.003",
        ),
    ],
    ids=lambda value: value.kind if hasattr(value, "kind") else None,
)
def test_a_remedy_is_told_with_what_differs_from_its_defaults(remedy, words: str, short: str) -> None:
    assert (in_words(remedy), in_short(remedy)) == (words, short)
    assert in_words(remedy.to_json()) == words


def test_a_remedy_of_another_version_is_told_from_its_fields() -> None:
    unknown = {"kind": "freeze_layers", "first": 3, "until": None, "mode": {"name": "slow"}}
    assert in_words(unknown) == "freeze layers (first 3, slow)"
    assert in_words({"kind": "freeze_layers"}) == "freeze layers"


@pytest.mark.parametrize(
    ("remedy", "said"),
    [
        (against.BATCH_NORM, "add batch norm"),
        (against.XAVIER, "draw the initial weights with xavier_normal"),
        (against.RELU, "use relu as the activation"),
        (against.rate(0.1), "lower the learning rate (times 0.1)"),
        (against.rate(3.0), "multiply the learning rate by 3"),
        (SetLearningRate(value=0.001), "set the learning rate to 0.001"),
        (against.adam(0.001), "use adam with a learning rate of 0.001"),
        (against.GATED_CELL, "use a gated cell (gru)"),
    ],
)
def test_the_advice_of_a_remedy_ends_a_sentence(remedy, said):
    assert remedy.advice == said
