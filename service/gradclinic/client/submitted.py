"""What a service works on: runs, studies and prescriptions, which can be looked at again, waited for and cancelled."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from ..kernel import errors
from ..kernel.numbers import number

if TYPE_CHECKING:
    from .clinic import Clinic

_POLL_S = 0.2


class Submitted:
    """What the service works on and this client can look at again, wait for, cancel and delete."""

    _path: ClassVar[str]

    def __init__(self, clinic: "Clinic", data: dict[str, Any]) -> None:
        self.clinic, self.data = clinic, data

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.status}>"

    @property
    def id(self) -> str:
        """Its identifier."""
        return str(self.data["id"])

    @property
    def status(self) -> str:
        """Its state when it was last looked at."""
        return str(self.data["status"])

    def refresh(self) -> Self:
        """Look again."""
        self.data = self.clinic.get(f"{self._path}/{self.id}")
        return self

    def cancel(self) -> Self:
        """Cancel what waits, and ask what runs to stop."""
        self.data = self.clinic.post(f"{self._path}/{self.id}/cancel")
        return self

    def report(self, **options: Any) -> str:
        """All that its page shows, as one HTML file that opens without a server; a study's takes `metric`."""
        return self.clinic.text(f"{self._path}/{self.id}/report", **options)

    def delete(self) -> None:
        """Remove it with its runs, and all they recorded."""
        self.clinic.delete(f"{self._path}/{self.id}")


Item = TypeVar("Item", bound=Submitted)


class Run(Submitted):
    """One training."""

    _path = "/v1/runs"

    @property
    def ended(self) -> bool:
        """Whether it will never change state again."""
        return self.status not in {"queued", "running"}

    @property
    def metrics(self) -> dict[str, float | None] | None:
        """How it ended, non-finite values as floats; None until it has."""
        found = self.data["metrics"]
        return None if found is None else {name: number(value) for name, value in found.items()}

    def wait(self, *, timeout_s: float | None = None, progress: Callable[[dict[str, Any]], None] | None = None) -> Self:
        """Return when it has ended; `progress` is told each event meanwhile. Raises TimeoutError."""
        _follow(self.clinic, f"/v1/runs/{self.id}/events", timeout_s=timeout_s, progress=progress)
        return self.refresh()

    def diagnosis(self) -> dict[str, Any]:
        """What is wrong, where, since when, how sure; provisional while it goes on."""
        return self.clinic.get(f"/v1/runs/{self.id}/diagnosis")

    def judge(self, *, rule_set: str | None = None, thresholds: Mapping[str, float] | None = None) -> dict[str, Any]:
        """The diagnosis by other rules or thresholds; nothing is trained or stored."""
        body = {"rule_set": rule_set, "thresholds": dict(thresholds or {})}
        return self.clinic.post(f"/v1/runs/{self.id}/diagnoses", body)

    def statistics(self, *names: str, **options: Any) -> dict[str, Any]:
        """Recorded series by name; options as in the API: layers, steps, max_points, aggregate."""
        answer = self.clinic.get(f"/v1/runs/{self.id}/statistics", statistic=list(names), **options)
        return {series["statistic"]: series for series in answer["statistics"]}

    def profile(self, statistic: str = "site_grad_rms", *, step: int | str = 0) -> dict[str, Any]:
        """One statistic against depth at a step, or at the `last`."""
        return self.clinic.get(f"/v1/runs/{self.id}/profile", statistic=statistic, step=step)

    def curves(self, **options: Any) -> dict[str, Any]:
        """Loss, gradient norms, learning rate; options are max_points and aggregate."""
        return self.clinic.get(f"/v1/runs/{self.id}/curves", **options)


class Study(Submitted):
    """One experiment, several arms, several seeds."""

    _path = "/v1/studies"

    def wait(self, *, timeout_s: float | None = None, progress: Callable[[dict[str, Any]], None] | None = None) -> Self:
        """Return when all its runs have ended; `progress` is told each event meanwhile. Raises TimeoutError."""
        _follow(self.clinic, f"/v1/studies/{self.id}/events", timeout_s=timeout_s, progress=progress)
        return self.refresh()

    def runs(self, **filters: Any) -> Iterator[Run]:
        """Its runs, newest first."""
        return self.clinic.runs(study=self.id, **filters)

    def comparison(self, **options: Any) -> "ComparisonResult":
        """Its arms against the baseline, as far as its runs have ended; options are `metric` and `confidence`."""
        return ComparisonResult(self.clinic, self.clinic.get(f"/v1/studies/{self.id}/comparison", **options))


class Prescription(Submitted):
    """The search for what cures an experiment."""

    _path = "/v1/prescriptions"

    @property
    def cure(self) -> dict[str, Any] | None:
        """The remedies that cure it, with their evidence; None where none does, or none yet."""
        if "cure" not in self.data:  # a list has no more than the outlines
            self.refresh()
        found: dict[str, Any] | None = self.data["cure"]
        return found

    def wait(self, *, timeout_s: float | None = None, progress: Callable[[dict[str, Any]], None] | None = None) -> Self:
        """Return when it has ended; `progress` is told what it looks like meanwhile. Raises TimeoutError."""
        return poll(self, timeout_s=timeout_s, progress=progress)


class ComparisonResult:
    """The arms of a study, or any runs, against the baseline; shown, it is the ranking."""

    def __init__(self, clinic: "Clinic", data: dict[str, Any]) -> None:
        self.clinic, self.data = clinic, data

    @property
    def arms(self) -> list[dict[str, Any]]:
        """Every arm but the baseline, best first."""
        return list(self.data["arms"])

    def __getitem__(self, arm: str) -> dict[str, Any]:
        return next(each for each in self.arms if each["arm"] == arm)

    def __str__(self) -> str:
        from ..text.comparison import ranking_text

        return ranking_text(self.data)

    __repr__ = __str__

    def figure(self, name: str = "ranking") -> Any:
        """A Plotly figure of the study: `ranking` or `map` by the comparison's metric, or `profiles`."""
        import plotly.graph_objects as go

        if self.data["study_id"] is None:
            raise errors.InsufficientData("figures are drawn for studies; these runs belong to none")
        options = {} if name == "profiles" else {"metric": self.data["metric"]}
        return go.Figure(self.clinic.get(f"/v1/figures/studies/{self.data['study_id']}/{name}", **options))


def poll(submitted: Item, *, timeout_s: float | None, progress: Callable[[dict[str, Any]], None] | None) -> Item:
    """Look again until it no longer runs; `progress` is told what it looks like meanwhile. Raises TimeoutError."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while submitted.refresh().status == "running":
        if progress is not None:
            progress(submitted.data)
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError(f"it has not ended within {timeout_s:g} s")
        time.sleep(_POLL_S)
    return submitted


def _follow(
    clinic: "Clinic", path: str, *, timeout_s: float | None, progress: Callable[[dict[str, Any]], None] | None
) -> None:
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    last = None
    while True:
        page = clinic.get(path, **({} if last is None else {"after": last}))
        for event in page["items"]:
            if progress is not None:
                progress(event)
        if page["done"]:
            return
        last = page["last_id"]
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError(f"it has not ended within {timeout_s:g} s")
        time.sleep(_POLL_S)
