"""The page of claims: each with its test and the ruling of its newest study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi.responses import HTMLResponse

from ..api.claim import claim_answer
from ..api.http.dependencies import TheService
from ..claims import CLAIMS, Claim, Ruling
from ..kernel.errors import GradclinicError
from ..schemas.claim import ClaimAnswer
from ..store import Study
from ..use_cases.claim import ruling_of, study_of
from ..use_cases.service import Service
from .rendering import page_router, render

router = page_router()


@router.get("/claims")
def show_all(service: TheService, *, quick: bool = False) -> HTMLResponse:
    """Common advice, with verdicts from measurements."""
    return render("claims.html", listed(service, quick=quick))


@dataclass(frozen=True)
class Row:
    """A claim with the ruling of its newest study."""

    claim: ClaimAnswer
    study: Study | None
    """The newest study of the claim."""
    ruling: Ruling | None
    """None until the study has ended."""

    @property
    def intervals(self) -> bool:
        """Whether any of the numbers has an interval."""
        return self.ruling is not None and any(figure.interval for figure in self.ruling.figures)


@dataclass(frozen=True, kw_only=True)
class ClaimsView:
    """What the page of claims shows."""

    rows: Sequence[Row]
    quick: bool
    live: bool
    verdicts: Mapping[str, int]
    """Number of claims by verdict."""


def listed(service: Service, *, quick: bool) -> ClaimsView:
    """All claims, in order."""
    rows = [_row(service, claim, quick=quick) for claim in CLAIMS.values()]
    return ClaimsView(
        rows=rows,
        quick=quick,
        live=any(row.study is not None and row.study.status == "running" for row in rows),
        verdicts={
            verdict: sum(row.ruling is not None and row.ruling.verdict == verdict for row in rows)
            for verdict in ("supported", "mixed", "refuted", "inconclusive")
        },
    )


def _row(service: Service, claim: Claim, *, quick: bool) -> Row:
    study = study_of(service, claim, quick=quick)
    return Row(claim_answer(claim, quick=quick), study, _ruling(service, claim, study, quick=quick))


def _ruling(service: Service, claim: Claim, study: Study | None, *, quick: bool) -> Ruling | None:
    if study is None or study.status == "running":
        return None
    try:
        return ruling_of(service, claim, study, quick=quick)
    except GradclinicError:  # its runs were deleted meanwhile
        return None
