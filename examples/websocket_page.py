"""A page that shows the tokens as they come, over a websocket, with a button that stops the backend.

    python examples/websocket_page.py      # then open http://127.0.0.1:8080/ in a browser

The page is websocket_page.html, in plain JavaScript. It opens one websocket per answer: the question
goes up, each event comes down as JSON, and the close code says how it ended.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import anyio
from aiohttp import WSMsgType, web

from tokenweir import Pipeline, Source, connect
from tokenweir.pipeline.errors import SinkError
from tokenweir.sinks import close_code, websocket

PAGE = Path(__file__).with_suffix(".html")
PIPELINE = web.AppKey("pipeline", Pipeline)


async def page(_request: web.Request) -> web.FileResponse:
    """The page itself."""
    return web.FileResponse(PAGE)


async def answers(request: web.Request) -> web.WebSocketResponse:
    """One answer. Whoever closes the websocket in the middle of it frees the backend at once."""
    if request.headers.get("Origin") != f"{request.scheme}://{request.host}":
        raise web.HTTPForbidden(text="only this service's own page may ask")  # any page can open a websocket
    ws = web.WebSocketResponse(heartbeat=20, max_msg_size=64 * 1024)
    await ws.prepare(request)
    asked = await ws.receive()
    if asked.type is WSMsgType.TEXT:
        async with anyio.create_task_group() as group:
            group.start_soon(_until_closed, ws, group.cancel_scope)
            with suppress(SinkError):  # the page has left, or has taken nothing for long
                report = await request.app[PIPELINE].run(asked.data, into=websocket(ws), check=False)
                await ws.close(code=close_code(report.end))
            group.cancel_scope.cancel()
    return ws


async def _until_closed(ws: web.WebSocketResponse, running: anyio.CancelScope) -> None:
    """Read beside the run: pings are answered, and a peer that leaves in silence is noticed."""
    async for _message in ws:
        pass
    running.cancel()


def service(source: Source) -> web.Application:
    """The service over one source, which lives as long as the service does."""

    async def life(app: web.Application) -> AsyncIterator[None]:
        async with source:
            app[PIPELINE] = Pipeline(source)
            yield

    app = web.Application()
    app.cleanup_ctx.append(life)
    app.router.add_get("/", page)
    app.router.add_get("/answers", answers)
    return app


if __name__ == "__main__":
    web.run_app(
        service(connect("simulator", cumulative=True, load_seconds=2, rate=30)),
        host="127.0.0.1",
        handler_cancellation=True,
    )
