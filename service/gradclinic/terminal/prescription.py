"""A prescription in words: the diagnosis, the cure with its evidence, the control, and what was tried besides."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from .numbers import short
from .words import remedy_words

Json = Mapping[str, Any]

_ROUNDS = {
    "diagnose": "training it as it is",
    "screen": "first candidates, short runs",
    "improve": "variations of the best, short runs",
    "race": "the best at full length",
    "confirm": "the finalists on fresh seeds",
}
_MOST_TRIED = 12


@contextmanager
def watching(console: Console, what: str) -> Iterator[Callable[[Json], None]]:
    """Tells how far a search is: one line that changes on a terminal, a line for each round elsewhere."""
    if not console.is_terminal:
        seen: set[str] = set()

        def tell(data: Json) -> None:
            if data["round"] is not None and data["round"] not in seen:
                seen.add(data["round"])
                console.print(Text(f"{what}: {_now(data)}"), soft_wrap=True)

        yield tell
        return
    with console.status(what) as status:
        yield lambda data: status.update(Text(f"{what}: {_now(data)}"))


def prescription_words(data: Json) -> RenderableType:
    """What a search found, for a person."""
    parts = [Text(f"{data['id']}: {_headline(data)}", style="bold")]
    if data["why"]:
        parts.append(Text(f"  {data['why']}"))
    if data["diagnosis"]:
        seeds = ", ".join(
            f"{name.replace('_', ' ')} {count}x" for name, count in data["diagnosis"]["conditions"].items()
        )
        parts.append(Text(f"\nAs it is: {seeds}"))
    if data["cure"]:
        parts += _cure(data["cure"])
    if data["control"]:
        control = data["control"]
        line = f"\nRandom control: {control['cured']} of {control['runs']} remedies drawn by chance trained well"
        parts.append(Text(f"{line} ({'; '.join(draw['name'] for draw in control['draws'])})"))
    parts += _tried(data)
    if data["spent"]:
        parts.append(
            Text(f"\n{data['spent']['runs']} runs, {short(data['spent']['seconds'])} s of training", style="dim")
        )
    return Group(*parts)


def _now(data: Json) -> str:
    progress = data["progress"]
    ended = progress["runs"] - progress["by_status"].get("queued", 0) - progress["by_status"].get("running", 0)
    return f"{_ROUNDS.get(data['round'], 'waiting')}; {ended} of {progress['runs']} runs so far have ended"


def _headline(data: Json) -> str:
    if data["ending"] == "cured":
        return f"cured by {data['cure']['name']}"
    words = {"healthy": "healthy", "not_cured": "no cure was found", "untrainable": "it could not be trained"}
    return words.get(data["ending"]) or str(data["status"])


def _cure(cure: Json) -> list[Text]:
    parts = [Text("\nThe cure", style="bold")]
    parts += [Text(f"  {remedy_words(_set(remedy))}") for remedy in cure["remedies"]]
    evidence = cure["evidence"]
    if evidence is not None:
        parts.append(Text(f"  {evidence['verdict']} on {evidence['runs']} fresh seeds"))
    for word in ("simplest", "best"):
        if cure[word] and cure[word]["name"] != cure["name"]:
            parts.append(Text(f"  {word} cure: {cure[word]['name']}"))
    return parts


def _set(remedy: Json) -> Json:
    """A remedy without the knobs that are null."""
    return {key: value for key, value in remedy.items() if value is not None}


def _tried(data: Json) -> list[Text]:
    name = data["cure"]["name"] if data["cure"] else None
    failed = [each for each in data["tried"] if each["arm"] != name]
    if not failed:
        return []
    parts = [Text(f"\nTried besides ({len(failed)})", style="bold")]
    for each in failed[:_MOST_TRIED]:
        last = each["runs"][-1]
        left = short(last["relative_train_loss"]) if last["relative_train_loss"] is not None else "-"
        found = (last["primary"] or last["status"]).replace("_", " ")
        parts.append(Text(f"  {each['arm']}: {found}, {left} of the loss left ({each['reached']})"))
    if len(failed) > _MOST_TRIED:
        parts.append(Text(f"  and {len(failed) - _MOST_TRIED} more; --json shows all"))
    return parts
