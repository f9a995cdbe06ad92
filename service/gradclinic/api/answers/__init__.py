"""What the API answers, as models without defaults: every field is always there."""

from .base import Answer, Json, RunStatus, StudyStatus
from .catalogue import CatalogueAnswer, CatalogueEntry
from .claims import ClaimAnswer, ClaimBase, ClaimList, RulingAnswer
from .comparisons import (
    ArmAnswer,
    ComparisonAnswer,
    DiagnosisOverSeedsAnswer,
    EvidenceOverSeedsAnswer,
    FindingOverSeedsAnswer,
    LayerOverSeedsAnswer,
    OnsetAnswer,
)
from .datasets import DatasetAnswer, DatasetPage
from .diagnoses import DiagnosisAnswer
from .events import EventAnswer, EventPage
from .experiments import LayerAnswer, ResolveAnswer
from .health import HealthAnswer, ReadyAnswer
from .prescriptions import PrescriptionAnswer, PrescriptionPage, PrescriptionSummary, PrescriptionUrls
from .recordings import RecordingAnswer, RecordingUrls, WindowAnswer
from .runs import ProgressAnswer, ReasonAnswer, RunAnswer, RunDetailAnswer, RunPage, RunUrls, TransitionAnswer
from .statistics import CurveAnswer, CurvesAnswer, ProfileAnswer, ProfilePoint, SeriesAnswer, StatisticsAnswer
from .studies import StudyAnswer, StudyPage, StudyProgressAnswer, StudyUrls

__all__ = [
    "Answer",
    "ArmAnswer",
    "CatalogueAnswer",
    "CatalogueEntry",
    "ClaimAnswer",
    "ClaimBase",
    "ClaimList",
    "ComparisonAnswer",
    "CurveAnswer",
    "CurvesAnswer",
    "DatasetAnswer",
    "DatasetPage",
    "DiagnosisAnswer",
    "DiagnosisOverSeedsAnswer",
    "EventAnswer",
    "EventPage",
    "EvidenceOverSeedsAnswer",
    "FindingOverSeedsAnswer",
    "HealthAnswer",
    "Json",
    "LayerAnswer",
    "LayerOverSeedsAnswer",
    "OnsetAnswer",
    "PrescriptionAnswer",
    "PrescriptionPage",
    "PrescriptionSummary",
    "PrescriptionUrls",
    "ProfileAnswer",
    "ProfilePoint",
    "ProgressAnswer",
    "ReadyAnswer",
    "ReasonAnswer",
    "RecordingAnswer",
    "RecordingUrls",
    "ResolveAnswer",
    "RulingAnswer",
    "RunAnswer",
    "RunDetailAnswer",
    "RunPage",
    "RunStatus",
    "RunUrls",
    "SeriesAnswer",
    "StatisticsAnswer",
    "StudyAnswer",
    "StudyPage",
    "StudyProgressAnswer",
    "StudyStatus",
    "StudyUrls",
    "TransitionAnswer",
    "WindowAnswer",
]
