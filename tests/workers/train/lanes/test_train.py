"""Ensembles as the worker trains them: in float32, recorded, with lanes that end in any way."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.record import RunRecord, Series
from gradclinic_workers.train import fit
from gradclinic_workers.train.lanes import LaneRun, train_together
from gradclinic_workers.train.lanes import train as train_module
from gradclinic_workers.train.reporter import Interrupted, Silent
from tests.workers import specs

ADAM = {"kind": "adam", "learning_rate": 0.01}
SUMMED = {"train_loss", "probe_loss", "grad_cosine"}
"""What is summed in another order than in a lone run."""


def experiments(count: int, **changes: Any) -> list[Experiment]:
    return [specs.mlp(steps=40, seed=seed, **changes) for seed in range(count)]


def recurrent(count: int, *, cell: str = "lstm") -> list[Experiment]:
    """Cells of 5 units over 20 steps; no size is a multiple of what a processor computes at once."""
    cells = {"kind": "recurrent", "cell": cell, "width": 5}
    return [
        specs.layers(cells, {"kind": "last_step"}, data="first_token", steps=40, seed=seed, optimizer=ADAM)
        for seed in range(count)
    ]


def together(runs: list[Experiment]) -> list[RunRecord]:
    results = dict(train_together([LaneRun(run) for run in runs]))
    return [record_of(results[index]) for index in range(len(runs))]


def record_of(result: object) -> RunRecord:
    assert isinstance(result, RunRecord), result
    return result


def assert_same(found: Mapping[str, Series], expected: Mapping[str, Series], *, but: set[str] = frozenset()) -> None:
    assert set(found) == set(expected)
    for name, series in expected.items():
        assert found[name].steps.tolist() == series.steps.tolist(), name
        if name in but:
            np.testing.assert_allclose(found[name].values, series.values, rtol=1e-3, atol=1e-6, err_msg=name)
        else:
            assert found[name].values.tobytes() == series.values.tobytes(), name


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_lane_has_the_weights_of_its_lone_run_bit_for_bit(optimizer: str) -> None:
    runs = experiments(3, optimizer={"kind": optimizer, "learning_rate": 0.01}, batch_size=64)
    for found, run in zip(together(runs), runs, strict=True):
        alone = fit.train(run)
        assert_same(found.series, alone.series, but=SUMMED)
        assert found.outcome is not None
        assert alone.outcome is not None
        assert found.outcome.final_train_loss == alone.outcome.final_train_loss
        assert found.preflight == alone.preflight


def test_what_a_step_takes_alone_is_measured_once_for_all_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[int] = []
    measure = train_module._alone_step_seconds
    monkeypatch.setattr(
        train_module, "_alone_step_seconds", lambda run: timed.append(run.training.seed) or measure(run)
    )
    runs = [*experiments(2), *experiments(2, optimizer={"kind": "sgd", "learning_rate": 0.2})]
    outcomes = [record.outcome for record in together(runs)]
    assert timed == [0, 0]
    first, same, other, _ = (outcome.alone_step_seconds for outcome in outcomes if outcome is not None)
    assert first is not None
    assert first == same != other
    assert fit.train(runs[0]).outcome.alone_step_seconds is None


def test_a_run_that_breaks_at_once_has_a_time_too() -> None:
    records = together(experiments(2, optimizer={"kind": "sgd", "learning_rate": 1e30}))
    assert all(record.outcome is not None and record.outcome.alone_step_seconds > 0 for record in records)


@pytest.mark.parametrize(
    "runs",
    [
        experiments(4, width=10, normalization="batch_norm"),
        experiments(4, width=13, normalization="layer_norm"),
        experiments(4, data="teacher"),
        *(recurrent(4, cell=cell) for cell in ("rnn", "gru", "lstm")),
    ],
)
def test_a_lane_does_not_depend_on_the_lanes_beside_it(runs: list[Experiment]) -> None:
    every = together(runs)
    assert_same(together([runs[2]])[0].series, every[2].series)
    assert_same(together([runs[3], runs[1]])[0].series, every[3].series)


def test_a_lane_that_breaks_is_recorded_as_alone_and_the_others_go_on() -> None:
    rates = (0.05, 1e20, 0.1, 1e30)
    runs = [
        specs.mlp(
            steps=40,
            seed=seed,
            activation="relu",
            normalization="batch_norm" if seed % 2 else None,
            optimizer={"kind": "sgd", "learning_rate": rate},
        )
        for seed, rate in enumerate(rates)
    ]
    for group in (runs[::2], runs[1::2]):
        for found, run in zip(together(group), group, strict=True):
            alone = fit.train(run)
            assert found.outcome is not None
            assert alone.outcome is not None
            assert found.outcome.nonfinite_step == alone.outcome.nonfinite_step
            assert_same(found.series, alone.series, but=set(alone.series))


@pytest.mark.parametrize(
    "recording", [{"every": 4, "full_every": 8}, {"adaptive": False}, {"every": 3, "dense_until": 0, "probe_every": 7}]
)
def test_a_lane_records_the_steps_of_its_lone_run(recording: dict[str, Any]) -> None:
    runs = experiments(2, recording=recording, batch_size=64)
    for found, run in zip(together(runs), runs, strict=True):
        assert_same(found.series, fit.train(run).series, but=SUMMED)


class Stopping(Silent):
    """Stops before a step, and keeps the checkpoint."""

    def __init__(self, at: int) -> None:
        self.at, self.asked, self.state = at, 0, b""
        self.series: dict[str, list[Series]] = {}

    def should_stop(self) -> bool:
        self.asked += 1
        return self.asked == self.at + 1

    def flushed(self, *, step: int, series: Mapping[str, Series], checkpoint: bytes | None) -> None:
        for name, each in series.items():
            self.series.setdefault(name, []).append(each)
        self.state = checkpoint or self.state

    def joined(self, later: Mapping[str, Series]) -> dict[str, Series]:
        parts = {name: [*self.series.get(name, []), series] for name, series in later.items()}
        return {
            name: Series(np.concatenate([each.steps for each in own]), np.concatenate([each.values for each in own]))
            for name, own in parts.items()
        }


@pytest.mark.parametrize(
    "runs", [experiments(4), experiments(4, normalization="batch_norm", optimizer=ADAM), recurrent(4)]
)
def test_an_interrupted_lane_resumes_bit_for_bit_among_other_lanes(runs: list[Experiment]) -> None:
    expected = together(runs)
    stops = [Stopping(at) for at in (5, 21, 21, 13)]
    results = dict(train_together([LaneRun(run, stop) for run, stop in zip(runs, stops, strict=True)]))
    assert [result.step for result in results.values() if isinstance(result, Interrupted)] == [5, 13, 21, 21]
    order = [3, 0, 1]  # at different steps, in another order, without one of them
    resumed = dict(train_together([LaneRun(runs[each], checkpoint=stops[each].state) for each in order]))
    for place, each in enumerate(order):
        record = record_of(resumed[place])
        assert_same(stops[each].joined(record.series), expected[each].series)
        assert record.outcome is not None
        assert expected[each].outcome is not None
        assert record.outcome.final_train_loss == expected[each].outcome.final_train_loss


def test_a_checkpoint_of_a_lane_resumes_alone_and_one_of_a_lone_run_in_a_lane() -> None:
    runs = experiments(2, batch_size=64)
    expected = [fit.train(run) for run in runs]
    stop = Stopping(17)
    dict(train_together([LaneRun(runs[0], stop), LaneRun(runs[1])]))
    assert_same(stop.joined(fit.train(runs[0], checkpoint=stop.state).series), expected[0].series, but=SUMMED)
    lone = Stopping(9)
    with pytest.raises(Interrupted):
        fit.train(runs[1], reporter=lone)
    resumed = record_of(dict(train_together([LaneRun(runs[1], checkpoint=lone.state), LaneRun(runs[0])]))[0])
    assert_same(lone.joined(resumed.series), expected[1].series, but=SUMMED)


def test_a_lane_stops_on_a_finding_at_the_step_of_its_lone_run() -> None:
    class Deciding(Silent):
        def decided(self, record: RunRecord) -> Any:
            return type("Finding", (), {"condition": "vanishing_gradients"})

    stop_when = {"conditions": ["vanishing_gradients"], "after": 20}
    training = {"steps": 40, "batch_size": 16, "stop_when": stop_when}
    runs = [
        Experiment.model_validate(specs.mlp().to_json() | {"training": training | {"seed": seed}}) for seed in (0, 1)
    ]
    results = dict(train_together([LaneRun(runs[0], Deciding()), LaneRun(runs[1])]))
    first, second = record_of(results[0]).outcome, record_of(results[1]).outcome
    assert first is not None
    assert second is not None
    assert (first.stopped_on, first.steps_done) == ("vanishing_gradients", 20)
    assert (second.stopped_on, second.steps_done) == (None, 40)


@pytest.mark.parametrize("fails", ["started", "flushed", "checkpoint"])
def test_an_error_in_one_lane_ends_only_that_lane(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    class Failing(Silent):
        def started(self, record: RunRecord) -> None:
            if fails == "started":
                raise ValueError("started")

        def flushed(self, *, step: int, series: Mapping[str, Series], checkpoint: bytes | None) -> None:
            if fails == "flushed":
                raise ValueError("flushed")

    monkeypatch.setattr(fit, "WINDOW_RECORDS", 5)
    runs = experiments(3)
    broken = LaneRun(runs[1], Failing(), checkpoint=b"not one" if fails == "checkpoint" else None)
    results = dict(train_together([LaneRun(runs[0]), broken, LaneRun(runs[2])]))
    assert isinstance(results[1], Exception)
    assert_same(record_of(results[2]).series, together([runs[2]])[0].series)
