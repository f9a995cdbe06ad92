import pytest

from gradclinic import Clinic
from gradclinic.kernel import errors
from gradclinic.schemas.check import CheckSummary
from gradclinic.settings import Settings

from ..api.examples import HEALTHY
from ..api.serving import train
from ..clinics import working


def test_a_result_is_pinned_checked_and_becomes_the_baseline(clinic: Clinic, settings: Settings) -> None:
    study = clinic.study(HEALTHY, seeds=range(3))
    train(settings, *(run.id for run in study.runs()))
    clinic.pin("main", study=study)
    check = clinic.check("main", margins={"final_train_loss": 0.2}, name="tonight")
    assert (check.status, check.verdict, check.summary) == ("running", None, None)
    looked: list[CheckSummary] = []
    with working(clinic, settings):
        check.wait(timeout_s=120, progress=looked.append)
    assert check.verdict == "pass"
    assert looked
    assert str(check).startswith(f"pass  {check.id} against main")
    assert check.junit().startswith(b"<?xml")
    assert [found.id for found in clinic.checks(verdict="pass")] == [check.id]
    moved = clinic.pin("main", check=check)
    assert moved.history[0].check_id == check.id
    assert clinic.baseline("main") == moved
    assert [each.name for each in clinic.baselines()] == ["main"]
    with pytest.raises(errors.Conflict, match="'main'"):
        check.delete()


def test_a_schedule_is_paused_and_goes_on(clinic: Clinic, settings: Settings) -> None:
    run = clinic.run(HEALTHY)
    train(settings, run.id)
    clinic.pin("main", runs=[run])
    made = clinic.schedule("nightly", "0 3 * * *", {"baseline": "main"}, zone="Europe/Berlin")
    assert made.zone == "Europe/Berlin"
    assert clinic.pause_schedule("nightly").next_due_at is None
    assert clinic.pause_schedule("nightly", paused=False).paused is False
    assert [each.name for each in clinic.schedules()] == ["nightly"]
    with pytest.raises(errors.Conflict, match="'nightly'"):
        clinic.delete_baseline("main")
    clinic.delete_schedule("nightly")
    with pytest.raises(errors.NotFound):
        clinic.get_schedule("nightly")
    clinic.delete_baseline("main")


def test_a_name_never_leaves_its_place_in_the_address(clinic: Clinic) -> None:
    with pytest.raises(errors.InvalidSpec, match="not a name"):
        clinic.baseline("../runs")
