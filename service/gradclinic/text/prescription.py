"""A prescription as text: the diagnosis, the cure with its evidence, the control, and other candidates."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..kernel.vocabulary import SearchEnding, SearchRound
from ..schemas.comparison import ComparisonAnswer
from ..schemas.prescription import (
    AnyDiagnosis,
    ControlAnswer,
    CureAnswer,
    ExperimentDiagnosisAnswer,
    PrescriptionAnswer,
    TriedAnswer,
)
from ..schemas.remedy import AnyRemedy
from .comparison import Ranking, effect
from .numbers import short

_ROUNDS: Mapping[SearchRound, str] = {
    "diagnose": "training the unchanged experiment",
    "screen": "first candidates, short runs",
    "improve": "variations of the best, short runs",
    "race": "the best at full length",
    "confirm": "the finalists on new seeds",
}
_ENDINGS: Mapping[SearchEnding, str] = {
    "cured": "cured",
    "healthy": "nothing to cure",
    "not_cured": "no cure was found",
    "untrainable": "it could not be trained",
}
_MOST_TRIED = 12


@contextmanager
def watching(console: Console, what: str) -> Iterator[Callable[[PrescriptionAnswer], None]]:
    """Shows the progress of a search: a changing line on a terminal, otherwise a line for each round."""
    if not console.is_terminal:
        seen: set[str] = set()

        def tell(data: PrescriptionAnswer) -> None:
            if data.round is not None and data.round not in seen:
                seen.add(data.round)
                console.print(Text(f"{what}: {_now(data)}"), soft_wrap=True)

        yield tell
        return
    with console.status(what) as status:
        yield lambda data: status.update(Text(f"{what}: {_now(data)}"))


def prescription_words(data: PrescriptionAnswer) -> RenderableType:
    """The results of a search as text."""
    parts: list[RenderableType] = [Text(f"{data.id}: {_headline(data)}", style="bold")]
    if data.why:
        parts.append(_indented(data.why))
    parts += _diagnosis(data.diagnosis)
    parts += _cure(data.cure)
    parts += _control(data.control)
    if data.comparison is not None and data.comparison.arms:
        parts += [_head("Confirmation on new seeds"), Ranking(_named(data.comparison, data.tried))]
    parts += _tried(data)
    if data.spent is not None:
        parts.append(Text(f"\n{data.spent.runs} runs, {short(data.spent.seconds)} s of training", style="dim"))
    return Group(*parts)


def _now(data: PrescriptionAnswer) -> str:
    progress = data.progress
    ended = progress.runs - progress.by_status.get("queued", 0) - progress.by_status.get("running", 0)
    what = "waiting" if data.round is None else _ROUNDS[data.round]
    return f"{what}; {ended} of {progress.runs} runs so far have ended"


def _headline(data: PrescriptionAnswer) -> str:
    return data.status if data.ending is None else _ENDINGS[data.ending]


def _head(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _indented(text: str) -> RenderableType:
    return Padding(Text(text), (0, 0, 0, 2))


def _diagnosis(diagnosis: AnyDiagnosis | None) -> list[RenderableType]:
    if diagnosis is None:
        return []
    seeds = sum(diagnosis.conditions.values())
    counts = ", ".join(
        f"{name.replace('_', ' ')} in {count} of {seeds} seeds" for name, count in diagnosis.conditions.items()
    )
    parts: list[RenderableType] = [_head(f"Without changes: {counts}")]
    if isinstance(diagnosis, ExperimentDiagnosisAnswer):
        parts += [_indented(each.summary) for each in diagnosis.findings if each.condition == diagnosis.primary]
    return parts


def _cure(cure: CureAnswer | None) -> list[RenderableType]:
    if cure is None:
        return []
    parts: list[RenderableType] = [_head("The cure")]
    parts += [_indented(all_words([remedy])) for remedy in cure.remedies]
    for word, other in (("simplest", cure.simplest), ("best", cure.best)):
        if other.name != cure.name:
            found = None if other.evidence is None else other.evidence.effects.get("final_validation_loss")
            parts.append(Text(f"  The {word} cure: {all_words(other.remedies)}"))
            parts.append(Text(f"    validation loss {effect(found)}"))
    return parts


def _control(control: ControlAnswer | None) -> list[RenderableType]:
    if control is None:
        return []
    head = f"Random control: {control.cured} of {control.runs} random remedies trained well"
    return [_head(head), *(_indented(all_words(draw.remedies)) for draw in control.draws)]


def all_words(remedies: Sequence[AnyRemedy]) -> str:
    """A combination of remedies in words."""
    from ..remedies.words import in_words  # loads every remedy

    return " + ".join(in_words(remedy) for remedy in remedies)


def _named(comparison: ComparisonAnswer, tried: Sequence[TriedAnswer]) -> ComparisonAnswer:
    """The comparison of the confirmation, with remedies in words as arm names."""
    names = {each.arm: all_words(each.remedies) for each in tried}
    arms = [arm.model_copy(update={"arm": names.get(arm.arm, arm.arm)}) for arm in comparison.arms]
    return comparison.model_copy(update={"arms": arms})


def _tried(data: PrescriptionAnswer) -> list[RenderableType]:
    others = [each for each in data.tried if data.cure is None or each.arm != data.cure.name]
    if not others:
        return []
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("remedies", overflow="fold")
    table.add_column("found", overflow="fold")
    table.add_column("loss left", justify="right", no_wrap=True)
    table.add_column("reached", no_wrap=True)
    for each in others[:_MOST_TRIED]:
        last = each.runs[-1]
        found = (last.primary or last.status).replace("_", " ")
        table.add_row(all_words(each.remedies), found, _share(last.relative_train_loss), each.reached)
    parts: list[RenderableType] = [_head(f"Other candidates ({len(others)})"), table]
    if len(others) > _MOST_TRIED:
        parts.append(Text(f"and {len(others) - _MOST_TRIED} more; --json shows all", style="dim"))
    parts.append(
        Text("loss left: training loss of the last run, relative to always predicting the average", style="dim")
    )
    return parts


def _share(left: float | None) -> str:
    return short(left) if left is None or not isfinite(left) else f"{short(100 * left)} %"
