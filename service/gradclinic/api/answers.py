"""What the API answers, as models without defaults: every field is always there."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Json = dict[str, Any]
RunStatus = Literal["queued", "running", "succeeded", "failed", "canceled", "expired"]
StudyStatus = Literal["running", "succeeded", "failed", "canceled"]


class Answer(BaseModel):
    """Part of an answer. Non-finite numbers are the strings "NaN", "Infinity", "-Infinity"."""

    model_config = ConfigDict(ser_json_inf_nan="strings", use_attribute_docstrings=True)


class LayerAnswer(Answer):
    """One node of the lowered network."""

    name: str
    """Its path in the lowered tree."""
    kind: str
    shape: list[int]
    """Of one sample's output."""
    parameters: int
    """Its own trainable values, those of its body left out."""


class ResolveAnswer(Answer):
    """What would be trained, and what it would cost."""

    resolved_experiment: Json
    """The experiment after its remedies."""
    patch: list[Json]
    """What the remedies changed: a JSON Patch (RFC 6902) from the posted experiment, defaults spelled out."""
    layers: list[LayerAnswer]
    """The network that would be built, containers before what they contain."""
    parameters: int
    """Trainable values."""
    flops_per_step: int
    """Floating-point operations of one forward and backward pass of a batch."""
    memory_bytes: int
    """Weights, gradients, optimizer state, activations with their gradients, and the data."""
    stored_bytes: int
    """What the recorded statistics will take, at most."""
    recorded_steps: int
    """Steps with recorded statistics, at most: an adaptive recording has all of them where something happens."""
    predicted_profile: Json
    """Mean-field prediction of the gradient profile before the first step; where none exists, its `reason` says why."""
    listing: str
    """The resolved network as PyTorch code."""
    listing_before: str
    """The network before its remedies as PyTorch code."""
    warnings: list[str]
    """What a person should know before training it."""


class ProgressAnswer(Answer):
    """How far a run is."""

    step: int
    """Steps whose statistics are stored."""
    steps: int
    """Steps that were asked for."""


class ReasonAnswer(Answer):
    """Why a run is in its state."""

    code: str
    text: str


class RunUrls(Answer):
    """Where to go from a run."""

    self: str
    statistics: str
    profile: str
    curves: str
    diagnosis: str
    events: str
    cancel: str
    page: str


class RunAnswer(Answer):
    """One training."""

    id: str
    name: str | None
    labels: dict[str, str]
    status: RunStatus
    reason: ReasonAnswer
    """Why it is in this state, in words."""
    origin: Literal["service", "external"]
    """Who trained it: this service, or a user's own program."""
    study_id: str | None
    arm: str | None
    sweep_point: Json | None
    """The sweep's values by JSON pointer; null without a sweep."""
    seed: int
    progress: ProgressAnswer
    experiment: Json
    """As it was posted."""
    remedies: list[Json]
    resolved_experiment: Json
    """As it is trained."""
    metrics: dict[str, float | int | None] | None
    """How it ended; null until it has."""
    diagnosis: Json | None
    """Null until it has ended."""
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    urls: RunUrls


class TransitionAnswer(Answer):
    """One change of a run's state."""

    number: int
    status_before: str | None
    status: str
    attempt: int
    step: int
    reason: ReasonAnswer
    at: datetime


class RunDetailAnswer(RunAnswer):
    """One training, with how it got here and where it ran."""

    transitions: list[TransitionAnswer]
    """Every change of its state, oldest first."""
    environment: Json | None
    """Fingerprint of where it was trained: device, library versions, data digest; null until a worker took it."""


class RunPage(Answer):
    """A page of runs, newest first; the header `Link` leads to the next."""

    items: list[RunAnswer]
    next: str | None
    """Where to continue; null at the end."""


class StudyProgressAnswer(Answer):
    """How far a study is."""

    runs: int
    by_status: dict[str, int]
    steps_done: int
    steps: int


class StudyUrls(Answer):
    """Where to go from a study."""

    self: str
    runs: str
    comparison: str
    events: str
    cancel: str
    page: str


class StudyAnswer(Answer):
    """One experiment, several arms, several seeds."""

    id: str
    name: str | None
    labels: dict[str, str]
    status: StudyStatus
    """Running until all runs have ended; succeeded if any succeeded; canceled if cancelled; else failed."""
    experiment: Json
    arms: list[Json]
    """The arm `baseline` first."""
    seeds: list[int]
    sweep: list[Json]
    progress: StudyProgressAnswer
    created_at: datetime
    ended_at: datetime | None
    urls: StudyUrls


class StudyPage(Answer):
    """A page of studies, newest first; the header `Link` leads to the next."""

    items: list[StudyAnswer]
    next: str | None
    """Where to continue; null at the end."""


class DatasetAnswer(Answer):
    """An uploaded data set."""

    id: str
    """What an experiment's `data` names: `{"kind": "uploaded", "id": ...}`."""
    digest: str
    """SHA-256 of the content."""
    task: Literal["classification", "regression"]
    rows: int
    shape: list[int]
    """Of one row's inputs."""
    outputs: int
    """Classes, or values to predict."""
    classes: list[str] | None
    """Names of the classes 0, 1, ...; null for a regression."""
    features: list[str] | None
    """Names of the columns; null where the upload had none."""
    created_at: datetime


