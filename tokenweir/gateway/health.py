"""`GET /health`, `/health/live` and `/health/ready`: whether the gateway serves, and what it knows of its
backends.

Law of this file: from memory alone (PROMISES P22). No backend is asked, no key is needed, and what is shown
is nobody's secret: names and figures of the configuration, and no address.
"""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import msgspec
from aiohttp import web

from tokenweir.config.schema import HTTPSettings
from tokenweir.gateway.gateway import GATEWAY, SETUP, Gateway, Phase
from tokenweir.gateway.known import backend_state, checked_ago
from tokenweir.gateway.routing import allowed
from tokenweir.gateway.setup import Served
from tokenweir.pipeline.clock import running_clock

VERSION = version("tokenweir")

_STATUS = {Phase.STARTING: "starting", Phase.READY: "ok", Phase.DRAINING: "draining"}


async def health(request: web.Request) -> web.Response:
    """All of it. The status is 200 as long as anybody answers at all: `ready` is the word to go by. The word
    `degraded` says that requests are taken, and that each backend was down when it was last asked."""
    gateway = request.app[GATEWAY]
    backends = request[SETUP].backends
    told: dict[str, Any] = {
        "status": "degraded" if _in_vain(gateway, backends.values()) else _STATUS[gateway.phase],
        "live": True,
        "ready": is_ready(gateway),
        "preloaded": request[SETUP].warm.preloaded,
        "version": VERSION,
        "uptime_secs": round(running_clock()() - gateway.started, 3),
        "streams": len(gateway.live),
        "backends": {name: _backend(served) for name, served in backends.items()},
        "http": {name: _http(served.settings.http) for name, served in backends.items()},
    }
    return answered(told)


async def live(_request: web.Request) -> web.Response:
    """200 for as long as this process can say so."""
    return answered({"live": True})


async def ready(request: web.Request) -> web.Response:
    """200 where requests are taken, else 503."""
    gateway = request.app[GATEWAY]
    told = is_ready(gateway)
    return answered({"ready": told, "status": _STATUS[gateway.phase]}, 200 if told else 503)


def is_ready(gateway: Gateway) -> bool:
    """Whether requests are taken."""
    return gateway.phase is Phase.READY


def _in_vain(gateway: Gateway, backends: Iterable[Served]) -> bool:
    """Whether requests are taken, though nobody is known to be there to answer them."""
    return is_ready(gateway) and all(backend_state(served.catalog) == "down" for served in backends)


def answered(told: object, status: int = 200) -> web.Response:
    """A JSON answer that nobody keeps."""
    body = msgspec.json.encode(told)
    return web.Response(
        body=body, status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def _backend(served: Served) -> dict[str, Any]:
    known = allowed(served, served.catalog.models)
    return {
        "provider": served.settings.provider,
        "state": backend_state(served.catalog),
        "checked_secs_ago": checked_ago(served.catalog),
        "models": None if known is None else len({model.id for model in known}),
    }


def _http(settings: HTTPSettings) -> dict[str, Any]:
    return {
        "timeout_secs": settings.timeout_secs,
        "connect_timeout_secs": settings.connect_timeout_secs,
        "keep_alive_secs": settings.keep_alive_secs,
        "max_idle_connections": settings.max_idle_connections,
    }
