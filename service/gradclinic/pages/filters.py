"""Template filters that format values."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from math import isfinite
from typing import Any

from markupsafe import Markup, escape

from ..api.http.plain_json import plain
from ..comparison import ArmComparison, Comparison, Effect, RatioEffect
from ..diagnosis import Evidence, wording
from ..diagnosis.rules import RULES
from ..experiments.model_words import model_in_words
from ..kernel.json import JsonObject
from ..remedies import Remedy
from ..remedies.words import in_words

_SPELLED = {"NaN": "NaN", "Infinity": "∞", "-Infinity": "−∞"}


def as_read(evidence: Evidence) -> tuple[str, float, float | None]:
    """Label, value and threshold of a finding's evidence, as people read them."""
    read = wording.as_read(evidence.name, evidence.value, evidence.threshold)
    return read.label, read.value, read.threshold


def network(experiment: JsonObject) -> str:
    """The model and the data of an experiment in words; empty if it declares none."""
    model, data = model_in_words(experiment), experiment.get("data")
    return f"{model} on {words(str(data['kind']))}" if model and isinstance(data, Mapping) else ""


def severity_class(condition: str) -> str:
    """CSS class for the severity of a condition; empty if this version does not have its rule."""
    return f"severity-{RULES[condition].usual_severity}" if condition in RULES else ""


def number(value: Any) -> str:
    """A number to four significant digits; a dash for None."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return _SPELLED.get(value, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if not isfinite(value):
        return _SPELLED[plain(value)]
    return format(value, ",.0f" if 1e4 <= abs(value) < 1e7 else ".4g").replace("-", "−")


def large(value: float) -> str:
    """A large number in words: `1.13 billion`."""
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if value >= size:
            return f"{short(value / size)} {name}"
    return number(value)


def short(value: float | None) -> str:
    """A number to three significant digits, for narrow columns; a dash for None."""
    if value is None or not isfinite(value) or 999.5 <= abs(value) < 1e5:
        return number(value)
    return format(value, "#.3g" if abs(value) < 1e5 else ".3g").rstrip(".").replace("-", "−")


def percent(value: float) -> str:
    """A fraction as a whole percentage; only 1 is shown as 100 %."""
    return "100 %" if value >= 1 else f"{min(99, round(100 * value))} %"


def share(value: Any) -> str:
    """A fraction, possibly above 1, in percent with three digits; a dash for None."""
    if value is None or isinstance(value, str) or not isfinite(value):
        return number(value)
    return f"{100 * value:.3g} %" if value < 10 else f"{100 * value:,.0f} %"


def words(name: str) -> str:
    """An identifier as words: `vanishing_gradients` -> `vanishing gradients`."""
    return name.replace("_", " ")


_IN_STATISTICS = {
    "site": "layer",
    "grad": "gradient",
    "preactivation": "pre-activation",
    "nonfinite": "not finite",
    "rms": "RMS",
    "l2": "L2",
    "abs": "absolute",
    "std": "deviation",
}


def statistic(name: str) -> str:
    """The name of a statistic as words: `site_grad_rms` -> `layer gradient RMS`."""
    return " ".join(_IN_STATISTICS.get(part, part) for part in name.split("_"))


def sentence(name: str) -> str:
    """The same, capitalized."""
    return capital(words(name))


def capital(text: str) -> str:
    """A text with its first letter capitalized; identifiers in it stay as they are."""
    return text[:1].upper() + text[1:]


def enumerated(names: Sequence[str]) -> str:
    """Names in a sentence: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def coded(text: str) -> Markup:
    """A text in which names in backquotes become code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(  # its parts are escaped
        Markup("<code>{}</code>").format(part) if index % 2 else part for index, part in enumerate(parts)
    )


def field(pointer: str) -> str:
    """A swept field as words: `/optimizer/learning_rate` -> `learning rate`."""
    return words(pointer.rsplit("/", 1)[-1])


def moment(value: datetime | None) -> str:
    """A time in UTC, to the second."""
    return "–" if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


def age(moment: datetime, *, now: datetime | None = None) -> str:
    """How long ago a time was: `5 min ago`."""
    seconds = ((now or datetime.now(timezone.utc)) - moment).total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def duration(seconds: float | None) -> str:
    """A duration in its two largest units: `4 min 5 s`; a dash for None."""
    if seconds is None:
        return "–"
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def pretty(value: Any) -> str:
    """JSON with indentation; a text as it is."""
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def effect(found: Effect | None) -> str:
    """An effect with its interval, to three digits: a ratio if the metric has one, otherwise a difference."""
    if found is None:
        return "–"
    if found.difference is None:
        return f"not finite; better in {found.wins} of {found.pairs}"
    middle, interval, sign = found.difference, found.interval, "+" if found.difference > 0 else ""
    if isinstance(found, RatioEffect) and found.ratio is not None:
        middle, interval, sign = found.ratio, found.ratio_interval, "× "
    text = f"{sign}{short(middle)}"
    return text if interval is None else f"{text} ({short(interval[0])} to {short(interval[1])})"


def waits(arm: ArmComparison, comparison: Comparison) -> str:
    """What an arm that cannot be compared yet waits for; empty for an arm that can be, or never will be."""
    if comparison.complete or comparison.metric in arm.effects:
        return ""
    total = arm.runs + arm.pending + arm.lost
    ended = f"Waiting: {arm.runs + arm.lost} of {total} runs have ended"
    return f"{ended}." if arm.pending else f"{ended}; the baseline's have not."


def remedies(found: Sequence[Remedy | JsonObject]) -> str:
    """A combination of remedies, in words."""
    return " + ".join(in_words(remedy) for remedy in found)


def point(found: Mapping[str, float]) -> str:
    """A point of a sweep: `learning rate 0.1, depth 8`."""
    return ", ".join(f"{field(pointer)} {value:g}" for pointer, value in found.items())
