"""`/v1/audit`: who changed what."""

from typing import Annotated

from fastapi import APIRouter, Query

from ..schemas.audit import AuditEntryAnswer, AuditPage
from .http.dependencies import TheService, problems
from .http.paging import ThePage

router = APIRouter(prefix="/v1/audit", tags=["operation"])

KeyId = Annotated[str | None, Query(max_length=40, description="Only changes that this key asked for.")]


@router.get("", summary="List changes", responses=problems(422))
def list_changes(*, service: TheService, paging: ThePage, key: KeyId = None) -> AuditPage:
    """Changes that keys and operators asked for, newest first. Where no key is required, only operators' commands."""
    page = service.store.audit.page(key_id=key, after=paging.after, limit=paging.limit)
    return paging.answer(AuditPage, page, item=AuditEntryAnswer.model_validate)
