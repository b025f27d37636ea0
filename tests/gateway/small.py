"""A gateway with plain routes of a test's own, on a real socket: for what stands before the handlers.

Law of this file: putting together and starting; it asserts nothing.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.gateway.configured import backend, loaded
from tokenweir.gateway.body import expect_later, read_json
from tokenweir.gateway.endpoint import ENDPOINTS, Endpoint
from tokenweir.gateway.gateway import CLIENT, GATEWAY, Gateway
from tokenweir.gateway.guard import add_headers, guard
from tokenweir.gateway.refusing import answer_refusals
from tokenweir.gateway.runner import runner_for


async def public(_request: web.Request) -> web.Response:
    """What everybody may have."""
    return web.json_response({"here": "public"})


async def private(request: web.Request) -> web.Response:
    """What a key is needed for: it tells whose it was."""
    return web.json_response({"here": "private", "client": request.get(CLIENT)})


async def echo(request: web.Request) -> web.Response:
    """What reads a body."""
    return web.json_response({"here": "echo", "body": await read_json(request)})


async def broken(_request: web.Request) -> web.Response:
    """What has a bug."""
    raise RuntimeError("a bug that has the text hunter2 in it")


ROUTES = (
    Endpoint("GET", "/public", public, open=True),
    Endpoint("GET", "/private", private),
    Endpoint("GET", "/metrics", broken),
    Endpoint("POST", "/echo", echo),
)


class Small:
    """A gateway that serves, as `raw` wants one."""

    def __init__(self, gateway: Gateway, url: str) -> None:
        self.gateway = gateway
        self.url = url


@asynccontextmanager
async def small(
    keys: Mapping[str, bytes] | None = None, bound: str = "127.0.0.1", **settings: Any
) -> AsyncGenerator[Small]:
    """The routes above behind the guard, with these parts of a configuration."""
    gateway = Gateway(loaded(backend("openai", "http://127.0.0.1:9", api_key_env=None) | settings, keys))
    gateway.bound_host = bound
    app = web.Application(middlewares=[answer_refusals, guard])
    app[GATEWAY] = gateway
    app[ENDPOINTS] = {endpoint.handler: endpoint for endpoint in ROUTES}
    app.on_response_prepare.append(add_headers)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, route.handler, expect_handler=expect_later)
    runner = runner_for(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield Small(gateway, f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()
        await gateway.setup.aclose()
