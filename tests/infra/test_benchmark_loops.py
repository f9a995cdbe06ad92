"""`./run benchmark loops` trains sound loops of many kinds, and counts how many are called sick."""

import json
import random
import sys
from dataclasses import replace

import pytest
import torch
from benchmarks import loops
from benchmarks.loops import LEARNED
from benchmarks.loops.loop import TASKS, Habits, Seen, optimizer_of, run, schedule_of, trained


def test_a_sound_loop_is_told_as_one() -> None:
    seen = trained(18, seed=1)
    assert (seen.task, seen.primary, seen.alarms) == ("ratings", "healthy", ())
    assert seen.score > LEARNED


@pytest.mark.parametrize("make", TASKS, ids=lambda make: make.__name__)
def test_each_task_has_a_finite_loss_and_no_score_before_it_is_trained(make) -> None:
    torch.manual_seed(0)
    task = make(random.Random(0))
    outputs = task.model(task.inputs[:64])
    loss = task.loss(outputs, task.targets[:64])
    loss.backward()
    assert torch.isfinite(loss)
    with torch.no_grad():
        outputs = task.model.eval()(task.held_inputs)
        assert task.score(outputs, task.held_targets) < LEARNED


def test_what_is_only_learned_by_heart_is_no_sound_loop() -> None:
    torch.manual_seed(0)
    draw = random.Random(0)
    task = TASKS[2](draw)
    task = replace(task, targets=task.targets[torch.randperm(len(task.targets))])
    model, _ = run(task, replace(Habits.drawn(draw, task), steps=100))
    with torch.no_grad():
        assert task.score(model.eval()(task.held_inputs), task.held_targets) < 0.2


def test_one_cycle_moves_no_momentum_of_an_optimizer_that_has_none() -> None:
    torch.manual_seed(0)
    draw = random.Random(0)
    task = TASKS[2](draw)
    for name, momentum in (("SGD", 0.0), ("Adagrad", None), ("momentum", 0.95)):
        habits = replace(Habits.drawn(draw, task), optimizer=name, schedule="one cycle", steps=300, groups=False)
        optimizer = optimizer_of(task.model, habits)
        schedule_of(optimizer, habits, epoch=10)
        assert optimizer.param_groups[0].get("momentum") == momentum


def test_only_sound_loops_count(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    drawn: list[int] = []

    def seen(number: int, *, seed: int) -> Seen:
        drawn.append(number)
        learned = number % 2 == 1
        habits = Habits("Adam", 0.001, 0.0, False, "none", 32, 1, "none", False, 0, False, True, True, 300)
        score, alarms = (0.9 if learned else 0.1), (("divergence",) if number < 2 else ())
        return Seen("classes", habits, number, score, alarms[0] if alarms else "healthy", alarms, "It is so.")

    monkeypatch.setattr(loops, "trained", seen)
    monkeypatch.setattr(sys, "argv", ["loops", "--json", "--loops", "4"])
    loops.main()
    rows = json.loads(capsys.readouterr().out)
    assert drawn == list(range(8))
    assert {row["subject"]: row["value"] for row in rows} == {
        "called sick": 0.25,
        "called healthy": 0.75,
        "insufficient evidence": 0.0,
        "told of divergence": 0.25,
    }
    assert "1 of 4 sound ones, of 8 loops" in rows[0]["configuration"]
