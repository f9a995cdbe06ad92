"""The Python client: runs and studies over HTTP, as objects that can be waited for.

    from gradclinic import Clinic, Experiment, remedies

    clinic = Clinic("http://127.0.0.1:8000")          # or Clinic.local(): a service of its own, ended with it
    study = clinic.study(experiment, arms={"relu": [remedies.SwapActivation(activation="relu")]}, seeds=range(5))
    study.wait()
    print(study.comparison())

A refused request raises the same error that the service met (`gradclinic.errors`), with the place, the value and
what is allowed; a service that does not answer raises ServiceUnavailable.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, Union

import httpx

from . import errors

if TYPE_CHECKING:
    from .experiment import Experiment
    from .remedies import Remedy

DEFAULT_URL = "http://127.0.0.1:8000"
URL_VARIABLE = "GRADCLINIC_URL"
_POLL_S = 0.2
_UPLOADS = {".npz": "application/x-npz", ".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}

ExperimentLike: TypeAlias = Union["Experiment", Mapping[str, Any]]
RemedyLike: TypeAlias = Union["Remedy", Mapping[str, Any]]
_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_ERRORS: Mapping[str, type[errors.InvalidRequest]] = {
    cls.code: cls for cls in (errors.InvalidRequest, errors.InvalidSpec, errors.TooLarge, errors.RemedyDoesNotApply)
}
_BY_STATUS: Mapping[int, type[errors.GradclinicError]] = {
    404: errors.NotFound,
    409: errors.Conflict,
    503: errors.ServiceUnavailable,
}


class Clinic:
    """A training-diagnostics service."""

    def __init__(self, url: str | None = None, *, timeout_s: float = 30.0) -> None:
        self.url = (url or os.environ.get(URL_VARIABLE) or DEFAULT_URL).rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=httpx.Timeout(timeout_s, connect=5.0))
        self._owned = ExitStack()

    @classmethod
    def local(cls, data_dir: str | Path | None = None, *, workers: int | None = None) -> Self:
        """A client with a service of its own on a free port of this machine; `close` ends both."""
        from .settings import Settings
        from .supervisor import Embedded

        settings = Settings(port=0) if data_dir is None else Settings(port=0, data_dir=Path(data_dir))
        embedded = Embedded(settings, workers=workers)
        stack = ExitStack()
        stack.enter_context(embedded)
        clinic = cls(embedded.url)
        clinic._owned = stack
        return clinic

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connection, and end the service where it is this client's own."""
        self._http.close()
        self._owned.close()

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
    ) -> "Run":
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
    ) -> "Study":
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

    def post_study(self, body: Mapping[str, Any]) -> "Study":
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
    ) -> "Prescription":
        """Search for what cures an experiment, for so many seconds of training, or so many runs; 240 s without both."""
        body: dict[str, Any] = {"experiment": _plain(experiment), "name": name, "labels": dict(labels or {})}
        if seconds is not None or runs is not None:
            body["budget"] = {"seconds": seconds, "runs": runs}
        return self.post_prescription(body)

    def post_prescription(self, body: Mapping[str, Any]) -> "Prescription":
        """Search for a cure from its JSON."""
        return Prescription(self, self.post("/v1/prescriptions", body))

    def get_prescription(self, prescription_id: str) -> "Prescription":
        """A prescription by its identifier."""
        return Prescription(self, self.get(f"/v1/prescriptions/{_segment(prescription_id)}"))

    def get_run(self, run_id: str) -> "Run":
        """A run by its identifier."""
        return Run(self, self.get(f"/v1/runs/{_segment(run_id)}"))

    def get_study(self, study_id: str) -> "Study":
        """A study by its identifier."""
        return Study(self, self.get(f"/v1/studies/{_segment(study_id)}"))

    def runs(self, **filters: Any) -> Iterator["Run"]:
        """Runs, newest first, page by page; filters as in the API: status, condition, finding, label, study."""
        for item in self.pages("/v1/runs", **filters):
            yield Run(self, item)

    def studies(self) -> Iterator["Study"]:
        """Studies, newest first, page by page."""
        for item in self.pages("/v1/studies"):
            yield Study(self, item)

    def compare(self, runs: Sequence["Run | str"], *, baseline: "Run | str", **options: Any) -> "ComparisonResult":
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

    def post(self, path: str, body: Any = None, **parameters: Any) -> dict[str, Any]:
        """The answer to a JSON body."""
        content = None if body is None else json.dumps(body)  # NaN goes through: the service names its place
        headers = {} if content is None else {"Content-Type": "application/json"}
        answer = self._request("POST", path, content=content, headers=headers, params=parameters)
        found: dict[str, Any] = answer.json()
        return found

    def delete(self, path: str) -> None:
        """Remove what is at a path of the API."""
        self._request("DELETE", path)

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
            raise _error_from(response)
        return response


