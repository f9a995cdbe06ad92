"""The asynchronous client: the methods of `Clinic`, awaited, over httpx.AsyncClient.

    from gradclinic import AsyncClinic

    async with AsyncClinic("http://127.0.0.1:8000") as clinic:
        run = await clinic.run(experiment)
        await run.wait()

Needs the extra `async`.
"""

from .clinic import AsyncClinic
from .results import AsyncCheck, AsyncComparison, AsyncPrescription, AsyncRun, AsyncStudy

__all__ = ["AsyncCheck", "AsyncClinic", "AsyncComparison", "AsyncPrescription", "AsyncRun", "AsyncStudy"]
