"""The broken trainings that cures are counted on can be trained, and each outcome is counted once."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from benchmarks.cures import main, report, trials
from benchmarks.cures.population import KINDS, drawn
from benchmarks.cures.report import as_text, counted
from benchmarks.cures.trials import applicable, broken, chosen

from gradclinic.experiments.lowering import lower
from gradclinic.remedies.against import CONSTANT_RATE, KAIMING, LONGER, NO_CLIPPING, rate


def row(kind: Sequence[str], **cured: bool) -> dict[str, Any]:
    return {"seed": 0, "index": 0, "wrong": "", "kind": list(kind), "cured": cured}


ONE = ("divergence", "learning_rate", "feedforward")


@pytest.mark.parametrize("index", range(2 * len(KINDS)))
def test_every_kind_can_be_trained_and_a_seed_draws_the_same_ones(index: int) -> None:
    name, experiment = drawn(index, seed=3)
    assert lower(experiment).weighted
    assert drawn(index, seed=3) == (name, experiment)
    assert drawn(index, seed=4)[1] != experiment


def test_each_remedy_counts_its_cures_of_the_trainings_it_was_tried_on() -> None:
    (found,) = counted([row(ONE, slower=True, longer=False), row(ONE, slower=True), row(ONE, longer=True)])
    assert (found["condition"], found["blames"], found["network"], found["trainings"]) == (*ONE, 3)
    assert found["cured_of_tried"] == {"slower": [2, 2], "longer": [1, 2]}
    assert list(found["cured_of_tried"]) == ["slower", "longer"]
    assert "slower 2/2; longer 1/2" in as_text([found])


def test_only_remedies_that_change_the_training_are_tried_and_no_result_twice() -> None:
    experiment = drawn(0, seed=0)[1]
    assert applicable(experiment, [rate(0.1), NO_CLIPPING, CONSTANT_RATE, rate(0.1), LONGER]) == [rate(0.1), LONGER]


def test_the_suggested_ones_are_tried_first_and_no_more_than_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    sick = broken(drawn(list(KINDS).index("small_steps"), seed=0)[1])
    assert sick is not None
    suggested = sick.diagnosis.findings[0].suggested_remedies
    tried = chosen(sick, tries=5, seed=0)
    assert len(tried) == 5
    assert tried[: len(suggested)] == list(suggested)[:5]
    assert len(chosen(sick, tries=None, seed=0)) > 15


def test_an_interrupted_measurement_goes_on_where_it_stopped_and_writes_its_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[int] = []

    def tried(index: int, *, options: Any) -> report.Tried:
        asked.append(index)
        return report.Tried(options.seed, index, "", list(ONE) if index else None, {"train longer (factor 4)": True})

    monkeypatch.setattr(report, "tried", tried)
    monkeypatch.setattr(report, "TABLE", tmp_path / "cures.json")
    record = ["--record", str(tmp_path / "kept.jsonl"), "--seed", "5"]
    main([*record, "--size", "2"])
    main([*record, "--size", "3", "--write"])
    assert asked == [0, 1, 2]
    (kind,) = json.loads((tmp_path / "cures.json").read_text())["kinds"]
    assert (kind["trainings"], kind["cured_of_tried"]) == (2, {"train longer (factor 4)": [2, 2]})
    assert "train longer (factor 4) 2/2" in capsys.readouterr().out


def test_a_cure_learns_on_both_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = drawn(0, seed=0)[1]
    monkeypatch.setattr(trials, "trained", lambda _, *, seed: (None, seed))
    monkeypatch.setattr(trials, "is_cured", lambda seed: seed == 0)
    assert not trials.cures(KAIMING, experiment)
    monkeypatch.setattr(trials, "is_cured", lambda _: True)
    assert trials.cures(KAIMING, experiment)
