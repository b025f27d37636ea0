"""`GET /api/status`: what goes on, for the status page.

Law of this file: figures and names, and no text of any prompt or answer (fault S16). Times are seconds; how
long ago something was is told instead of a date, so that no two clocks are compared.
"""

from typing import Any

from aiohttp import web

from tokenweir.gateway.gateway import GATEWAY, SETUP, Gateway
from tokenweir.gateway.health import VERSION, answered
from tokenweir.gateway.known import backend_state, checked_ago, merged, model_known
from tokenweir.gateway.live import Answer
from tokenweir.gateway.loads import Load
from tokenweir.gateway.rates import Rates
from tokenweir.gateway.routing import allowed
from tokenweir.gateway.setup import Served, Setup
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.sources.base import Source

RATES = web.AppKey("rates", Rates)


async def status(request: web.Request) -> web.Response:
    """All of it, from memory: no backend is asked."""
    gateway, setup, rates = request.app[GATEWAY], request[SETUP], request.app[RATES]
    now = running_clock()()
    told: dict[str, Any] = {
        "phase": gateway.phase.value,
        "version": VERSION,
        "uptime": _ago(gateway.started, now),
        "generation": gateway.generation,
        "failed_reloads": gateway.failed_reloads,
        "preloaded": setup.warm.preloaded,
        "backends": [_backend(setup, served) for served in setup.backends.values()],
        "loads": [_load(load) for load in setup.warm.loads],
        "live": [_live(answer, now, rates) for answer in gateway.live],
        "recent": [_recent(answer, now) for answer in gateway.live.recent],
        "totals": _totals(gateway),
    }
    return answered(told)


def _backend(setup: Setup, served: Served) -> dict[str, Any]:
    catalog = served.catalog
    known = merged(allowed(served, catalog.models) or [])
    return {
        "name": served.name,
        "provider": served.settings.provider,
        "hosted": served.source.hosted,
        "unloads": type(served.source).unload is not Source.unload,
        "state": backend_state(catalog),
        "checked_ago": checked_ago(catalog),
        "answering": served.slots.taken,
        "waiting": served.slots.waiting,
        "places": served.settings.max_concurrent,
        "default_model": served.settings.default_model,
        "models": [model_known(setup, served, model) for model in known],
    }


def _load(load: Load) -> dict[str, Any]:
    return {
        "backend": load.backend,
        "model": load.model,
        "progress": load.progress,
        "elapsed": round(load.seconds, 3),
        "waiters": load.waiters,
    }


def _live(answer: Answer, now: float, rates: Rates) -> dict[str, Any]:
    return _named(answer) | {
        "state": answer.state,
        "progress": answer.progress,
        "started_ago": _ago(answer.started, now),
        "first_token_after": _first(answer),
        "tokens": answer.tokens,
        "characters": answer.characters,
        "tokens_per_second": rates.of(answer, now),
    }


def _recent(answer: Answer, now: float) -> dict[str, Any]:
    ended = answer.started if answer.ended is None else answer.ended
    usage, stats = answer.usage, None if answer.end is None else answer.end.stats
    speed = None if stats is None else stats.tokens_per_second
    return _named(answer) | {
        "outcome": answer.outcome,
        "kind": None if answer.failure is None else answer.failure.kind,
        "ended_ago": _ago(ended, now),
        "duration": round(ended - answer.started, 3),
        "first_token_after": _first(answer),
        "tokens": answer.tokens if usage is None or usage.output is None else usage.output,
        "characters": answer.characters,
        "tokens_per_second": None if speed is None else round(speed, 2),
    }


def _named(answer: Answer) -> dict[str, Any]:
    """The request's own name for a model is shown by what it has become, where that is known."""
    return {
        "id": answer.request_id,
        "endpoint": answer.endpoint,
        "client": answer.key,
        "backend": answer.backend,
        "model": answer.model,
    }


def _totals(gateway: Gateway) -> dict[str, Any]:
    live = gateway.live
    return {"started": live.begun, "ended": gateway.metrics.over, "live": len(live)}


def _first(answer: Answer) -> float | None:
    return None if answer.first_token is None else round(answer.first_token - answer.started, 3)


def _ago(when: float, now: float) -> float:
    return round(now - when, 3)
