"""A service as an object: what can be asked of it, over HTTP."""

import json
import os
import re
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias, Union

import httpx

from ..kernel import errors
from .check import Check
from .problem import error_from
from .submitted import ComparisonResult, Prescription, Run, Study

if TYPE_CHECKING:
    from ..experiments.experiment import Experiment
    from ..remedies import Remedy

DEFAULT_URL = "http://127.0.0.1:8000"
URL_VARIABLE = "GRADCLINIC_URL"
_THIS_MACHINE = ("all://127.0.0.1", "all://localhost", "all://[::1]")
"""Addresses that no proxy of the environment can reach."""
_DRAWING_S = 120.0
"""Seconds that a report may take, whose charts are drawn for it."""
_UPLOADS = {".npz": "application/x-npz", ".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}

ExperimentLike: TypeAlias = Union["Experiment", Mapping[str, Any]]
RemedyLike: TypeAlias = Union["Remedy", Mapping[str, Any]]


class Clinic:
    """A training-diagnostics service."""

    def __init__(self, url: str | None = None, *, timeout_s: float = 30.0) -> None:
        self.url = (url or os.environ.get(URL_VARIABLE) or DEFAULT_URL).rstrip("/")
        self._http = httpx.Client(
            base_url=self.url, timeout=httpx.Timeout(timeout_s, connect=5.0), mounts=dict.fromkeys(_THIS_MACHINE)
        )
        self._end: weakref.finalize[[], Clinic] | None = None

    @classmethod
    def local(cls, data_dir: str | Path | None = None, *, workers: int | None = None) -> Self:
        """A client with a service of its own, on a free port of this machine.

        What it stores lies in `data_dir`, or in a temporary folder that is removed at the end. `close` ends it, as do
        the end of a `with` block and of the program; it also ends when nothing refers to this client any more.
        """
        from . import local

        url, end = local.start(data_dir, workers=workers)
        return cls(url)._with(end)

    def _with(self, end: Callable[[], None]) -> Self:
        self._end = weakref.finalize(self, end)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connection, and end the service where it is this client's own."""
        self._http.close()
        if self._end is not None:
            self._end()

    def resolve(self, experiment: ExperimentLike, remedies: Sequence[RemedyLike] = ()) -> dict[str, Any]:
        """What would be trained and what it would cost, without training it."""
        return self.post("/v1/experiments:resolve", _with_remedies(experiment, remedies))

    def run(
        self,
        experiment: ExperimentLike,
        remedies: Sequence[RemedyLike] = (),
        *,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        reuse: bool = False,
    ) -> Run:
        """Queue one training; with `reuse`, an identical one that has succeeded is the answer, if one is there."""
        body = {
            **_with_remedies(experiment, remedies),
            "name": name,
            "labels": dict(labels or {}),
            "reuse": "if_identical" if reuse else None,
        }
        return Run(self, self.post("/v1/runs", body))

    def study(
        self,
        experiment: ExperimentLike,
        arms: Mapping[str, Sequence[RemedyLike] | ExperimentLike] | None = None,
        *,
        seeds: Sequence[int] = range(5),
        sweep: Mapping[str, Sequence[float]] | None = None,
        control: bool = False,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Study:
        """Queue a study: an arm is a list of remedies, or an experiment of its own; `sweep` is by JSON pointer.

        `control` adds an arm with a remedy drawn by chance.
        """
        body = {
            "experiment": _plain(experiment),
            "arms": [_arm(arm, value) for arm, value in (arms or {}).items()],
            "seeds": list(seeds),
            "sweep": [{"field": field, "values": list(values)} for field, values in (sweep or {}).items()],
            "control": "random_remedy" if control else None,
            "name": name,
            "labels": dict(labels or {}),
        }
        return self.post_study(body)

    def post_study(self, body: Mapping[str, Any]) -> Study:
        """Queue a study from its JSON."""
        return Study(self, self.post("/v1/studies", body))

    def prescribe(
        self,
        experiment: ExperimentLike,
        *,
        seconds: float | None = None,
        runs: int | None = None,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Prescription:
        """Search for what cures an experiment, for so many seconds of training, or so many runs; 240 s without both."""
        body: dict[str, Any] = {"experiment": _plain(experiment), "name": name, "labels": dict(labels or {})}
        if seconds is not None or runs is not None:
            body["budget"] = {"seconds": seconds, "runs": runs}
        return self.post_prescription(body)

    def post_prescription(self, body: Mapping[str, Any]) -> Prescription:
        """Search for a cure from its JSON."""
        return Prescription(self, self.post("/v1/prescriptions", body))

    def get_prescription(self, prescription_id: str) -> Prescription:
        """A prescription by its identifier."""
        return Prescription(self, self.get(f"/v1/prescriptions/{_segment(prescription_id)}"))

    def pin(
        self,
        name: str,
        *,
        study: Study | str | None = None,
        arm: str | None = None,
        runs: Sequence[Run | str] | None = None,
        check: Check | str | None = None,
    ) -> dict[str, Any]:
        """Have a baseline's name point at an arm of a study, at runs, or at the new runs of a check."""
        body = {
            "study_id": None if study is None else _id(study),
            "arm": arm,
            "run_ids": None if runs is None else [_id(run) for run in runs],
            "check_id": None if check is None else _id(check),
        }
        found: dict[str, Any] = self._send("PUT", f"/v1/baselines/{_name(name)}", body).json()
        return found

    def baseline(self, name: str) -> dict[str, Any]:
        """What a baseline points at, what that was made with, and what it pointed at before."""
        return self.get(f"/v1/baselines/{_name(name)}")

    def baselines(self) -> Iterator[dict[str, Any]]:
        """Baselines, by name."""
        return self.pages("/v1/baselines")

    def delete_baseline(self, name: str) -> None:
        """Take a baseline's name away; its runs stay."""
        self.delete(f"/v1/baselines/{_name(name)}")

    def check(
        self,
        baseline: str,
        experiment: ExperimentLike | None = None,
        remedies: Sequence[RemedyLike] | None = None,
        *,
        seeds: Sequence[int] | None = None,
        margins: Mapping[str, float] | None = None,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Check:
        """Train a new result, and hold it against a baseline; what is left out is as the baseline was made."""
        return self.post_check(
            {
                "baseline": baseline,
                "experiment": None if experiment is None else _plain(experiment),
                "remedies": None if remedies is None else [_plain(remedy) for remedy in remedies],
                "seeds": None if seeds is None else list(seeds),
                "margins": None if margins is None else dict(margins),
                "name": name,
                "labels": dict(labels or {}),
            }
        )

    def post_check(self, body: Mapping[str, Any]) -> Check:
        """Check against a baseline from its JSON."""
        return Check(self, self.post("/v1/checks", body))

    def get_check(self, check_id: str) -> Check:
        """A check by its identifier."""
        return Check(self, self.get(f"/v1/checks/{_segment(check_id)}"))

    def checks(self, **filters: Any) -> Iterator[Check]:
        """Checks, newest first, without their evidence; filters as in the API: baseline, schedule, verdict."""
        for item in self.pages("/v1/checks", **filters):
            yield Check(self, item)

    def schedule(self, name: str, cron: str, check: Mapping[str, Any], *, zone: str = "UTC") -> dict[str, Any]:
        """Start a check whenever a cron line is due; `check` is its JSON: `{"baseline": "main"}`."""
        return self.post("/v1/schedules", {"name": name, "cron": cron, "zone": zone, "check": dict(check)})

    def get_schedule(self, name: str) -> dict[str, Any]:
        """A schedule, with what came of its last due times."""
        return self.get(f"/v1/schedules/{_name(name)}")

    def schedules(self) -> Iterator[dict[str, Any]]:
        """Schedules, by name."""
        return self.pages("/v1/schedules")

    def pause_schedule(self, name: str, *, paused: bool = True) -> dict[str, Any]:
        """Pause a schedule, or have it go on from now."""
        return self.post(f"/v1/schedules/{_name(name)}/{'pause' if paused else 'resume'}")

    def delete_schedule(self, name: str) -> None:
        """Remove a schedule; the checks that it started stay."""
        self.delete(f"/v1/schedules/{_name(name)}")

    def get_run(self, run_id: str) -> Run:
        """A run by its identifier."""
        return Run(self, self.get(f"/v1/runs/{_segment(run_id)}"))

    def get_study(self, study_id: str) -> Study:
        """A study by its identifier."""
        return Study(self, self.get(f"/v1/studies/{_segment(study_id)}"))

    def runs(self, **filters: Any) -> Iterator[Run]:
        """Runs, newest first, page by page; filters as in the API: status, condition, finding, label, study."""
        for item in self.pages("/v1/runs", **filters):
            yield Run(self, item)

    def studies(self, **filters: Any) -> Iterator[Study]:
        """Studies, newest first, page by page; filters as in the API: status, condition, label."""
        for item in self.pages("/v1/studies", **filters):
            yield Study(self, item)

    def prescriptions(self, **filters: Any) -> Iterator[Prescription]:
        """Prescriptions, newest first, page by page; filters as in the API: status, condition, ending, label."""
        for item in self.pages("/v1/prescriptions", **filters):
            yield Prescription(self, item)

    def compare(self, runs: Sequence[Run | str], *, baseline: Run | str, **options: Any) -> ComparisonResult:
        """Any runs against one of them; options are `metric` and `confidence`."""
        body = {"runs": [_id(run) for run in runs], "baseline": _id(baseline)}
        return ComparisonResult(self, self.post("/v1/comparisons", body, **options))

    def upload(self, file: str | Path, *, target: str | None = None, task: str | None = None) -> dict[str, Any]:
        """Send rows of one's own; an experiment's data then are `{"kind": "uploaded", "id": answer["id"]}`.

        The file is an npz with the arrays `inputs` and `targets`, or a CSV or Parquet table whose column `target`
        (by default the last one) is to be predicted. The same content again is the same data set.
        """
        path = Path(file)
        if (kind := _UPLOADS.get(path.suffix.lower())) is None:
            raise errors.InvalidSpec.at("", "no file of a data set", value=path.name, allowed=", ".join(_UPLOADS))
        parameters = {name: value for name, value in (("target", target), ("task", task)) if value is not None}
        answer = self._request(
            "POST", "/v1/datasets", content=path.read_bytes(), headers={"Content-Type": kind}, params=parameters
        )
        found: dict[str, Any] = answer.json()
        return found

    def datasets(self) -> Iterator[dict[str, Any]]:
        """The data sets that were uploaded."""
        return self.pages("/v1/datasets")

    def get_dataset(self, dataset_id: str) -> dict[str, Any]:
        """A data set that was uploaded, with the number of runs that name it."""
        return self.get(f"/v1/datasets/{_segment(dataset_id)}")

    def delete_dataset(self, dataset_id: str) -> None:
        """Remove a data set; runs on it keep their results. Raises Conflict while an unfinished one needs it."""
        self.delete(f"/v1/datasets/{_segment(dataset_id)}")

    def catalogue(self) -> dict[str, Any]:
        """Everything that a request can name."""
        return self.get("/v1/catalogue")

    def pages(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """The items of every page."""
        page = self.get(path, **parameters)
        yield from page["items"]
        while page["next"] is not None:
            page = self.get(path, **{**parameters, "after": page["next"]})
            yield from page["items"]

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The JSON at a path of the API."""
        found: dict[str, Any] = self._request("GET", path, params=parameters).json()
        return found

    def text(self, path: str, **parameters: Any) -> str:
        """The text of a report at a path of the API."""
        return self._request("GET", path, params=parameters, timeout=_DRAWING_S).text

    def post(self, path: str, body: Any = None, **parameters: Any) -> dict[str, Any]:
        """The answer to a JSON body."""
        found: dict[str, Any] = self._send("POST", path, body, **parameters).json()
        return found

    def download(self, path: str, **parameters: Any) -> bytes:
        """What is at a path of the API, as it comes."""
        return self._request("GET", path, params=parameters).content

    def delete(self, path: str) -> None:
        """Remove what is at a path of the API."""
        self._request("DELETE", path)

    def _send(self, method: str, path: str, body: Any, **parameters: Any) -> httpx.Response:
        content = None if body is None else json.dumps(body)  # NaN goes through: the service names its place
        headers = {} if content is None else {"Content-Type": "application/json"}
        return self._request(method, path, content=content, headers=headers, params=parameters)

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx.ConnectError:
            raise errors.ServiceUnavailable(
                f"no service answers at {self.url}; start one with `gradclinic serve`, or name another with --url"
            ) from None
        except httpx.UnsupportedProtocol:
            raise errors.ServiceUnavailable(f"{self.url} is not a service's address; it begins with http://") from None
        except httpx.InvalidURL as error:
            raise errors.ServiceUnavailable(f"{self.url} is not an address: {error}") from None
        except httpx.HTTPError as error:
            raise errors.ServiceUnavailable(
                f"the service at {self.url} does not answer: {str(error) or type(error).__name__}"
            ) from None
        if response.is_error:
            raise error_from(response)
        return response


def _plain(value: ExperimentLike | RemedyLike) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else value.to_json()


def _with_remedies(experiment: ExperimentLike, remedies: Sequence[RemedyLike]) -> dict[str, Any]:
    return {"experiment": _plain(experiment), "remedies": [_plain(remedy) for remedy in remedies]}


def _arm(name: str, value: Sequence[RemedyLike] | ExperimentLike) -> dict[str, Any]:
    if isinstance(value, Sequence):
        return {"name": name, "remedies": [_plain(remedy) for remedy in value]}
    return {"name": name, "experiment": _plain(value)}


def _id(item: Run | Study | Check | str) -> str:
    return item if isinstance(item, str) else item.id


def _name(name: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) is None:
        raise errors.InvalidSpec.at("", "no name", value=name, allowed="letters, digits, dots, dashes, underscores")
    return name


def _segment(identifier: str) -> str:
    if not identifier.replace("_", "").isalnum():
        raise errors.NotFound(f"{identifier!r} is no identifier")
    return identifier
