"""What the page of the claims shows: each with its test, and the ruling of the newest study that was run for it."""

from typing import Any

from fastapi.responses import HTMLResponse

from ..api.http.dependencies import TheService
from ..kernel.errors import GradclinicError
from ..store import Study
from ..use_cases.claim import claims, ruling_of, study_of
from ..use_cases.service import Service
from .rendering import page_router, render

router = page_router()


@router.get("/claims")
def show_all(service: TheService, *, quick: bool = False) -> HTMLResponse:
    """Common advice, and what measurement says of it."""
    return render("claims.html", **listed(service, quick=quick))


def listed(service: Service, *, quick: bool) -> dict[str, Any]:
    """Every claim, in order."""
    rows = [_row(service, claim, quick=quick) for claim in claims(quick=quick)]
    return {
        "rows": rows,
        "quick": quick,
        "live": any(row["study"] is not None and row["study"].status == "running" for row in rows),
        "verdicts": {
            verdict: sum(row["ruling"] is not None and row["ruling"]["verdict"] == verdict for row in rows)
            for verdict in ("supported", "mixed", "refuted", "inconclusive")
        },
    }


def _row(service: Service, claim: dict[str, Any], *, quick: bool) -> dict[str, Any]:
    study = study_of(service, claim["id"], quick=quick)
    ruling = _ruling(service, claim["id"], study, quick=quick)
    intervals = ruling is not None and any(figure["interval"] for figure in ruling["figures"])
    return {"claim": claim, "study": study, "ruling": ruling, "intervals": intervals}


def _ruling(service: Service, claim_id: str, study: Study | None, *, quick: bool) -> dict[str, Any] | None:
    """The ruling of a study that has ended; None before, since a half of a study decides nothing."""
    if study is None or study.status == "running":
        return None
    try:
        return ruling_of(service, claim_id, study, quick=quick)
    except GradclinicError:  # its runs were deleted meanwhile
        return None
