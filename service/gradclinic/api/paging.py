"""Keyset pages: the next page begins after the last item of this one, whatever was added meanwhile."""

from fastapi import Request, Response


def link_next(request: Request, response: Response, key: str | None) -> str | None:
    """Put the next page's address in the header `Link` (RFC 8288); the key, for the body."""
    if key is not None:
        url = request.url.include_query_params(after=key)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return key
