"""`./run benchmark attention` trains sound transformers, and counts what the rules of attention say of them."""

import json
import random
import sys

import pytest
from benchmarks import attention
from benchmarks.attention import Kind, Seen, trained

SMALL = Kind("topic", "fused", "LayerNorm", True, 1, 32, 2, "Adam", 1e-2, 0, 60)


def test_a_sound_transformer_is_told_as_one() -> None:
    seen = trained(SMALL, seed=0)
    assert (seen.sound, seen.primary, seen.alarms) == (True, "healthy", ())


def test_kinds_differ_and_only_sound_trainings_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn: list[Kind] = []

    def seen(kind: Kind, *, seed: int) -> Seen:
        drawn.append(kind)
        return Seen(kind, 0.1 if seed % 2 else 0.9, "healthy", attention.RULES[:1] if seed == 1 else (), ())

    monkeypatch.setattr(attention, "trained", seen)
    monkeypatch.setattr(sys, "argv", ["attention", "--json", "--trainings", "4"])
    attention.main()
    rows = json.loads(capsys.readouterr().out)
    assert [row["value"] for row in rows] == [0.25, 0.0, 0.0, 0.0]
    assert len(set(drawn)) == 8
    assert "4 sound ones of 8 trainings" in rows[0]["configuration"]
    assert Kind.drawn(random.Random(0)) == drawn[0]
