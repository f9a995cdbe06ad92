"""Prescriptions: searches for what cures an experiment."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

from ..kernel.json import JsonObject
from ..schemas.prescription import CureAnswer, PrescriptionAnswer, PrescriptionSummary
from .connection import Calls, id_in_path
from .spec import ExperimentLike, plain
from .submitted import Submitted


class Prescription(Submitted[PrescriptionSummary]):
    """The search for what cures an experiment."""

    _path = "/v1/prescriptions"
    _whole = PrescriptionAnswer

    @property
    def found(self) -> PrescriptionAnswer:
        """What it has found so far; asked for where a list had no more than the outlines."""
        if not isinstance(self.answer, PrescriptionAnswer):
            self.refresh()
        assert isinstance(self.answer, PrescriptionAnswer)  # noqa: S101  # a single one is answered whole
        return self.answer

    @property
    def cure(self) -> CureAnswer | None:
        """The remedies that cure it, with their evidence; None where none does, or none yet."""
        return self.found.cure

    def wait(
        self, *, timeout_s: float | None = None, progress: Callable[[PrescriptionAnswer], None] | None = None
    ) -> Self:
        """Return when it has ended; `progress` is told what it looks like meanwhile. Raises TimeoutError."""
        return self._poll(timeout_s, None if progress is None else lambda _: progress(self.found))


class PrescriptionCalls(Calls):
    """What can be asked about prescriptions."""

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
        limited = seconds is not None or runs is not None
        budget = {"budget": {"seconds": seconds, "runs": runs}} if limited else {}
        return self.post_prescription(
            {"experiment": plain(experiment), "name": name, "labels": dict(labels or {}), **budget}
        )

    def post_prescription(self, body: JsonObject) -> Prescription:
        """Search for a cure from its JSON."""
        return Prescription(self.connection, self.connection.post(PrescriptionAnswer, "/v1/prescriptions", body))

    def get_prescription(self, prescription_id: str) -> Prescription:
        """A prescription by its identifier."""
        path = f"/v1/prescriptions/{id_in_path(prescription_id)}"
        return Prescription(self.connection, self.connection.get(PrescriptionAnswer, path))

    def prescriptions(self, **filters: Any) -> Iterator[Prescription]:
        """Prescriptions, newest first, page by page; filters as in the API: status, condition, ending, label."""
        for item in self.connection.items(PrescriptionSummary, "/v1/prescriptions", **filters):
            yield Prescription(self.connection, item)