class DatasetPage(Answer):
    """A page of uploaded data sets; the header `Link` leads to the next."""

    items: list[DatasetAnswer]
    next: str | None
    """Where to continue; null at the end."""


class PrescriptionUrls(Answer):
    """Where to go from a prescription."""

    self: str
    runs: str
    cancel: str
    page: str


class PrescriptionSummary(Answer):
    """A search for a cure, without what it found."""

    id: str
    name: str | None
    labels: dict[str, str]
    status: StudyStatus
    """Running until the search has ended, with a cure or without."""
    experiment: Json
    budget: Json
    progress: StudyProgressAnswer
    """Of the runs queued so far; how many the search needs follows from their results."""
    created_at: datetime
    ended_at: datetime | None
    urls: PrescriptionUrls


class PrescriptionAnswer(PrescriptionSummary):
    """A search for a cure, and what it found, as of its last whole round."""

    round: Literal["diagnose", "screen", "improve", "race", "confirm"] | None
    """The round that it is in, or ended in."""
    ending: Literal["healthy", "cured", "not_cured", "untrainable"] | None
    """How the search ended; null while it runs, and when it was cancelled."""
    why: str | None
    """In words."""
    diagnosis: Json | None
    """Of the experiment as it is, and the conditions of all its seeds."""
    tried: list[Json]
    """Every candidate with its runs, those that came furthest first."""
    control: Json | None
    """What remedies drawn by chance achieved on the seeds of the confirmation."""
    cure: Json | None
    """Remedies, evidence, and the experiment ready to post; null where nothing cures it."""
    comparison: Json | None
    """Of the confirmation, on seeds that no choice was made by."""
    spent: Json | None
    """Runs and seconds."""


class PrescriptionPage(Answer):
    """A page of prescriptions, newest first; the header `Link` leads to the next."""

    items: list[PrescriptionSummary]
    next: str | None
    """Where to continue; null at the end."""


class ClaimBase(Answer):
    """A piece of common advice, and how it is tested."""

    id: str
    statement: str
    source: str
    """Where it is made."""
    design: str
    """What is trained."""
    rule: str
    """How it is decided."""
    quick: bool
    runs: int


class ClaimAnswer(ClaimBase):
    """A claim with the body of the study that tests it."""

    study: Json
    """Ready to post to `/v1/studies`."""


class ClaimList(Answer):
    """Every claim, in order."""

    items: list[ClaimAnswer]


class RulingAnswer(ClaimBase):
    """A claim with what a study says of it."""

    verdict: Literal["supported", "refuted", "mixed", "inconclusive"]
    explanation: str
    figures: list[Json]
    """The measured numbers that the verdict rests on."""


class SeriesAnswer(Answer):
    """One statistic of one run."""

    statistic: str
    unit: str
    per: Literal["site", "weight", "run"]
    layers: list[str]
    """Names of the columns; a statistic of the whole run has the one column `run`."""
    steps: list[int]
    """Where each row was measured; with an aggregate, the first step of each bucket."""
    values: list[list[float]] | None
    """[step][layer]; null for the aggregate `minmax`."""
    minimum: list[list[float]] | None
    """[step][layer]; only for the aggregate `minmax`."""
    maximum: list[list[float]] | None
    """[step][layer]; only for the aggregate `minmax`."""
    sampled: bool
    """Whether points were left out or joined to keep to `max_points`."""
    source_points: int
    """Recorded steps in the range before that."""


class StatisticsAnswer(Answer):
    """Recorded statistics of one run."""

    run_id: str
    status: RunStatus
    aggregate: Literal["none", "max", "mean", "minmax"]
    sampled: bool
    """Whether any series was sampled."""
    source_points: int
    """Recorded steps of the longest series in the range."""
    statistics: list[SeriesAnswer]


class ProfilePoint(Answer):
    """One place of a profile."""

    layer: str
    depth: float
    """0 at the first place, 1 at the last."""
    value: float
    predicted: float | None
    """What mean-field theory expects there before the first step; null where it says nothing."""


class ProfileAnswer(Answer):
    """One statistic against depth, at one step."""

    run_id: str
    statistic: str
    unit: str
    step: int
    points: list[ProfilePoint]
    depth_slope: float | None
    """Decades lost from output to input over the whole depth (+ vanishes); null for fewer than 3 places."""
    predicted_depth_slope: float | None
    prediction: Json | None
    """The prediction, with its assumptions and expected error; null where no theory applies."""


class CurveAnswer(Answer):
    """One number of the whole run against the step."""

    statistic: str
    unit: str
    help: str
    steps: list[int]
    values: list[float]


class CurvesAnswer(Answer):
    """The curves of one run."""

    run_id: str
    status: RunStatus
    sampled: bool
    source_points: int
    curves: list[CurveAnswer]


