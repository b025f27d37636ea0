"""Embed a stream in an aiohttp service: an async generator behind a plain-text endpoint.

    python examples/embed_in_aiohttp.py            # then: curl -N 'http://127.0.0.1:8080/?q=Hello'

The backend here is the simulator, resending everything with each chunk; put `connect("lmstudio",
model="...")` in its place. A browser that leaves closes the request, the request cancels the loop, and
the loop's end closes the backend.
"""

from collections.abc import AsyncIterator

from aiohttp import web

from tokenweir import Delta, Pipeline, Source, connect
from tokenweir.stages import append_only

PIPELINE = web.AppKey("pipeline", Pipeline)


async def answer(request: web.Request) -> web.StreamResponse:
    """The answer to `?q=`, as it comes."""
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    await response.prepare(request)
    async with request.app[PIPELINE].stream(request.query.get("q", "Hello")) as stream:
        async for event in stream:
            if isinstance(event, Delta) and event.channel == "text":
                await response.write(event.text.encode())
    return response


def service(source: Source) -> web.Application:
    """The service over one source, which lives as long as the service does."""

    async def life(app: web.Application) -> AsyncIterator[None]:
        async with source:
            app[PIPELINE] = Pipeline(source, append_only())  # what is written cannot be taken back
            yield

    app = web.Application()
    app.cleanup_ctx.append(life)
    app.router.add_get("/", answer)
    return app


if __name__ == "__main__":
    web.run_app(
        service(connect("simulator", cumulative=True, rate=30)), host="127.0.0.1", handler_cancellation=True
    )
