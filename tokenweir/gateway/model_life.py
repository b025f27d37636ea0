"""`POST /v1/models/{id}/load` and `/unload`: orders about models.

Law of this file: what a client is told of a load; the load itself stands in loads.py, and goes on for as long
as anybody waits for it. What a backend cannot do at all is 501: asking again will not help.
"""

from typing import Any

import msgspec
from aiohttp import hdrs, web

from tokenweir.gateway.body import check_type, read_json
from tokenweir.gateway.gateway import GATEWAY, REQUEST_ID, SETUP
from tokenweir.gateway.health import answered
from tokenweir.gateway.known import model_known
from tokenweir.gateway.loads import Load
from tokenweir.gateway.log import log_trouble
from tokenweir.gateway.models import Listed, find, name_in
from tokenweir.gateway.refused import Refused, bad_request, error_of
from tokenweir.gateway.setup import Served, Setup
from tokenweir.gateway.wire import Wire
from tokenweir.pipeline.errors import CannotError, MisuseError, StreamError
from tokenweir.pipeline.events import Failure

_NOT_IMPLEMENTED = 501
_OF_PAGES = frozenset({"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"})
"""Types that a web page can send to anybody without asking, without a body too (PROMISES P26)."""


async def load(request: web.Request) -> web.StreamResponse:
    """Load a model, and answer when it is loaded; or tell how far it is, where events are asked for.

    Raises Refused where it fails before anything was told.
    """
    setup, streamed = request[SETUP], await _wants_events(request)
    found = await find(setup, name_in(request))
    with setup.warm.loads.joined(found.served, found.model.id) as loading:
        if streamed:
            return await _tell(request, loading, found.served)
        await loading.over()
    refused = _refused(loading, found.served)
    if refused is not None:
        raise refused
    return answered(await _known(setup, found) | {"seconds": round(loading.seconds, 3)})


async def unload(request: web.Request) -> web.Response:
    """Unload a model. Raises Refused where the backend cannot, or does not."""
    _check_page(request)
    setup = request[SETUP]
    found = await find(setup, name_in(request))
    try:
        await found.served.source.unload(found.model.id)
    except CannotError as cannot:
        raise _cannot(str(cannot)) from None
    except StreamError as failed:
        raise Refused(found.served.unnamed(failed.failure)) from None
    except MisuseError as wrong:
        raise bad_request(str(wrong)) from None
    except Exception as bug:  # noqa: BLE001 - a plug-in's bug is its backend's, as with a load
        log_trouble("unload_broken", backend=found.served.name, error=type(bug).__name__)
        failure = Failure("upstream", f"the unload broke: {type(bug).__name__}")
        raise Refused(failure) from None
    finally:
        found.served.catalog.forget()
    return answered(await _known(setup, found))


async def _known(setup: Setup, found: Listed) -> dict[str, Any]:
    """The status after an order, from a new list."""
    served, old = found
    listed = await served.catalog.fresh() or ()
    now = next((model for model in listed if model.id == old.id), old)
    return model_known(setup, served, now)


def _check_page(request: web.Request) -> None:
    """No body is an order as well, and so the type counts without one. Raises Refused (415)."""
    if hdrs.CONTENT_TYPE in request.headers and request.content_type in _OF_PAGES:
        check_type(request)


async def _wants_events(request: web.Request) -> bool:
    _check_page(request)
    body = await read_json(request) if request.can_read_body else {}
    for name in sorted(set(body) - {"stream"}):
        raise bad_request(f"{name!r} is nothing that a load takes; there is `stream`", name)
    stream = body.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise bad_request("stream is true or false", "stream")
    return stream is True or (stream is None and "text/event-stream" in request.headers.get("Accept", ""))


async def _tell(request: web.Request, loading: Load, served: Served) -> web.StreamResponse:
    """`event: phase` whenever there is news, and one `event: end`. A client that takes no byte is cut, and
    so leaves the load, as it leaves an answer."""
    config, beats = request[SETUP].config, request.app[GATEWAY].beats
    wire = Wire(request, config.server.heartbeat_secs, config.limits.write_timeout_secs)
    beats.add(wire.beat)
    try:
        await _follow(wire, loading)
        refused = _refused(loading, served)
        if refused is not None and not wire.open:
            raise refused
        await wire.write(_frame("end", _end(loading, refused, request[REQUEST_ID])))
        await wire.end()
    finally:
        beats.discard(wire.beat)
    return wire.response


async def _follow(wire: Wire, loading: Load) -> None:
    while True:
        news = loading.news
        if loading.ended is not None:
            return
        told: dict[str, Any] = {"id": loading.model, "backend": loading.backend, "phase": "loading"}
        told |= {"progress": loading.progress, "elapsed": round(loading.seconds, 3)}
        await wire.write(_frame("phase", told))
        await news.wait()


def _end(loading: Load, refused: Refused | None, request_id: str) -> dict[str, Any]:
    told: dict[str, Any] = {"id": loading.model, "backend": loading.backend, "outcome": loading.outcome}
    told |= {"seconds": round(loading.seconds, 3), "requestId": request_id, "error": None}
    return told if refused is None else told | error_of(refused)


def _refused(loading: Load, served: Served) -> Refused | None:
    """Why there is nothing loaded; where the backend is, is nothing for clients."""
    if loading.cannot is not None:
        return _cannot(loading.cannot)
    return None if loading.failure is None else Refused(served.unnamed(loading.failure))


def _cannot(message: str) -> Refused:
    return Refused(Failure("bad_request", message, code="cannot"), _NOT_IMPLEMENTED)


def _frame(event: str, told: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event.encode(), msgspec.json.encode(told))
