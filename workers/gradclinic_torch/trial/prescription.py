"""Searches for a cure of a user's own model, in the user's own process."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from gradclinic.client import Clinic
from gradclinic.client.run import Run
from gradclinic.client.study import Study
from gradclinic.comparison.arms import BASELINE
from gradclinic.diagnosis import Diagnosis
from gradclinic.diagnosis.rules import NOTHING_WRONG, RULES
from gradclinic.experiments.clipping import Clipping
from gradclinic.experiments.lr_schedules import LrSchedule
from gradclinic.kernel.errors import InvalidRequest, RemedyDoesNotApply
from gradclinic.measurements.record import RunRecord
from gradclinic.remedies import Remedy
from gradclinic.remedies.network import Network
from gradclinic.remedies.words import in_short

from ..remedies.joining import Batch
from ..remedies.loop import Precision
from .batches import Batches
from .cell import Built, Cell, Program, diagnosed, train
from .declaration import Arms, codes_of, declare, missing
from .processes import Processes
from .progress import Shown, shown
from .seeding import seeded


@dataclass(frozen=True)
class Cure:
    """Remedies that cure a program, with the evidence in a study."""

    arm: str
    """Its arm in the study."""
    remedies: Sequence[Remedy]
    code: str
    """The same as lines of PyTorch, to add to the program."""


@dataclass(frozen=True)
class Prescribed:
    """What a search found."""

    diagnosis: Diagnosis
    """What is wrong with the program as it is."""
    study: Study | None
    """The study of what was tried; None if nothing is wrong, or no suggested remedy can be applied."""
    cure: Cure | None
    """The first remedies that cure it on all seeds; None if none of them do."""
    refused: Mapping[str, str]
    """Suggested remedies that cannot be applied to this program, with the reasons."""


def prescribe(
    clinic: Clinic,
    build: Callable[[], Built],
    batches: Batches,
    *,
    seeds: Sequence[int] = range(5),
    most: int = 10,
    steps: int | None = None,
    schedule: LrSchedule | None = None,
    clipping: Clipping | None = None,
    validation: Iterable[Batch] | None = None,
    constant_loss: float | None = None,
    precision: Precision = "float32",
    key: str | None = None,
    name: str | None = None,
    labels: Mapping[str, str] | None = None,
    progress: bool = True,
) -> Prescribed:
    """Diagnose your own model, then try up to `most` suggested remedies, in order, until one cures it on all seeds.

    A remedy is first tried on the first seed. If nothing harmful is found there, it is trained on the others, and is a
    cure if the comparison with the unchanged program says so. All of it is one study of the service, which is cancelled
    when a cure is found, so that the other remedies are not waited for. The arguments are those of `study`. It works in
    one process only.
    """
    if not Processes.now().alone:
        raise InvalidRequest.at("", "a search runs in one process", allowed="study, which trains in several")
    program = Program.of(
        build,
        batches,
        seeds=seeds,
        steps=steps,
        schedule=schedule,
        clipping=clipping,
        validation=validation,
        constant_loss=constant_loss,
        precision=precision,
    )
    diagnosis, record = diagnosed(program, seeds[0])
    arms, refused = _applicable(program, _suggested(diagnosis, record), seed=seeds[0], most=most)
    if not arms:
        return Prescribed(diagnosis, None, None, refused)
    planned: Arms = {BASELINE: (), **arms}
    codes = codes_of(program, planned, seed=seeds[0])
    found = declare(clinic, program, planned, codes=codes, seeds=seeds, key=key, name=name, labels=labels)
    with shown(found, runs=len(planned) * len(seeds), steps=program.steps, show=progress) as progressed:
        arm = _Search(clinic, program, planned, seeds, found, progressed).first_cure()
    if found.refresh().status == "running":
        found.cancel()
    code = {str(each["name"]): str(each["code"]) for each in found.answer.arms}
    cure = None if arm is None else Cure(arm, planned[arm], code[arm])
    return Prescribed(diagnosis, found, cure, refused)


def _suggested(diagnosis: Diagnosis, record: RunRecord) -> Iterator[Sequence[Remedy]]:
    """What may cure the harmful conditions, the primary one first: single remedies, then several together."""
    network = Network.recorded(record)
    for finding in diagnosis.findings:
        if finding.harm and finding.condition not in NOTHING_WRONG:
            yield from ([remedy] for remedy in finding.suggested_remedies)
            yield from RULES[finding.condition].combinations(network)


def _applicable(
    program: Program, suggested: Iterable[Sequence[Remedy]], *, seed: int, most: int
) -> tuple[dict[str, Sequence[Remedy]], dict[str, str]]:
    """The first `most` that apply to the program, by name, and the reasons why others do not."""
    arms: dict[str, Sequence[Remedy]] = {}
    refused: dict[str, str] = {}
    for remedies in suggested:
        name = ", ".join(in_short(remedy) for remedy in remedies)
        try:
            with seeded(seed):
                program.loops(seed, remedies)
        except RemedyDoesNotApply as error:
            refused[name] = error.problems[0].message
        else:
            arms[name] = remedies
    return dict(islice(arms.items(), most)), refused


@dataclass(frozen=True)
class _Search:
    """Trains the arms of a study one after the other."""

    clinic: Clinic
    program: Program
    arms: Arms
    seeds: Sequence[int]
    study: Study
    progress: Shown

    def first_cure(self) -> str | None:
        """The first arm that cures the program on all seeds."""
        for arm in list(self.arms)[1:]:
            self._train(arm, self.seeds[:1])
            if not self._is_promising(arm):
                continue
            self._train(arm, self.seeds)
            self._train(BASELINE, self.seeds)
            if self.study.comparison()[arm].verdict == "cures":
                return arm
        return None

    def _train(self, arm: str, seeds: Sequence[int]) -> None:
        for cell in missing(self.study, {arm: self.arms[arm]}, seeds=seeds):
            self.progress.ended(self._run(cell))

    def _run(self, cell: Cell) -> Run:
        run = train(self.clinic, self.study.id, self.program, cell, progress=self.progress.step)
        if run is None:
            raise TypeError("the first process has no run")
        return run

    def _is_promising(self, arm: str) -> bool:
        """Whether nothing harmful is found on the first seed."""
        runs = [run for run in self.study.runs(status="succeeded") if run.answer.arm == arm]
        first = [run for run in runs if run.answer.seed == self.seeds[0]]
        return bool(first) and not any(finding.harm for finding in first[0].diagnosis().findings)
