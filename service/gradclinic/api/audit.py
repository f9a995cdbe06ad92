"""`/v1/audit`: who changed what."""

from typing import Annotated

from fastapi import APIRouter, Query

from ..schemas.audit import AuditEntryAnswer, AuditPage
from .http.dependencies import TheService, problems
from .http.paging import PageOfActs

router = APIRouter(prefix="/v1/audit", tags=["operation"])

KeyId = Annotated[str | None, Query(max_length=40, description="Only changes requested with this key.")]


@router.get("", summary="List changes", responses=problems(422))
def list_changes(*, service: TheService, paging: PageOfActs, key: KeyId = None) -> AuditPage:
    """Changes by keys and operators, newest first. If no key is required, only commands of operators are listed."""
    page = service.store.audit.page(key_id=key, after=paging.after, limit=paging.limit)
    return paging.answer(AuditPage, page, item=AuditEntryAnswer.model_validate)
