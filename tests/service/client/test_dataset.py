from pathlib import Path

import pytest

from gradclinic import Clinic
from gradclinic.kernel import errors

from ..api.examples import experiment


def test_rows_of_ones_own_are_sent_and_trained_on(clinic: Clinic, tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("x,kind,y\n" + "".join(f"{i % 7},{'ab'[i % 2]},{i}\n" for i in range(40)), encoding="utf-8")
    found = clinic.upload(table, target="kind")
    assert (found.rows, found.shape, found.classes) == (40, [2], ["a", "b"])
    assert [known.id for known in clinic.datasets()] == [found.id]
    run = clinic.run(experiment(data={"kind": "uploaded", "id": found.id}))
    assert run.answer.document["experiment"]["data"]["id"] == found.id
    assert clinic.get_dataset(found.id).runs == 1
    with pytest.raises(errors.Conflict, match="1 unfinished run uses it"):
        clinic.delete_dataset(found.id)
    run.cancel()
    clinic.delete_dataset(found.id)
    assert list(clinic.datasets()) == []
    with pytest.raises(errors.InvalidRequest, match="no column 'z'"):
        clinic.upload(table, target="z")
    with pytest.raises(errors.InvalidSpec) as caught:
        clinic.upload(tmp_path / "own.xlsx")
    assert caught.value.problems[0].value == "own.xlsx"
