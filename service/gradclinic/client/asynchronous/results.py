"""Runs, studies, prescriptions, checks and comparisons whose methods are awaited."""

from typing import TypeVar

from ...schemas.check import CheckAnswer, CheckSummary
from ...schemas.comparison import ArmAnswer, ComparisonAnswer
from ...schemas.prescription import CureAnswer, PrescriptionAnswer, PrescriptionSummary
from ...schemas.run import RunMetricsAnswer, RunSummaryAnswer
from ...schemas.study import StudyAnswer
from ..check import Check
from ..comparison import ComparisonResult
from ..prescription import Prescription
from ..run import Run
from ..study import Study
from ..submitted import Submitted
from ..table import Table
from .methods import Wrapper, awaited, awaited_as, awaited_itself, iterated_as

OneT = TypeVar("OneT", Run, Study, Prescription, Check)


class AsyncSubmitted(Wrapper[OneT]):
    """Something that was submitted to the service, with the last answer about it."""

    @property
    def id(self) -> str:
        """Its id."""
        return self._sync.id

    @property
    def status(self) -> str:
        """Its state at the last refresh."""
        return self._sync.status

    @property
    def page(self) -> str:
        """The URL of its page."""
        return self._sync.page

    refresh = awaited_itself(Submitted.refresh)
    cancel = awaited_itself(Submitted.cancel)
    report = awaited(Submitted.report)
    delete = awaited(Submitted.delete)
    figure = awaited(Submitted.figure)


class AsyncRun(AsyncSubmitted[Run]):
    """One training."""

    @property
    def answer(self) -> RunSummaryAnswer:
        """The last answer about it."""
        return self._sync.answer

    @property
    def ended(self) -> bool:
        """Whether its status is final."""
        return self._sync.ended

    @property
    def metrics(self) -> RunMetricsAnswer | None:
        """Its final metrics; None until it has ended."""
        return self._sync.metrics

    edit = awaited_itself(Run.edit)
    wait = awaited_itself(Run.wait)
    diagnosis = awaited(Run.diagnosis)
    judge = awaited(Run.judge)
    statistics = awaited(Run.statistics)
    profile = awaited(Run.profile)
    curves = awaited(Run.curves)
    to_pandas = awaited(Run.to_pandas)
    to_arrow = awaited(Run.to_arrow)


class AsyncComparison(Wrapper[ComparisonResult]):
    """A comparison of the arms of a study, or of any runs, with a baseline."""

    @property
    def answer(self) -> ComparisonAnswer:
        """The answer of the service."""
        return self._sync.answer

    @property
    def arms(self) -> list[ArmAnswer]:
        """All arms except the baseline, best first."""
        return self._sync.arms

    def __getitem__(self, arm: str) -> ArmAnswer:
        return self._sync[arm]

    def __str__(self) -> str:
        return str(self._sync)

    figure = awaited(ComparisonResult.figure)
    to_pandas = awaited(Table.to_pandas)
    to_arrow = awaited(Table.to_arrow)


class AsyncStudy(AsyncSubmitted[Study]):
    """One experiment with several arms and seeds."""

    @property
    def answer(self) -> StudyAnswer:
        """The last answer about it."""
        return self._sync.answer

    edit = awaited_itself(Study.edit)
    wait = awaited_itself(Study.wait)
    runs = iterated_as(AsyncRun, Study.runs)
    comparison = awaited_as(AsyncComparison, Study.comparison)
    to_pandas = awaited(Table.to_pandas)
    to_arrow = awaited(Table.to_arrow)


class AsyncPrescription(AsyncSubmitted[Prescription]):
    """A search for remedies that cure an experiment."""

    @property
    def answer(self) -> PrescriptionSummary:
        """The last answer about it."""
        return self._sync.answer

    wait = awaited_itself(Prescription.wait)

    async def found(self) -> PrescriptionAnswer:
        """The complete answer; requested from the service if this one came from a list."""
        return await awaited(_prescription)(self)

    async def cure(self) -> CureAnswer | None:
        """The remedies that cure the experiment, with evidence; None if none has been found (yet)."""
        return (await self.found()).cure


class AsyncCheck(AsyncSubmitted[Check]):
    """A new result compared with a baseline."""

    @property
    def answer(self) -> CheckSummary:
        """The last answer about it."""
        return self._sync.answer

    @property
    def verdict(self) -> str | None:
        """`pass`, `fail` or `inconclusive`; None until its runs have ended, or if none could be trained."""
        return self._sync.verdict

    @property
    def summary(self) -> str | None:
        """The outcome in words."""
        return self._sync.summary

    def __str__(self) -> str:
        return str(self._sync)

    wait = awaited_itself(Check.wait)
    junit = awaited(Check.junit)

    async def found(self) -> CheckAnswer:
        """The complete answer, with evidence; requested from the service if this check came from a list."""
        return await awaited(_check)(self)


def _prescription(of: Prescription) -> PrescriptionAnswer:
    return of.found


def _check(of: Check) -> CheckAnswer:
    return of.found
