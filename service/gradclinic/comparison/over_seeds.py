"""One diagnosis for the seeds of an arm: each condition in how many of them, in which layers, since when, how strong.

Seeds are the independent trials: a share of them has a Wilson interval, a number measured in each a distribution-free
interval of its median. Runs at different points of a sweep are different networks and get a diagnosis each.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isinf, isnan
from statistics import median
from typing import Any

from ..diagnosis.confidence import median_interval, median_of, wilson
from ..diagnosis.wording import as_read
from .results import NOT_CONDITIONS, RunResult, SweepPoint, number

Json = Mapping[str, Any]


@dataclass(frozen=True)
class EvidenceOverSeeds:
    """One measured number of a finding over the seeds that have the finding."""

    name: str
    unit: str
    threshold: float | None
    values: tuple[float, ...]
    """One a seed, in the order of the seeds."""

    def to_json(self) -> dict[str, Any]:
        """Median, its interval with the confidence that so many seeds give, and the range."""
        found = median_interval(self.values)
        return {
            "name": self.name,
            "unit": self.unit,
            "threshold": self.threshold,
            "median": median_of(self.values),
            "interval": list(found[:2]) if found else None,
            "confidence": found[2] if found else None,
            "lowest": min(self.values),
            "highest": max(self.values),
            "seeds": len(self.values),
        }


@dataclass(frozen=True)
class FindingOverSeeds:
    """One condition over the seeds of an arm."""

    condition: str
    of: int
    """Seeds that were judged."""
    findings: tuple[Json, ...]
    """The seeds' own findings of the condition, in the order of the seeds."""
    primary_in: int
    """Seeds whose primary condition it is."""

    @property
    def seeds(self) -> int:
        """Seeds that show the condition, with harm or without."""
        return len(self.findings)

    @property
    def harm_in(self) -> int:
        """Seeds in which it hurt learning."""
        return sum(bool(finding.get("harm")) for finding in self.findings)

    @property
    def layers(self) -> tuple[tuple[str, int], ...]:
        """The layers that more than half of these seeds name, those named most and worst first, with their seeds."""
        names: Counter[str] = Counter()
        places: dict[str, list[int]] = {}
        for finding in self.findings:
            for place, name in enumerate(finding.get("layers") or ()):
                names[name] += 1
                places.setdefault(name, []).append(place)
        agreed = [(name, count) for name, count in names.items() if 2 * count > self.seeds]
        return tuple(sorted(agreed, key=lambda item: (-item[1], sum(places[item[0]]) / item[1], item[0])))

    @property
    def first_steps(self) -> tuple[int, ...]:
        """The first step of the condition in each of these seeds."""
        return tuple(int(finding["first_step"]) for finding in self.findings if finding.get("first_step") is not None)

    @property
    def evidence(self) -> tuple[EvidenceOverSeeds, ...]:
        """Every number that a finding rests on, in the order of the first seed's."""
        kinds: dict[str, Json] = {}
        values: dict[str, list[float]] = {}
        for finding in self.findings:
            for each in finding.get("evidence") or ():
                value = number(each["value"])
                if value is not None and not isnan(value):
                    kinds.setdefault(each["name"], each)
                    values.setdefault(each["name"], []).append(value)
        return tuple(
            EvidenceOverSeeds(name, str(each["unit"]), number(each.get("threshold")), tuple(values[name]))
            for name, each in kinds.items()
        )

    @property
    def confidence(self) -> float | None:
        """Median of the seeds' own confidences."""
        known = [value for finding in self.findings if (value := number(finding.get("confidence"))) is not None]
        return round(median(known), 3) if known else None

    @property
    def summary(self) -> str:
        """One sentence that a person understands."""
        low, high = wilson(self.seeds, self.of)
        name = self.condition.replace("_", " ").capitalize()
        parts = [f"{name} in {self.seeds} of {_seeds(self.of)} (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"]
        if self.condition not in NOT_CONDITIONS:
            parts += [self._harm_in_words(), self._onset_in_words(), self._layers_in_words()]
        shown = next(iter(self.evidence), None)
        if shown is not None:
            parts.append(_in_words(shown))
        return "; ".join(part for part in parts if part) + "."

    def _harm_in_words(self) -> str:
        if self.harm_in == self.seeds:
            return "it hurt learning" + (" in each of them" if self.seeds > 1 else "")
        return f"it hurt learning in {self.harm_in} of them" if self.harm_in else "it did no harm"

    def _onset_in_words(self) -> str:
        steps = self.first_steps
        if not steps:
            return ""
        if min(steps) == max(steps):
            return f"from step {steps[0]:,} on"
        return f"from step {_whole(median(steps)):,} on (median; {min(steps):,} to {max(steps):,})"

    def _layers_in_words(self) -> str:
        names = [name for name, _ in self.layers]
        if not names:
            return "each seed names other layers" if any(each.get("layers") for each in self.findings) else ""
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        who = "" if self.seeds == 1 else " (named by most of these seeds)" if self.seeds > 2 else " (named by both)"
        return f"in {', '.join(names[:3])}{more}{who}"

    def to_json(self) -> dict[str, Any]:
        """As comparisons show it."""
        steps = self.first_steps
        return {
            "condition": self.condition,
            "seeds": self.seeds,
            "of": self.of,
            "share": self.seeds / self.of,
            "share_interval": list(wilson(self.seeds, self.of)),
            "primary_in": self.primary_in,
            "harm_in": self.harm_in,
            "confidence": self.confidence,
            "layers": [{"layer": name, "seeds": count} for name, count in self.layers],
            "first_step": ({"median": median(steps), "lowest": min(steps), "highest": max(steps)} if steps else None),
            "evidence": [each.to_json() for each in self.evidence],
            "summary": self.summary,
        }


