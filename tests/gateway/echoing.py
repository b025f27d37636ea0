"""A backend that repeats its credentials wherever it can, and keeps what it was sent.

Law of this file: the worst that a backend may do with a key (fault S10); it asserts nothing.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

from aiohttp import web

Manner = Literal["answers", "401", "429", "500", "html", "redirects", "fails later", "fails first"]


class Echoing:
    """Its `manner` is how it answers; `seen` are the headers and bodies that came."""

    def __init__(self) -> None:
        self.manner: Manner = "answers"
        self.url = ""
        self.seen: list[tuple[dict[str, str], str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One answer, or what stands for it."""
        self.seen.append((dict(request.headers), await request.text()))
        key = request.headers.get("Authorization", "")
        told = {"error": {"message": f"{key} is bad", "type": key, "code": key}}
        if self.manner in ("401", "429", "500"):
            return web.json_response(told, status=int(self.manner))
        if self.manner == "html":
            return web.Response(text=f"<html>{key}</html>", content_type="text/html")
        if self.manner == "redirects":
            return web.Response(status=307, headers={"Location": f"{self.url}/elsewhere?key={key}"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if self.manner != "fails first":
            await response.write(b'data: {"model":"m","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n')
        if self.manner.startswith("fails"):
            await response.write(f'data: {{"error":{{"message":"no {key}","code":500}}}}\n\n'.encode())
        else:
            end = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
            await response.write(f"data: {end}\n\ndata: [DONE]\n\n".encode())
        return response


async def _models(_request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": "m", "object": "model"}]})


@asynccontextmanager
async def echoing() -> AsyncGenerator[Echoing]:
    """One that serves; `url` is its address, with `/v1`."""
    backend = Echoing()
    app = web.Application()
    app.router.add_get("/v1/models", _models)
    app.router.add_post("/v1/chat/completions", backend.answer)
    app.router.add_post("/v1/elsewhere", backend.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        backend.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield backend
    finally:
        await runner.cleanup()
