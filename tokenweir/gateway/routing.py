"""Which backend answers a request for a model, and by which name it knows that model.

Law of this file: names alone. A request chooses among what is configured, and nothing in it can name a host
or a credential (PROMISES P25). Whoever lists no models, or does not answer, is believed to have what it is
asked for where nobody else has it.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

import anyio
from msgspec.structs import replace

from tokenweir.config.schema import Route
from tokenweir.gateway.refused import Refused, refused_by
from tokenweir.gateway.setup import Served, Setup
from tokenweir.pipeline.errors import RequestError
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.models import LOADED_MODEL, Model, choose_model
from tokenweir.pipeline.sources.http import HTTPSource


class Target(NamedTuple):
    """A backend, and the model that it is asked for. None leaves it to the backend."""

    served: Served
    model: str | None


async def targets_of(setup: Setup, model: str | None) -> list[Target]:
    """The backends to ask, in their order. Raises Refused (404) where nobody has the model: its message
    lists what there is."""
    for route in setup.config.routes:
        if model is not None and fnmatchcase(model, route.model):
            return await _routed(setup, route, model)
    if model is None or model == LOADED_MODEL:
        return [await _default(setup)]
    own, _, rest = model.partition("/")
    if rest and own in setup.backends and len(setup.backends) > 1:
        return [await _named(setup.backends[own], rest)]
    return [await _found(list(setup.backends.values()), model)]


async def _routed(setup: Setup, route: Route, model: str) -> list[Target]:
    """Whoever does not have the model is passed over, as long as somebody has it; whoever did not answer
    lately is asked last."""
    found: list[Target] = []
    refused: Refused | None = None
    for name in route.backends:
        try:
            found.append(await _named(setup.backends[name], route.ask_for or model))
        except Refused as unknown:
            refused = refused or unknown
    if not found and refused is not None:
        raise refused
    return sorted(found, key=lambda target: target.served.catalog.failure is not None)


async def _default(setup: Setup) -> Target:
    """The first default model; else the one that is loaded at the first backend that answers."""
    for served in setup.backends.values():
        chosen = served.settings.default_model
        if chosen is not None:
            try:
                return await _named(served, chosen)
            except Refused as unknown:
                message = f"the default model of {served.name!r}: {unknown}"
                raise Refused(Failure("model_not_found", message)) from None
    silent: list[str] = []
    for served in setup.backends.values():
        target = await _named(served, None)
        if served.catalog.failure is None or not _needs_model(served):
            return target
        silent.append(served.name)
    message = f"{', '.join(silent)}: no answer; name a model, or configure a default_model"
    raise Refused(Failure("connect", message))


def _needs_model(served: Served) -> bool:
    return isinstance(served.source, HTTPSource) and served.source.model_required


async def _named(served: Served, model: str | None) -> Target:
    """One backend, whose models alone count."""
    if served.settings.provider == "simulator" and model is None:
        return Target(served, None)
    listed = await served.catalog.knowing(model or LOADED_MODEL)
    available = allowed(served, listed)
    if available is None or listed is None:
        return _believed(served, model)
    return Target(served, _chosen(model, available, hidden=len(listed) - len(available)))


async def _found(backends: Sequence[Served], model: str) -> Target:
    """Whoever has the model by exactly this name, else by a name of which this is a part. Nobody is asked
    where the name is known: a backend that hangs keeps nobody from the others."""
    for served in backends:
        known = allowed(served, served.catalog.models) or ()
        if any(model in (one.id, one.instance) for one in known):
            return Target(served, model)
    lists: dict[str, list[Model] | None] = {}

    async def look(served: Served) -> None:
        lists[served.name] = allowed(served, await served.catalog.knowing(model))

    async with anyio.create_task_group() as group:
        for served in backends:
            group.start_soon(look, served)
    for served in backends:
        if any(model in (one.id, one.instance) for one in lists[served.name] or ()):
            return Target(served, model)
    everything = [one for served in backends for one in lists[served.name] or ()]
    hidden = sum(len(served.catalog.models or ()) for served in backends) - len(everything)
    unknown = [served for served in backends if lists[served.name] is None]
    try:
        chosen = _chosen(model, everything, hidden=max(0, hidden))
    except Refused as nobody:
        return _silent(unknown, model, nobody)
    owner = next(s for s in backends if any(chosen == one.id for one in lists[s.name] or ()))
    return Target(owner, chosen)


def _silent(unknown: Sequence[Served], model: str, nobody: Refused) -> Target:
    """The first of those that do not tell their models that may have it."""
    for served in unknown:
        if _may(served, model):
            return Target(served, model)
    for served in unknown:
        _check_silence(served, model)
    raise nobody


def _chosen(model: str | None, available: Sequence[Model], *, hidden: int = 0) -> str:
    """Where nobody says which, the only one there is will do: its backend loads it."""
    names = {one.id for one in available}
    if (model is None or model == LOADED_MODEL) and len(names) == 1:
        return names.pop()
    try:
        chosen = choose_model(model, available)
    except RequestError as unknown:
        if hidden:
            message = f"{unknown.failure.message} (allowed_models leaves out {hidden} that are there)"
            raise Refused(replace(unknown.failure, message=message)) from None
        raise refused_by(unknown) from None
    return model if model is not None and model == chosen.instance else chosen.id


def _believed(served: Served, model: str | None) -> Target:
    if model is not None and not _may(served, model):
        _check_silence(served, model)
        named = ", ".join(served.settings.allowed_models)
        raise Refused(Failure("model_not_found", f"{model!r} is not allowed here; allowed: {named}"))
    return Target(served, model)


def _may(served: Served, model: str) -> bool:
    """Where no list says what there is, a part of a name may be that of any model: whole names count."""
    wanted = served.settings.allowed_models
    return not wanted or model.casefold() in map(str.casefold, wanted)


def _check_silence(served: Served, model: str) -> None:
    """Raises Refused where the name may well be one of those that are allowed, and its backend cannot say."""
    parts = [one for one in served.settings.allowed_models if one.casefold() in model.casefold()]
    if parts and served.catalog.failure is not None:
        message = f"{served.name} does not tell its models, and {parts[0]!r} is a part of a name at most"
        raise Refused(replace(served.catalog.failure, message=message))


def allowed(served: Served, models: Sequence[Model] | None) -> list[Model] | None:
    """Those of a backend's models that the configuration lets be asked."""
    wanted = served.settings.allowed_models
    if models is None or not wanted:
        return None if models is None else list(models)
    chosen: set[str] = set()
    for name in wanted:
        try:
            chosen.add(choose_model(name, models).id)
        except RequestError:
            continue
    return [model for model in models if model.id in chosen]
