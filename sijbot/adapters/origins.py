"""Headers of every response: what a page may do, and which other websites may embed the chat."""

from __future__ import annotations

from typing import Dict, Optional, Sequence, Text

from sanic.request import Request
from sanic.response import HTTPResponse, empty

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}  # fmt: skip
PREFLIGHT_HEADERS = {"Access-Control-Allow-Methods": "GET, POST, DELETE", "Access-Control-Allow-Headers": "Authorization, Content-Type", "Access-Control-Max-Age": "3600"}
EMBEDDED_TYPES = ("image/", "font/", "text/css", "text/javascript")


def preflight_answer(origins: Sequence[str], request: Request) -> Optional[HTTPResponse]:
    """Return the answer to a browser that asks what another website may send, or None for every other request."""
    return empty() if origins and _is_preflight(request) else None


def headers_for(origins: Sequence[str], request: Request, response: HTTPResponse) -> Dict[Text, Text]:
    """Return the headers of a response. A website that is not in the list gets none that would let it read the response."""
    return {**SECURITY_HEADERS, "Cross-Origin-Resource-Policy": _resource_policy(origins, response.content_type), **_shared_with(origins, request, response)}


def _resource_policy(origins: Sequence[str], content_type: Optional[str]) -> str:
    """Return who may embed what is not fetched with CORS: of us, that is pictures and styles. Answers are fetched with CORS, and never need it."""
    return "cross-origin" if origins and (content_type or "").startswith(EMBEDDED_TYPES) else "same-origin"


def _shared_with(origins: Sequence[str], request: Request, response: HTTPResponse) -> Dict[Text, Text]:
    if not origins:
        return {}
    varies, origin = [response.headers.get("vary"), "Origin"], request.headers.get("origin")
    headers = {"Vary": ", ".join(filter(None, varies))}
    if origin in origins:
        headers.update({"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "Retry-After"})
        headers.update(PREFLIGHT_HEADERS if _is_preflight(request) else {})
    return headers


def _is_preflight(request: Request) -> bool:
    return request.method == "OPTIONS" and "access-control-request-method" in request.headers