class DiagnosisAnswer(Answer):
    """What is wrong with a run's network, where, since when, and how sure."""

    run_id: str
    primary: str
    rule_set: str
    findings: list[Json]
    provisional: bool
    """Whether the run goes on, so that the diagnosis may change."""


class EventAnswer(Answer):
    """Something that happened to a run or a study."""

    id: str
    """How far its reader is; ask again with `after` this id for what follows."""
    event: str
    data: Json


class EventPage(Answer):
    """What has happened so far, after the id asked for."""

    items: list[EventAnswer]
    last_id: str
    """Ask again with `after` this id."""
    done: bool
    """Whether nothing more will follow."""


class HealthAnswer(Answer):
    """Whether this process lives."""

    status: Literal["ok"]


class ReadyAnswer(Answer):
    """Whether this service can accept work, part by part."""

    status: Literal["ok", "unavailable"]
    database: Literal["ok", "outdated", "unavailable"]
    queue: Literal["ok", "unavailable"]
    workers: int
    """Workers seen lately."""


class EvidenceOverSeedsAnswer(Answer):
    """One measured number of a finding, over the seeds that have the finding."""

    name: str
    unit: str
    threshold: float | None
    """What each seed's number was held against; that of the first seed."""
    median: float
    interval: list[float] | None
    """Of the median, between two of the measured values, whatever their distribution; null for one seed."""
    confidence: float | None
    """Of that interval: 0.75 with three seeds, 0.9375 with five, at least 0.95 from six on."""
    lowest: float
    highest: float
    seeds: int


class LayerOverSeedsAnswer(Answer):
    """A layer, and how many seeds name it."""

    layer: str
    seeds: int


class OnsetAnswer(Answer):
    """The step from which on a condition holds, over the seeds that show it."""

    median: float
    lowest: int
    highest: int


class FindingOverSeedsAnswer(Answer):
    """One condition over the seeds of an arm."""

    condition: str
    seeds: int
    """Seeds that show it, with harm or without."""
    of: int
    """Seeds that were judged."""
    share: float
    share_interval: list[float]
    """95 % interval of the share of seeds that show it (Wilson 1927)."""
    primary_in: int
    """Seeds whose primary condition it is."""
    harm_in: int
    """Seeds in which it hurt learning."""
    confidence: float | None
    """Median of the seeds' own confidences, which come from steps and layers; null where none has one."""
    layers: list[LayerOverSeedsAnswer]
    """Those that more than half of these seeds name: the most named first, then the worst."""
    first_step: OnsetAnswer | None
    evidence: list[EvidenceOverSeedsAnswer]
    summary: str
    """One sentence."""


class DiagnosisOverSeedsAnswer(Answer):
    """What the seeds of one arm say together: the condition, how many seeds show it, where, since when, how strong.

    The run of each seed keeps its own diagnosis; of an arm with the same seed twice the later run counts.
    """

    sweep_point: Json | None
    """The sweep's values by JSON pointer, since other values make another network; null without a sweep."""
    seeds: list[int]
    """The seeds that were judged."""
    primary: str
    """The primary condition of the most seeds; of two alike, the sick one."""
    summary: str
    """One sentence."""
    findings: list[FindingOverSeedsAnswer]
    """The primary one first, then by how many seeds have it as theirs, and by how many it hurt."""


class ArmAnswer(Answer):
    """One arm against the baseline."""

    model_config = ConfigDict(extra="allow")

    arm: str
    rank: int
    """1 is best."""
    verdict: Literal["cures", "improves", "no_effect", "harms", "inconclusive"]
    reason: str
    """Why that verdict."""
    runs: int
    conditions: dict[str, int]
    """Runs by primary condition."""
    baseline_conditions: dict[str, int]
    diagnoses: list[DiagnosisOverSeedsAnswer]
    """What its seeds say together: one without a sweep, else one for each of its points; empty until a run ended."""
    effects: dict[str, Json]
    """By metric: difference, simultaneous interval, wins, sign-flip p."""
    cost: Json


class ComparisonAnswer(Answer):
    """The arms against the baseline, best first."""

    model_config = ConfigDict(extra="allow")

    study_id: str | None
    baseline: str
    metric: str
    confidence: float
    complete: bool
    """Whether every run has ended."""
    baseline_diagnoses: list[DiagnosisOverSeedsAnswer]
    """What the baseline's seeds say together."""
    arms: list[ArmAnswer]


class CatalogueEntry(Answer):
    """Something that a request can name."""

    model_config = ConfigDict(extra="allow")

    kind: str
    """Its name in requests."""
    help: str
    """What it is, in one line."""
    source: str
    """Where it was proposed or is defined."""
    json_schema: Json = Field(alias="schema")


class CatalogueAnswer(Answer):
    """Everything that a request can name, by section."""

    models: list[CatalogueEntry]
    layers: list[CatalogueEntry]
    activations: list[CatalogueEntry]
    initializations: list[CatalogueEntry]
    remedies: list[CatalogueEntry]
    data: list[CatalogueEntry]
    optimizers: list[CatalogueEntry]
    schedules: list[CatalogueEntry]
    clippings: list[CatalogueEntry]
    statistics: list[CatalogueEntry]
    rules: list[CatalogueEntry]
