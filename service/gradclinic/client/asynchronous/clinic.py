"""The client of a service for programs with an event loop."""

import asyncio
from typing import Any

import httpx
from typing_extensions import Self

from ..clinic import Clinic
from ..connection import Connection
from .bridge import wait_for
from .methods import Wrapper, awaited, awaited_as, iterated, iterated_as
from .results import AsyncCheck, AsyncComparison, AsyncPrescription, AsyncRun, AsyncStudy


class _Connection(Connection):
    """A connection whose requests and pauses leave the event loop to others."""

    def _open(self, **options: Any) -> None:
        self._client = httpx.AsyncClient(**options)

    def _response(self, method: str, path: str, **options: Any) -> httpx.Response:
        return wait_for(self._client.request(method, path, **options))

    def pause(self, seconds: float) -> None:
        """Let others run for some seconds."""
        wait_for(asyncio.sleep(seconds))

    def close(self) -> None:
        """Close the connection."""
        wait_for(self._client.aclose())


class _Clinic(Clinic):
    _connection = _Connection


class AsyncClinic(Wrapper[Clinic]):
    """A client of a training-diagnostics service, for programs with an event loop. Needs the extra `async`.

    Its methods are those of `Clinic`, awaited; what they return has awaited methods, too. For an embedded server, pass
    the URL of `Clinic.local()`.

    api_key: `<id>.<secret>`, for a service that requires one; by default GRADCLINIC_API_KEY. It is sent to `url` only.
    project: for a key with the scope admin, a project other than that of the key; by default GRADCLINIC_PROJECT.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        project: str | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        super().__init__(_Clinic(url, api_key=api_key, project=project, timeout_s=timeout_s))

    @property
    def url(self) -> str:
        """The URL of the service."""
        return self._sync.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    close = awaited(Clinic.close)
    get = awaited(Clinic.get)
    post = awaited(Clinic.post)

    catalogue = awaited(Clinic.catalogue)
    resolve = awaited(Clinic.resolve)

    run = awaited_as(AsyncRun, Clinic.run)
    post_run = awaited_as(AsyncRun, Clinic.post_run)
    get_run = awaited_as(AsyncRun, Clinic.get_run)
    runs = iterated_as(AsyncRun, Clinic.runs)
    cancel_run = awaited(Clinic.cancel_run)
    delete_run = awaited(Clinic.delete_run)

    study = awaited_as(AsyncStudy, Clinic.study)
    declare_study = awaited_as(AsyncStudy, Clinic.declare_study)
    post_study = awaited_as(AsyncStudy, Clinic.post_study)
    get_study = awaited_as(AsyncStudy, Clinic.get_study)
    studies = iterated_as(AsyncStudy, Clinic.studies)
    cancel_study = awaited(Clinic.cancel_study)
    delete_study = awaited(Clinic.delete_study)

    compare = awaited_as(AsyncComparison, Clinic.compare)

    prescribe = awaited_as(AsyncPrescription, Clinic.prescribe)
    post_prescription = awaited_as(AsyncPrescription, Clinic.post_prescription)
    get_prescription = awaited_as(AsyncPrescription, Clinic.get_prescription)
    prescriptions = iterated_as(AsyncPrescription, Clinic.prescriptions)

    pin = awaited(Clinic.pin)
    baseline = awaited(Clinic.baseline)
    baselines = iterated(Clinic.baselines)
    delete_baseline = awaited(Clinic.delete_baseline)

    check = awaited_as(AsyncCheck, Clinic.check)
    post_check = awaited_as(AsyncCheck, Clinic.post_check)
    get_check = awaited_as(AsyncCheck, Clinic.get_check)
    checks = iterated_as(AsyncCheck, Clinic.checks)

    schedule = awaited(Clinic.schedule)
    get_schedule = awaited(Clinic.get_schedule)
    schedules = iterated(Clinic.schedules)
    pause_schedule = awaited(Clinic.pause_schedule)
    delete_schedule = awaited(Clinic.delete_schedule)

    create_webhook = awaited(Clinic.create_webhook)
    get_webhook = awaited(Clinic.get_webhook)
    webhooks = iterated(Clinic.webhooks)
    pause_webhook = awaited(Clinic.pause_webhook)
    rotate_webhook = awaited(Clinic.rotate_webhook)
    test_webhook = awaited(Clinic.test_webhook)
    deliveries = iterated(Clinic.deliveries)
    redeliver = awaited(Clinic.redeliver)
    delete_webhook = awaited(Clinic.delete_webhook)

    upload = awaited(Clinic.upload)
    datasets = iterated(Clinic.datasets)
    get_dataset = awaited(Clinic.get_dataset)
    delete_dataset = awaited(Clinic.delete_dataset)

    claims = awaited(Clinic.claims)
    ruling = awaited(Clinic.ruling)
