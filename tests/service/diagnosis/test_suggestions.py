from typing import Any

import pytest

from gradclinic.diagnosis import diagnose, suggestions
from gradclinic.experiments.experiment import Experiment
from gradclinic.remedies.against import BATCH_NORM, CONSTANT_RATE, KAIMING, LONGER
from gradclinic.remedies.evidence import Evidence, Tally

from .records import vanishing

EXPERIMENT = Experiment.model_validate(
    {
        "model": {"kind": "mlp", "depth": 10, "width": 32, "activation": "relu"},
        "data": {"kind": "digits"},
        "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    }
)
KIND = ("vanishing_gradients", "initialization", "feedforward")
COUNTS = {
    "train longer (factor 4)": Tally(4, 6),
    "add batch norm": Tally(6, 6),
    "change schedule (constant)": Tally(5, 6),
    "set initialization (xavier_normal)": Tally(0, 6),
}


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions, "measured", lambda: Evidence({KIND: COUNTS}, {KIND: 6}))


def first(experiment: Experiment | None) -> Any:
    (finding,) = (each for each in diagnose(vanishing(), experiment=experiment).findings if each.harm)
    return finding


@pytest.mark.usefixtures("known")
def test_what_cured_others_like_it_is_suggested_first_with_its_counts() -> None:
    finding = first(EXPERIMENT)
    assert finding.suggested_remedies[:2] == (BATCH_NORM, LONGER)
    counts = [(each.remedy, each.cured, each.tried) for each in finding.cure_counts]
    assert counts[:2] == [(BATCH_NORM, 6, 6), (LONGER, 4, 6)]


@pytest.mark.usefixtures("known")
def test_what_does_not_apply_is_not_suggested_however_often_it_cured() -> None:
    assert CONSTANT_RATE not in first(EXPERIMENT).suggested_remedies


@pytest.mark.usefixtures("known")
def test_a_recorded_training_is_told_the_rules_own_remedies_in_the_measured_order() -> None:
    found = first(None).suggested_remedies
    assert found[0] == BATCH_NORM
    assert KAIMING in found
    assert LONGER not in found


def test_there_are_at_most_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"lower learning rate (factor {factor:g})" for factor in (0.01, 0.02, 0.03, 0.1, 0.3)]
    names += [f"change optimizer (adam, learning rate {each:g})" for each in (0.001, 0.003, 0.01)]
    everything = {KIND: {name: Tally(1, 1) for name in names}}
    monkeypatch.setattr(suggestions, "measured", lambda: Evidence(everything, {KIND: 6}))
    assert len(first(EXPERIMENT).suggested_remedies) == 8
