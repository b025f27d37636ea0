"""What `tokenweir serve` says first: where it is, and a command that asks it something.

Law of this file: words. The command is one that can be pasted into a shell: for a model that a backend has
just listed, with a place for a key where one is needed, and never with a key.
"""

import json
import shlex

import anyio

from tokenweir.gateway.routing import allowed
from tokenweir.gateway.server import Server
from tokenweir.gateway.setup import Served, Setup
from tokenweir.pipeline.errors import RequestError
from tokenweir.pipeline.models import Model, choose_model

PATIENCE = 1.0
"""Seconds that backends have for their lists: whoever hangs is not waited for."""

_KEY = "Authorization: Bearer <your key>"


async def greeting(server: Server, said: str) -> str:
    """The lines; `said` is what is served. Where no backend tells of a model, the command asks how things
    are."""
    setup = server.gateway.setup
    setup.enter()
    try:
        model = await _model_to_try(setup)
    finally:
        setup.leave()
    lines = [f"{said}, at {server.url}/v1 until Ctrl-C. Try:", f"  {_command(setup, server.url, model)}"]
    if setup.config.server.page:
        lines.append(f"The status page: {server.url}/")
    return "\n".join(lines)


def _command(setup: Setup, url: str, model: str | None) -> str:
    if model is None:
        return f"curl {url}/health"
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hi"}]})
    headers = [*([_KEY] if setup.loaded.keys else []), "Content-Type: application/json"]
    options = " ".join(f"-H {shlex.quote(header)}" for header in headers)
    return f"curl {url}/v1/chat/completions {options} -d {shlex.quote(body)}"


async def _model_to_try(setup: Setup) -> str | None:
    """A default model that is there; else one that is loaded, or would be. Somebody's service comes last."""
    backends = setup.backends.values()
    with anyio.move_on_after(PATIENCE):
        async with anyio.create_task_group() as group:
            for served in backends:
                group.start_soon(served.catalog.fresh)
    for served in backends:
        default = _default_of(served)
        if default is not None:
            return default
    listed = [(served.source.hosted, model) for served in backends for model in _listed(served)]
    listed.sort(key=lambda found: (found[0], found[1].state != "loaded"))
    return listed[0][1].id if listed else None


def _default_of(served: Served) -> str | None:
    name = served.settings.default_model
    try:
        return None if name is None else choose_model(name, _listed(served)).id
    except RequestError:
        return None


def _listed(served: Served) -> list[Model]:
    return allowed(served, served.catalog.models) or []
