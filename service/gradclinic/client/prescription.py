"""Prescriptions: searches for remedies that cure an experiment."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from ..kernel.json import JsonObject
from ..schemas.prescription import CureAnswer, PrescriptionAnswer, PrescriptionSummary
from .connection import Calls, id_in_path
from .progress import told
from .spec import ExperimentLike, plain
from .submitted import Submitted

if TYPE_CHECKING:
    from rich.console import RenderableType


class Prescription(Submitted[PrescriptionSummary]):
    """A search for remedies that cure an experiment."""

    _path = "/v1/prescriptions"
    _whole = PrescriptionAnswer
    _charts = ("race", "ranking")

    @property
    def found(self) -> PrescriptionAnswer:
        """The complete answer, with what was found so far; requested from the service if this one came from a list."""
        if not isinstance(self.answer, PrescriptionAnswer):
            self.refresh()
        assert isinstance(self.answer, PrescriptionAnswer)  # noqa: S101  # a single one is answered whole
        return self.answer

    @property
    def cure(self) -> CureAnswer | None:
        """The remedies that cure the experiment, with evidence; None if none has been found (yet)."""
        return self.found.cure

    def wait(
        self, *, timeout_s: float | None = None, progress: Callable[[PrescriptionAnswer], None] | bool | None = None
    ) -> Self:
        """Wait until it has ended. `progress` is called with its current state, or True to show it.

        Raises TimeoutError.
        """
        from ..text.prescription import watching

        with told(lambda console: watching(console, self.id), progress=progress) as follow:
            return self._poll(timeout_s, None if follow is None else lambda _: follow(self.found))

    def _words(self) -> "RenderableType":
        from ..text.prescription import prescription_words

        return prescription_words(self.found)


class PrescriptionCalls(Calls):
    """The methods of `Clinic` for prescriptions."""

    def prescribe(
        self,
        experiment: ExperimentLike,
        *,
        seconds: float | None = None,
        runs: int | None = None,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Prescription:
        """Search for remedies that cure an experiment. The budget is seconds of training (default: 240) or runs."""
        limited = seconds is not None or runs is not None
        budget = {"budget": {"seconds": seconds, "runs": runs}} if limited else {}
        return self.post_prescription(
            {"experiment": plain(experiment), "name": name, "labels": dict(labels or {}), **budget}
        )

    def post_prescription(self, body: JsonObject) -> Prescription:
        """Start a search from the JSON of its request."""
        return Prescription(self.connection, self.connection.post(PrescriptionAnswer, "/v1/prescriptions", body))

    def get_prescription(self, prescription_id: str) -> Prescription:
        """Get a prescription by its id."""
        path = f"/v1/prescriptions/{id_in_path(prescription_id)}"
        return Prescription(self.connection, self.connection.get(PrescriptionAnswer, path))

    def prescriptions(self, /, **filters: Any) -> Iterator[Prescription]:
        """Iterate over prescriptions, newest first. Filters as in the API: status, condition, ending, label."""
        for item in self.connection.items(PrescriptionSummary, "/v1/prescriptions", **filters):
            yield Prescription(self.connection, item)