@dataclass(frozen=True)
class DiagnosisOverSeeds:
    """What the seeds of one arm, at one point of a sweep, say together."""

    sweep_point: SweepPoint | None
    seeds: tuple[int, ...]
    primary: str
    """The primary condition of the most seeds; of two alike, the sick one."""
    findings: tuple[FindingOverSeeds, ...]
    """The primary one first, then by how many seeds have it as theirs, and by how many it hurt."""

    @property
    def summary(self) -> str:
        """What is wrong in how many seeds, in one sentence; the other primary conditions after it."""
        others = [each for each in self.findings[1:] if each.primary_in]
        rest = ", ".join(f"{each.condition.replace('_', ' ')} in {each.primary_in}" for each in others)
        return self.findings[0].summary + (f" Other seeds: {rest}." if rest else "")

    def to_json(self) -> dict[str, Any]:
        """As comparisons show it."""
        return {
            "sweep_point": dict(self.sweep_point) if self.sweep_point else None,
            "seeds": list(self.seeds),
            "primary": self.primary,
            "summary": self.summary,
            "findings": [each.to_json() for each in self.findings],
        }


def diagnoses_over_seeds(runs: Sequence[RunResult]) -> tuple[DiagnosisOverSeeds, ...]:
    """The diagnosis over the seeds of an arm's finished runs, one for each point of a sweep, in order of appearance.

    Of two runs with the same seed the later counts: the same training twice is one trial.
    """
    points: dict[SweepPoint | None, dict[int, RunResult]] = {}
    for run in runs:
        if run.diagnosis is not None:
            points.setdefault(run.sweep_point, {})[run.seed] = run
    return tuple(_over_seeds(point, list(by_seed.values())) for point, by_seed in points.items())


def _over_seeds(point: SweepPoint | None, runs: Sequence[RunResult]) -> DiagnosisOverSeeds:
    runs = sorted(runs, key=lambda run: run.seed)
    primaries = Counter(run.primary for run in runs)
    found: dict[str, list[Json]] = {name: [] for name in primaries}
    for run in runs:
        own = {str(finding["condition"]): finding for finding in (run.diagnosis or {}).get("findings") or ()}
        for name, finding in ({run.primary: {"condition": run.primary}} | own).items():
            found.setdefault(name, []).append(finding)
    findings = [FindingOverSeeds(name, len(runs), tuple(own), primaries[name]) for name, own in found.items()]
    findings.sort(key=lambda each: (-each.primary_in, each.condition in NOT_CONDITIONS, -each.harm_in, -each.seeds))
    return DiagnosisOverSeeds(point, tuple(run.seed for run in runs), findings[0].condition, tuple(findings))


_PLAIN = frozenset({"ratio", "fraction", "step", "rises", "records"})
"""Units that the name already says."""


def _in_words(evidence: EvidenceOverSeeds) -> str:
    """`gradient lost from output to input: 9.3 decades (75 % interval 9.1 to 9.5)`."""
    found = median_interval(evidence.values)
    read = as_read(evidence.name, median_of(evidence.values), evidence.threshold, interval=found[:2] if found else None)
    unit = "" if evidence.unit in _PLAIN else f" {evidence.unit}"
    text = f"{read.label}: {_shown(read.value)}{unit}"
    if found is not None and read.interval is not None and read.interval[0] != read.interval[1]:
        low, high = read.interval
        text += f" ({100 * found[2]:.0f} % interval {_shown(low)} to {_shown(high)})"
    return text


def _shown(value: float) -> str:
    return ("infinite" if value > 0 else "minus infinite") if isinf(value) else f"{value:.3g}"


def _whole(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"
