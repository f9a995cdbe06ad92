"""What the API answers, as models without defaults: every field is always there."""

from ..kernel.status import RunStatus, StudyStatus
from .base import Answer, Json
from .baseline import BaselineAnswer, BaselinePage, BaselineUrls, PinAnswer
from .catalogue import CatalogueAnswer, CatalogueEntry
from .check import (
    CheckAnswer,
    CheckPage,
    CheckSummary,
    CheckUrls,
    ConditionCheckAnswer,
    MetricCheckAnswer,
)
from .claim import ClaimAnswer, ClaimBase, ClaimList, FigureAnswer, RulingAnswer
from .comparison import (
    ArmAnswer,
    ComparisonAnswer,
    ComparisonRequest,
    CostAnswer,
    DiagnosisOverSeedsAnswer,
    EffectAnswer,
    EvidenceOverSeedsAnswer,
    FindingOverSeedsAnswer,
    LayerOverSeedsAnswer,
    OnsetAnswer,
    RatioEffectAnswer,
    RunConditionsAnswer,
)
from .dataset import DatasetAnswer, DatasetDetailAnswer, DatasetPage
from .diagnosis import DiagnosisAnswer, EvidenceAnswer, FindingAnswer, RunDiagnosisAnswer
from .experiment import LayerAnswer, ResolveAnswer
from .health import HealthAnswer, ReadyAnswer
from .prescription import PrescriptionAnswer, PrescriptionPage, PrescriptionSummary, PrescriptionUrls
from .recording import RecordingAnswer, RecordingUrls, WindowAnswer
from .run import (
    ProgressAnswer,
    ReasonAnswer,
    RunAnswer,
    RunDetailAnswer,
    RunMetricsAnswer,
    RunPage,
    RunUrls,
    TransitionAnswer,
)
from .schedule import FiringAnswer, ScheduleAnswer, SchedulePage, ScheduleUrls
from .statistic import CurveAnswer, CurvesAnswer, ProfileAnswer, ProfilePoint, SeriesAnswer, StatisticsAnswer
from .study import StudyAnswer, StudyPage, StudyProgressAnswer, StudyRequest, StudyUrls

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
    "ClaimAnswer",
    "ClaimBase",
    "ClaimList",
    "ComparisonAnswer",
    "ComparisonRequest",
    "ConditionCheckAnswer",
    "CostAnswer",
    "CurveAnswer",
    "CurvesAnswer",
    "DatasetAnswer",
    "DatasetDetailAnswer",
    "DatasetPage",
    "DiagnosisAnswer",
    "DiagnosisOverSeedsAnswer",
    "EffectAnswer",
    "EvidenceAnswer",
    "EvidenceOverSeedsAnswer",
    "FigureAnswer",
    "FindingAnswer",
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
    "RatioEffectAnswer",
    "ReadyAnswer",
    "ReasonAnswer",
    "RecordingAnswer",
    "RecordingUrls",
    "ResolveAnswer",
    "RulingAnswer",
    "RunAnswer",
    "RunConditionsAnswer",
    "RunDetailAnswer",
    "RunDiagnosisAnswer",
    "RunMetricsAnswer",
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
    "StudyRequest",
    "StudyStatus",
    "StudyUrls",
    "TransitionAnswer",
    "WindowAnswer",
]
