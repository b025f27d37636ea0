"""`GET /v1/models`, one model, and its status: what can be asked for, and what is known of it.

Law of this file: OpenAI's entries, with what our backends tell beside them. A backend that does not answer in
time is left out, and nobody waits for it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import anyio
from aiohttp import web

from tokenweir.gateway.gateway import SETUP
from tokenweir.gateway.health import answered
from tokenweir.gateway.known import merged, model_known
from tokenweir.gateway.routing import allowed, targets_of
from tokenweir.gateway.setup import Served, Setup
from tokenweir.pipeline.clock import wall_time
from tokenweir.pipeline.json_value import as_count, as_object
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.protocols.payload import read_payload

PATIENCE = 1.8
"""Seconds for the lists of all backends together."""


class Listed(NamedTuple):
    """A model of a backend."""

    served: Served
    model: Model


async def models(request: web.Request) -> web.Response:
    """The models of all backends, and the names that routes give them."""
    setup = request[SETUP]
    found = await list_all(setup)
    entries = [entry(setup, one) for one in found]
    known = {one["id"] for one in entries}
    entries += [_alias(name, served) for name, served in _aliases(setup) if name not in known]
    return answered({"object": "list", "data": entries})


async def model(request: web.Request) -> web.Response:
    """One entry of that list. Raises Refused (404) where there is no such model, with the nearest names."""
    setup, asked = request[SETUP], name_in(request)
    for name, served in _aliases(setup):
        if name == asked:
            return answered(_alias(name, served))
    return answered(entry(setup, await find(setup, asked)))


async def status(request: web.Request) -> web.Response:
    """What is known of one model: whether it is loaded, and how far a load is. Raises Refused (404)."""
    setup = request[SETUP]
    found = await find(setup, name_in(request))
    return answered(model_known(setup, found.served, found.model))


def name_in(request: web.Request) -> str:
    """The name of the model in the path, which may hold slashes, encoded or not."""
    return request.match_info["id"]


async def find(setup: Setup, name: str) -> Listed:
    """The model that a request for this name would get. Raises Refused (404)."""
    served, chosen = (await targets_of(setup, name))[0]
    for model in await served.catalog.knowing(chosen or name) or ():
        if chosen in (model.id, model.instance):
            return Listed(served, model)
    return Listed(served, Model(chosen or name))


async def list_all(setup: Setup) -> list[Listed]:
    """The models of every backend that lists them in time, each name once, in the order of the backends."""
    lists: dict[str, list[Model]] = {}

    async def look(served: Served) -> None:
        lists[served.name] = merged(allowed(served, await served.catalog.fresh()) or [])

    with anyio.move_on_after(PATIENCE):
        async with anyio.create_task_group() as group:
            for served in setup.backends.values():
                group.start_soon(look, served)
    found: dict[str, Listed] = {}
    for served in setup.backends.values():
        for model in lists.get(served.name, ()):
            found.setdefault(model.id, Listed(served, model))
    return list(found.values())


def entry(setup: Setup, listed: Listed) -> dict[str, Any]:
    """A model as OpenAI has it, with all four fields that typed clients need, and what is known beside."""
    served, model = listed
    told = model_known(setup, served, model)
    owner = served.settings.provider
    made: dict[str, Any] = {"id": model.id, "object": "model", "created": _created(model), "owned_by": owner}
    return made | {
        name: told[name] for name in ("backend", "state", "size", "context") if told[name] is not None
    }


def _created(model: Model) -> int:
    """When the backend says that it was made; else when somebody asks, which no client goes by."""
    native = as_object(None if model.native is None else read_payload(model.native))
    return as_count(native.get("created")) or int(wall_time())


def _alias(name: str, served: Served) -> dict[str, Any]:
    made = {"id": name, "object": "model", "created": int(wall_time()), "owned_by": served.settings.provider}
    return made | {"backend": served.name}


def _aliases(setup: Setup) -> Sequence[tuple[str, Served]]:
    """The names that routes give to models: patterns are none."""
    return [
        (route.model, setup.backends[route.backends[0]])
        for route in setup.config.routes
        if not any(sign in route.model for sign in "*?[")
    ]
