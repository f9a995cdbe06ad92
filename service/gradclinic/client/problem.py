"""Converts problem documents of the service to Python errors."""

from collections.abc import Mapping

import httpx

from ..kernel import errors
from ..kernel.numbers import number

_ERRORS: Mapping[str, type[errors.InvalidRequest]] = {
    cls.code: cls
    for cls in (
        errors.InvalidRequest,
        errors.InvalidSpec,
        errors.TooLarge,
        errors.QuotaExceeded,
        errors.RemedyDoesNotApply,
    )
}
_BY_STATUS: Mapping[int, type[errors.GradclinicError]] = {
    401: errors.KeyRequired,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    429: errors.RateExceeded,
    503: errors.ServiceUnavailable,
}


def error_from(response: httpx.Response) -> errors.GradclinicError:
    """The error in a problem document."""
    try:
        document = response.json()
        detail, code = str(document["detail"]), str(document["code"])
        entries = list(document["errors"])
    except (ValueError, KeyError, TypeError):
        return errors.ServiceUnavailable(
            f"{response.request.url} answered {response.status_code} {response.reason_phrase}; is it gradclinic's?"
        )
    if code == errors.InsufficientData.code:
        return errors.InsufficientData(detail)
    if response.status_code in _BY_STATUS and code not in _ERRORS:
        return _BY_STATUS[response.status_code](detail)
    if 400 <= response.status_code < 500:
        problems = [
            errors.Problem(
                entry["pointer"] or "",
                (f"{entry['parameter']}: " if entry["parameter"] else "") + entry["detail"],
                number(entry["value"]),
                entry["allowed"],
            )
            for entry in entries
        ]
        return _ERRORS.get(code, errors.InvalidRequest)(problems or [errors.Problem("", detail)])
    return errors.ServiceUnavailable(f"the service failed ({response.status_code}): {detail}")
