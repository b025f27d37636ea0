"""The outermost middleware: every request gets an id, a configuration, and an answer in OpenAI's form.

Law of this file: whatever is raised inside becomes a response here, and a bug of ours says nothing of itself
to the client (fault S10). It knows no route.
"""

from difflib import get_close_matches

from aiohttp import web
from aiohttp.typedefs import Handler

from tokenweir.gateway.endpoint import ENDPOINTS
from tokenweir.gateway.gateway import BEGUN, GATEWAY, NOTE, REQUEST_ID, SETUP, new_request_id
from tokenweir.gateway.log import log_refused, log_trouble
from tokenweir.gateway.refused import Refused, bad_request, response_to
from tokenweir.pipeline.events import Failure, FailureKind

_KINDS: dict[int, FailureKind] = {404: "bad_request", 405: "bad_request", 413: "limit"}


@web.middleware
async def answer_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each request its id and the configuration in force, and turn what is raised into a response."""
    gateway = request.app[GATEWAY]
    setup = gateway.setup
    request[REQUEST_ID], request[SETUP] = new_request_id(), setup
    setup.enter()
    try:
        return await handler(request)
    except Refused as refused:
        return _told(request, refused)
    except web.HTTPException as refused:
        return _told(request, _from_aiohttp(request, refused))
    except ConnectionError:
        raise
    except Exception as bug:  # noqa: BLE001 - the client is told nothing of it, and the log is
        return _told(request, refused_by_bug(request[REQUEST_ID], bug))
    finally:
        setup.leave()


def refused_by_bug(request_id: str, bug: Exception) -> Refused:
    """What is told of a bug of ours: the log has it, the client the id to look for."""
    log_trouble("bug", request=request_id, error=f"{type(bug).__name__}: {bug}")
    message = f"something went wrong in the gateway; its log tells (request {request_id})"
    return Refused(Failure("stage", message))


def _told(request: web.Request, refused: Refused) -> web.Response:
    if BEGUN in request:
        msg = "a stream that has begun cannot be answered once more: its client sees a cut"
        raise ConnectionResetError(msg)
    gateway = request.app[GATEWAY]
    gateway.metrics.refused(refused.status)
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    if NOTE not in request:
        log_refused(request[REQUEST_ID], request.method, route, refused.status, refused.failure.kind)
    return response_to(refused)


def _from_aiohttp(request: web.Request, refused: web.HTTPException) -> Refused:
    """aiohttp's own refusals: no such path, no such method, a body that is too large."""
    if isinstance(refused, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(refused.allowed_methods))
        found = bad_request(f"{request.method} is not allowed here: {allowed}", status=405)
        found.headers["Allow"] = allowed
        return found
    message = _nothing_at(request) if isinstance(refused, web.HTTPNotFound) else (refused.reason or "")
    return Refused(Failure(_KINDS.get(refused.status, "bad_request"), message), refused.status)


def _nothing_at(request: web.Request) -> str:
    """Whoever left `/v1` out, or put a slash behind, is told the path."""
    known = [endpoint.path for endpoint in request.app[ENDPOINTS].values() if "{" not in endpoint.path]
    wanted = request.path.rstrip("/")
    near = [path for path in known if path in (wanted, f"/v1{wanted}")] or get_close_matches(wanted, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"there is nothing at {request.path}{hint}"
