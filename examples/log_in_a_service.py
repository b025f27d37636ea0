"""One line in the service's log for each answer, with the request's id: what happened, never what was said.

    python examples/log_in_a_service.py
    curl -N -H 'X-Request-ID: 7' 'http://127.0.0.1:8080/?q=Hello'      # in another terminal

The log is a branch beside the client's: `keeps_alive=False`, since nobody needs a log of an answer that
nobody reads any more. A client that leaves is logged too, as `cancelled`.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import structlog
from aiohttp import web

from tokenweir import Pipeline, Source, StreamError, connect
from tokenweir.sinks import SSE_HEADERS, branch, fanout, log, sse

PIPELINE = web.AppKey("pipeline", Pipeline)
LOGGER = web.AppKey("logger", object)


async def answer(request: web.Request) -> web.StreamResponse:
    """The answer to `?q=`, as server-sent events."""
    logger: Any = request.app[LOGGER]
    bound = logger.bind(request_id=request.headers.get("X-Request-ID", uuid4().hex)[:64])
    response = web.StreamResponse(headers=SSE_HEADERS)
    await response.prepare(request)
    receivers = fanout(sse(response, request), branch(log(bound), keeps_alive=False))
    with suppress(StreamError):  # the client's last event and the log have told it
        await request.app[PIPELINE].run(request.query.get("q", "Hello"), into=receivers)
    return response


def service(source: Source, logger: Any) -> web.Application:
    """The service over one source, which lives as long as the service does."""

    async def life(app: web.Application) -> AsyncIterator[None]:
        async with source:
            app[PIPELINE] = Pipeline(source)
            yield

    app = web.Application()
    app[LOGGER] = logger
    app.cleanup_ctx.append(life)
    app.router.add_get("/", answer)
    return app


def json_lines() -> Any:
    """A logger that writes one JSON object per line to standard error."""
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("iso"),
            structlog.processors.JSONRenderer(),
        ],
    )


if __name__ == "__main__":
    web.run_app(
        service(connect("simulator", rate=30), json_lines()),
        host="127.0.0.1",
        handler_cancellation=True,
        access_log=None,
    )
