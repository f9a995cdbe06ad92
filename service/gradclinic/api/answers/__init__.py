"""What the API answers, as models without defaults: every field is always there."""

from .base import Answer, Json, RunStatus, StudyStatus
from .baselines import BaselineAnswer, BaselinePage, BaselineUrls, PinAnswer
from .catalogue import CatalogueAnswer, CatalogueEntry
from .checks import (
    CheckAnswer,
    CheckPage,
    CheckSummary,
    CheckUrls,
    CheckVerdict,
    ConditionCheckAnswer,
    MetricCheckAnswer,
)
from .claims import ClaimAnswer, ClaimBase, ClaimList, FigureAnswer, RulingAnswer
from .comparisons import (
    ArmAnswer,
    ComparisonAnswer,
    DiagnosisOverSeedsAnswer,
    EvidenceOverSeedsAnswer,
    FindingOverSeedsAnswer,
    LayerOverSeedsAnswer,
    OnsetAnswer,
)
from .datasets import DatasetAnswer, DatasetDetailAnswer, DatasetPage
from .diagnoses import DiagnosisAnswer
from .events import EventAnswer, EventPage
from .experiments import LayerAnswer, ResolveAnswer
from .health import HealthAnswer, ReadyAnswer
from .prescriptions import Ending, PrescriptionAnswer, PrescriptionPage, PrescriptionSummary, PrescriptionUrls
from .recordings import RecordingAnswer, RecordingUrls, WindowAnswer
from .runs import ProgressAnswer, ReasonAnswer, RunAnswer, RunDetailAnswer, RunPage, RunUrls, TransitionAnswer
from .schedules import FiringAnswer, ScheduleAnswer, SchedulePage, ScheduleUrls
from .statistics import CurveAnswer, CurvesAnswer, ProfileAnswer, ProfilePoint, SeriesAnswer, StatisticsAnswer
from .studies import StudyAnswer, StudyPage, StudyProgressAnswer, StudyUrls

__all__ = [
    "Answer",
    "ArmAnswer",
    "BaselineAnswer",
    "BaselinePage",
    "BaselineUrls",
    "CatalogueAnswer",
    "CatalogueEntry",
    "CheckAnswer",
    "CheckPage",
    "CheckSummary",
    "CheckUrls",
    "CheckVerdict",
    "ClaimAnswer",
    "ClaimBase",
    "ClaimList",
    "ComparisonAnswer",
    "ConditionCheckAnswer",
    "CurveAnswer",
    "CurvesAnswer",
    "DatasetAnswer",
    "DatasetDetailAnswer",
    "DatasetPage",
    "DiagnosisAnswer",
    "DiagnosisOverSeedsAnswer",
    "Ending",
    "EventAnswer",
    "EventPage",
    "EvidenceOverSeedsAnswer",
    "FigureAnswer",
    "FindingOverSeedsAnswer",
    "FiringAnswer",
    "HealthAnswer",
    "Json",
    "LayerAnswer",
    "LayerOverSeedsAnswer",
    "MetricCheckAnswer",
    "OnsetAnswer",
    "PinAnswer",
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
    "ScheduleAnswer",
    "SchedulePage",
    "ScheduleUrls",
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
