"""What stands before every handler: whether a request is let in.

Law of this file: the order of the questions, each asked of the route that matched, and all of them before a
byte of the body is read (PROMISES P26, P27). How each is answered stands in host.py, origin.py and keys.py.

    Host ─> Origin ─> (a preflight is answered) ─> key ─> is it still served? ─> the handler

A path that matched no route has no endpoint, and needs a key as all others do.
"""

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from tokenweir.gateway.endpoint import ENDPOINTS, Endpoint
from tokenweir.gateway.gateway import CLIENT, GATEWAY, REQUEST_ID, SETUP, Gateway, Phase
from tokenweir.gateway.host import host_of, is_ours, why_refused
from tokenweir.gateway.keys import client_of, refuse_key_in_address
from tokenweir.gateway.origin import is_preflight, may_ask, open_to, permission
from tokenweir.gateway.refused import SHUTTING_DOWN, Refused, bad_request
from tokenweir.pipeline.events import Failure

SERVER = "tokenweir"
"""What the server calls itself: its version and its parts are nobody's business."""

_MISDIRECTED = 421
_UNTIL_THE_END = frozenset({"/metrics"})
"""What is answered while draining, beside what is open: an operator wants to see the end."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request in, or raise Refused."""
    gateway, config = request.app[GATEWAY], request[SETUP].config
    _check_address(request, gateway.bound_host, config.server.allowed_hosts)
    _check_page(request, config.server.allowed_origins)
    if is_preflight(request) and _has_route(request):
        return permission()
    refuse_key_in_address(request)
    endpoint = request.app[ENDPOINTS].get(request.match_info.handler)
    keys = request[SETUP].loaded.keys
    if keys and not (endpoint is not None and endpoint.open):
        request[CLIENT] = client_of(request, keys)
    _check_draining(gateway, endpoint)
    return await handler(request)


def still_let_in(request: web.Request) -> str | None:
    """Ask a request that was let in once more, by the configuration that is in force now: for what goes on
    behind one, as a websocket does. The name of its client, None where no keys are configured. Raises
    Refused where it would not be let in: 401, 403 or 421."""
    gateway = request.app[GATEWAY]
    server, keys = gateway.setup.config.server, gateway.setup.loaded.keys
    _check_address(request, gateway.bound_host, server.allowed_hosts)
    _check_page(request, server.allowed_origins)
    return client_of(request, keys) if keys else None


async def add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """What every response says, streams and refusals too: called before its headers are sent."""
    response.headers[hdrs.SERVER] = SERVER
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if response.headers.get(hdrs.CONNECTION) == "close":
        response.force_close()
    if REQUEST_ID in request:
        response.headers["X-Request-Id"] = request[REQUEST_ID]
    if SETUP in request:
        open_to(request, response, request[SETUP].config.server.allowed_origins)


def _check_address(request: web.BaseRequest, bound: str, allowed: list[str]) -> None:
    """Whether the request means this server, and asks it for a path."""
    given = request.headers.getall(hdrs.HOST, [])
    if len(given) != 1:
        raise bad_request("a request has one Host")
    host = host_of(given[0])
    if host is None or not is_ours(host, bound, allowed):
        raise Refused(Failure("bad_request", why_refused(host), code="host_not_allowed"), _MISDIRECTED)
    if not request.raw_path.startswith("/"):
        raise bad_request("this server is no proxy: ask for a path", status=404)


def _check_page(request: web.BaseRequest, allowed: list[str]) -> None:
    """Whether the page that asks, if it is one, may do so."""
    if not may_ask(request.headers.getall(hdrs.ORIGIN, []), request.host, allowed):
        message = "this page may not ask here: server.allowed_origins lists those that may"
        raise Refused(Failure("auth", message, code="origin_not_allowed"), 403)


def _has_route(request: web.Request) -> bool:
    """Whether there is anything at the path, for any method."""
    return isinstance(request.match_info.http_exception, web.HTTPMethodNotAllowed)


def _check_draining(gateway: Gateway, endpoint: Endpoint | None) -> None:
    if gateway.phase is not Phase.DRAINING or endpoint is None:
        return
    if not (endpoint.open or endpoint.path in _UNTIL_THE_END):
        raise Refused(SHUTTING_DOWN, headers={"Connection": "close"})
