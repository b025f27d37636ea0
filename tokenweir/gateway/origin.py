"""Which web pages may ask: `Origin`, and the headers that let a page read the answer.

Law of this file: pure but for the type of aiohttp's messages. No page may but the server's own and those
that are configured, whatever the method (PROMISES P26); `null` is nobody's name.
"""

from collections.abc import Collection

from aiohttp import hdrs, web

_EXPOSED = "X-Request-Id, X-Tokenweir-Usage, Retry-After"
_METHODS = "GET, POST"
_HEADERS = "*, Authorization"
"""A star means every header but this one, where no cookies are sent."""
_SECONDS = "600"


def may_ask(origins: list[str], host: str, allowed: Collection[str]) -> bool:
    """Whether a request with these `Origin` headers may be answered. `host` is its `Host`, which was checked
    before: a page that came from here may ask here. Who sends none is no page.

    >>> may_ask([], "localhost:3000", []), may_ask(["http://localhost:3000"], "localhost:3000", [])
    (True, True)
    >>> may_ask(["null"], "localhost", ["null"]), may_ask(["http://evil.test"], "localhost", [])
    (False, False)
    """
    if not origins:
        return True
    if len(origins) > 1:
        return False
    origin, own = origins[0].lower(), host.lower()
    return origin in (f"http://{own}", f"https://{own}") or is_listed(origin, allowed)


def is_listed(origin: str, allowed: Collection[str]) -> bool:
    """Whether a page of this origin is one of those that are configured.

    >>> is_listed("https://Chat.example.org", ["https://chat.example.org/"])
    True
    """
    return origin != "null" and origin.lower() in {one.lower().removesuffix("/") for one in allowed}


def open_to(request: web.BaseRequest, response: web.StreamResponse, allowed: Collection[str]) -> None:
    """Let the page that asked read the response, if it is one of those that are configured."""
    if not allowed:
        return
    response.headers.add(hdrs.VARY, "Origin")
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is not None and is_listed(origin, allowed):
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED


def is_preflight(request: web.BaseRequest) -> bool:
    """Whether this is a browser's question before a page's request."""
    asks = hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    return request.method == hdrs.METH_OPTIONS and hdrs.ORIGIN in request.headers and asks


def permission() -> web.Response:
    """The answer to a preflight of a page that may ask; `open_to` adds its name."""
    response = web.Response(status=204)
    response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = _METHODS
    response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = _HEADERS
    response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = _SECONDS
    return response
