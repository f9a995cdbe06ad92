"""The asynchronous client against a real service."""

import asyncio
import sys
import threading

import pytest

from gradclinic import AsyncClinic
from gradclinic.client import Check, Clinic, ComparisonResult, Prescription, Run, Study
from gradclinic.client.asynchronous import AsyncCheck, AsyncComparison, AsyncPrescription, AsyncRun, AsyncStudy
from gradclinic.kernel import errors
from gradclinic.settings import Settings

from ..api.examples import EXPERIMENT
from ..api.serving import train

NO_REQUEST = {"connection", "local", "ended"}
"""What needs no request, or no event loop."""


def public(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Clinic, AsyncClinic),
        (Run, AsyncRun),
        (Study, AsyncStudy),
        (Prescription, AsyncPrescription),
        (Check, AsyncCheck),
        (ComparisonResult, AsyncComparison),
    ],
)
def test_it_has_every_method_of_the_synchronous_client(one: type, other: type) -> None:
    assert public(one) - public(other) - NO_REQUEST == set()


def test_a_study_goes_from_question_to_answer_while_the_event_loop_goes_on(clinic: Clinic, settings: Settings) -> None:
    async def asked() -> tuple[AsyncComparison, int, list[str]]:
        turns, ended = 0, False

        async def others() -> None:
            nonlocal turns
            while not ended:
                turns += 1
                await asyncio.sleep(0.01)

        async with AsyncClinic(clinic.url) as client:
            study = await client.study(EXPERIMENT, arms={"norm": ["add_batch_norm"]}, seeds=[0, 1])
            runs = [run.id async for run in study.runs()]
            training = threading.Thread(target=train, args=(settings, *runs))
            training.start()
            beside = asyncio.create_task(others())
            events: list[object] = []
            assert await study.wait(timeout_s=120, progress=events.append) is study
            ended = True
            await beside
            training.join()
            assert (study.status, bool(events)) == ("succeeded", True)
            found = [each.id async for each in client.runs(study=study.id, limit=3)]
            assert found == runs
            run = await client.get_run(runs[0])
            assert (await run.diagnosis()).findings
            return await study.comparison(), turns, runs

    comparison, turns, runs = asyncio.run(asked())
    assert len(runs) == 4
    assert comparison["norm"].effects["final_validation_loss"].difference < 0
    assert "val. loss" in str(comparison)
    assert turns > 10


def test_many_wait_at_once_and_one_that_is_cancelled_leaves_the_others(clinic: Clinic, settings: Settings) -> None:
    async def asked() -> list[str]:
        async with AsyncClinic(clinic.url) as client:
            runs = [await client.run(EXPERIMENT) for _ in range(3)]
            waits = [asyncio.create_task(run.wait()) for run in runs]
            await asyncio.sleep(0.05)
            waits[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await waits[0]
            await asyncio.to_thread(train, settings, runs[1].id, runs[2].id)
            await asyncio.gather(*waits[1:])
            with pytest.raises(TimeoutError, match="not finished"):
                await runs[0].wait(timeout_s=0)
            return [run.status for run in runs]

    assert asyncio.run(asked()) == ["queued", "succeeded", "succeeded"]


def test_what_a_service_refuses_is_the_same_error(clinic: Clinic) -> None:
    async def refused() -> None:
        async with AsyncClinic(clinic.url) as client:
            with pytest.raises(errors.NotFound):
                await client.get_run("run_none")
            with pytest.raises(errors.InvalidRequest, match="/experiment"):
                await client.run({"model": {"kind": "mlp"}})
        async with AsyncClinic("http://127.0.0.1:1") as client:
            with pytest.raises(errors.ServiceUnavailable, match="gradclinic serve"):
                [each async for each in client.runs()]

    asyncio.run(refused())


def test_without_its_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "greenlet", None)
    with pytest.raises(errors.SetupFailed, match=r"'gradclinic\[async\]'"):
        asyncio.run(AsyncClinic().catalogue())
