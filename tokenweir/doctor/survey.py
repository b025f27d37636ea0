"""What is there: a server, its faces and its models, found out for nothing.

Law of this file: the questions that generate nothing, asked side by side, each within a few seconds. GETs
alone where somebody may ask for money; the only key is the one that was given for this address.
"""

from collections.abc import Callable, Mapping, Sequence

import anyio
from msgspec import Struct

from tokenweir.doctor.address import Address
from tokenweir.doctor.faces import BODY, FACES, HOSTED, NOTHING, Met, faces_of, server_of
from tokenweir.doctor.hearing import Bounds, Heard, hear
from tokenweir.doctor.judging import bad, brief, odd, ok, told, unknown
from tokenweir.doctor.signs import SIGNS, Server, Sign, recognise
from tokenweir.pipeline.connection import Transport
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import StreamError
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.protocols.payload import read_payload
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.connect import connect
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.pipeline.sources.openai_compatible import OpenAICompatible
from tokenweir.pipeline.sources.profile import Finding

_LISTED = 8
_CLOSED = (401, 403)
_LIKELY = ("openai-chat",)
"""What a server speaks that may not be asked."""
_BEGINNING = 300


class Place(Struct, frozen=True):
    """What was found at an address; no `server` where nobody answers, or nothing that is known."""

    address: Address
    server: Server | None
    faces: tuple[str, ...] = ()
    models: tuple[Model, ...] = ()


Tell = Callable[[Finding], None]


async def survey(
    address: Address,
    key: str | None,
    bounds: Bounds,
    tell: Tell,
    transport: Transport | None = None,
    *,
    may_ask: bool = True,
) -> Place:
    """Find out what is there, and tell it. Without `may_ask`, nothing but GETs is sent."""
    if address.provider is not None:
        server = Server("a hosted API", address.provider)
        place = Place(address, server, HOSTED[address.provider])
        tell(ok("server", f"{server} ({address.provider})"))
    else:
        place = await _look(address, key, bounds, tell, transport, may_ask=may_ask)
    if place.server is None:
        return place
    tell(ok("faces", ", ".join(place.faces)) if place.faces else unknown("faces", "none of those known"))
    models = await _models(source_at(place, key, bounds, transport), tell)
    return Place(address, place.server, place.faces, tuple(models))


def source_at(
    place: Place,
    key: str | None,
    bounds: Bounds,
    transport: Transport | None = None,
    model: str | None = None,
) -> HTTPSource:
    """The source of the provider that was found. An empty key keeps it from looking for one."""
    provider = place.server.provider if place.server is not None else "openai-compatible"
    source = connect(
        provider,
        place.address.base_url(provider),
        model=model,
        api_key=key or "",
        deadlines=Deadlines(first_token=bounds.short),
        transport=transport,
    )
    assert isinstance(source, HTTPSource)  # noqa: S101 - every provider that is found here is one
    return source


async def signs_of(
    address: Address, key: str | None, bounds: Bounds, transport: Transport | None = None
) -> dict[str, Heard]:
    """The answers to SIGNS."""
    return await _ask_all(address, key, bounds, dict.fromkeys(SIGNS), transport)


async def _look(
    address: Address,
    key: str | None,
    bounds: Bounds,
    tell: Tell,
    transport: Transport | None,
    *,
    may_ask: bool,
) -> Place:
    heard = await signs_of(address, key, bounds, transport)
    if all(one.status is None for one in heard.values()):
        tell(bad("server", f"nobody answers: {told(heard['/'].failure)}", "does it run?"))
        return Place(address, None)
    faces: tuple[str, ...] = _LIKELY
    if may_ask:
        asked = dict.fromkeys([*FACES.values(), NOTHING], BODY)
        met = await _ask_all(address, key, bounds, asked, transport)
        faces = faces_of({path: Met(one.status, _text(one)) for path, one in met.items()})
    server = recognise(read_signs(heard))
    if server is not None:
        tell(ok("server", str(server)))
        return Place(address, server, faces)
    server = server_of(faces)
    said = "it does not say what it is"
    if server is not None:
        tell(odd("server", said, f"tokenweir asks it as {server.provider}"))
    elif any(one.status in _CLOSED for one in heard.values()):
        tell(bad("server", "it wants a key", "name the variable that holds it with --api-key-env"))
    else:
        tell(bad("server", f"{said}, and speaks no API that is known", "is it the right address?"))
    return Place(address, server, faces)


async def _ask_all(
    address: Address,
    key: str | None,
    bounds: Bounds,
    paths: Mapping[str, Mapping[str, int] | None],
    transport: Transport | None,
) -> dict[str, Heard]:
    """Each path's answer; all of them are asked at once."""
    answers: dict[str, Heard] = {}
    short = Bounds(first=bounds.short, size=bounds.size)
    async with OpenAICompatible(address.root + "/v1", api_key=key, transport=transport) as source:

        async def ask(path: str, body: Mapping[str, int] | None) -> None:
            answers[path] = await hear(source, source.question(address.root + path, body), short)

        async with anyio.create_task_group() as group:
            for path, body in paths.items():
                group.start_soon(ask, path, body)
    return answers


def read_signs(heard: Mapping[str, Heard]) -> dict[str, Sign]:
    """The answers as signs; those that never came are left out."""
    return {
        path: Sign(one.status, one.server, _json(one.body), _text(one))
        for path, one in heard.items()
        if one.status is not None
    }


def _text(heard: Heard) -> str:
    return heard.body[:_BEGINNING].decode("utf-8", "replace")


def _json(body: bytes) -> object:
    try:
        return read_payload(body)
    except ValueError:
        return None


async def _models(source: Source, tell: Tell) -> Sequence[Model]:
    async with source:
        try:
            models = await source.models()
        except StreamError as failed:
            tell(odd("models", f"they are not told: {told(failed.failure)}", "name one with model="))
            return ()
    if not models:
        tell(odd("models", "none", "name one with model="))
    else:
        more = f" and {len(models) - _LISTED} more" if len(models) > _LISTED else ""
        tell(ok("models", ", ".join(map(_shown, models[:_LISTED])) + more))
    return models


def _shown(model: Model) -> str:
    context = "" if model.context is None else f", {model.context:,} tokens"
    state = "" if model.state == "unknown" else model.state.replace("_", " ")
    beside = (state + context).removeprefix(", ")
    return f"{brief(model.id)} ({beside})" if beside else brief(model.id)