class _Submitted:
    """What the service works on and this client can look at again, wait for, cancel and delete."""

    _path: ClassVar[str]

    def __init__(self, clinic: Clinic, data: dict[str, Any]) -> None:
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

    def delete(self) -> None:
        """Remove it with its runs, and all they recorded."""
        self.clinic.delete(f"{self._path}/{self.id}")


class Run(_Submitted):
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


class Study(_Submitted):
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


class Prescription(_Submitted):
    """The search for what cures an experiment."""

    _path = "/v1/prescriptions"

    @property
    def cure(self) -> dict[str, Any] | None:
        """The remedies that cure it, with their evidence; None where none does, or none yet."""
        found: dict[str, Any] | None = self.data["cure"]
        return found

    def wait(self, *, timeout_s: float | None = None, progress: Callable[[dict[str, Any]], None] | None = None) -> Self:
        """Return when it has ended; `progress` is told what it looks like meanwhile. Raises TimeoutError."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while self.refresh().status == "running":
            if progress is not None:
                progress(self.data)
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"it has not ended within {timeout_s:g} s")
            time.sleep(_POLL_S)
        return self


class ComparisonResult:
    """The arms of a study, or any runs, against the baseline; `print` shows the ranking."""

    def __init__(self, clinic: Clinic, data: dict[str, Any]) -> None:
        self.clinic, self.data = clinic, data

    @property
    def arms(self) -> list[dict[str, Any]]:
        """Every arm but the baseline, best first."""
        return list(self.data["arms"])

    def __getitem__(self, arm: str) -> dict[str, Any]:
        return next(each for each in self.arms if each["arm"] == arm)

    def __str__(self) -> str:
        from .terminal.ranking import ranking_text

        return ranking_text(self.data)

    def figure(self, name: str = "ranking") -> Any:
        """A Plotly figure of the study: `ranking`, `profiles` or `map`."""
        import plotly.graph_objects as go

        if self.data["study_id"] is None:
            raise errors.InsufficientData("figures are drawn for studies; these runs belong to none")
        return go.Figure(self.clinic.get(f"/v1/figures/studies/{self.data['study_id']}/{name}"))


def number(value: Any) -> Any:
    """A JSON value with "NaN", "Infinity" and "-Infinity" as the floats that they stand for."""
    return _NUMBERS.get(value, value) if isinstance(value, str) else value


def _follow(
    clinic: Clinic, path: str, *, timeout_s: float | None, progress: Callable[[dict[str, Any]], None] | None
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


def _plain(value: ExperimentLike | RemedyLike) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else value.to_json()


def _with_remedies(experiment: ExperimentLike, remedies: Sequence[RemedyLike]) -> dict[str, Any]:
    return {"experiment": _plain(experiment), "remedies": [_plain(remedy) for remedy in remedies]}


def _arm(name: str, value: Sequence[RemedyLike] | ExperimentLike) -> dict[str, Any]:
    if isinstance(value, Sequence):
        return {"name": name, "remedies": [_plain(remedy) for remedy in value]}
    return {"name": name, "experiment": _plain(value)}


def _id(run: Run | str) -> str:
    return run.id if isinstance(run, Run) else run


def _segment(identifier: str) -> str:
    if not identifier.replace("_", "").isalnum():
        raise errors.NotFound(f"{identifier!r} is no identifier")
    return identifier


def _error_from(response: httpx.Response) -> errors.GradclinicError:
    """The error that the service met, from its problem document."""
    try:
        document = response.json()
        detail, code = str(document["detail"]), str(document["code"])
        entries = list(document["errors"])
    except (ValueError, KeyError, TypeError):
        return errors.ServiceUnavailable(
            f"{response.request.url} answered {response.status_code} {response.reason_phrase}; is it gradclinic's?"
        )
    if code == errors.InsufficientData.code:
        return errors.InsufficientData(detail)
    if response.status_code in _BY_STATUS:
        return _BY_STATUS[response.status_code](detail)
    if 400 <= response.status_code < 500:
        problems = [
            errors.Problem(
                entry["pointer"] or "",
                (f"{entry['parameter']}: " if entry["parameter"] else "") + entry["detail"],
                number(entry["value"]),
                entry["allowed"],
            )
            for entry in entries
        ]
        return _ERRORS.get(code, errors.InvalidRequest)(problems or [errors.Problem("", detail)])
    return errors.ServiceUnavailable(f"the service failed ({response.status_code}): {detail}")
