import json
import sys

import pytest
from benchmarks import storage


def test_a_runs_bytes_are_counted_by_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    small = storage.EXPERIMENT | {"model": {"kind": "mlp", "depth": 2, "width": 4, "activation": "relu"}}
    monkeypatch.setattr(storage, "EXPERIMENT", small)
    monkeypatch.setattr(sys, "argv", ["storage", "--json", "--runs", "2", "--steps", "30"])
    storage.main()
    rows = {row["subject"]: row for row in json.loads(capsys.readouterr().out)}
    whole = rows.pop("the whole file")
    assert {"table packs", "table runs"} <= rows.keys()
    assert sum(row["value"] for row in rows.values()) == pytest.approx(whole["value"], rel=0.01)
    assert whole["value"] > rows["table packs"]["value"] > 0
