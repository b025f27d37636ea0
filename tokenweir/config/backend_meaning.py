"""What the structs cannot say of one backend: whether it could be asked at all.

Law of this file: it is made once, as the gateway makes it, and thrown away; making asks nothing of the
network. Every message stands at the key that has to be changed.
"""

import re
from collections.abc import Mapping
from typing import Any

from tokenweir.config.options_meaning import made
from tokenweir.config.plain_file import UnreadableError, read_plain_file
from tokenweir.config.reading import Key, Reading
from tokenweir.config.schema import Backend
from tokenweir.config.stages import stage_of
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.models import LOADED_MODEL
from tokenweir.pipeline.plugins import plugin
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.connect import SOURCES
from tokenweir.pipeline.sources.credentials import read_base_url
from tokenweir.pipeline.sources.parameters import check_parameters
from tokenweir.pipeline.sources.profile import read_profile
from tokenweir.stages.coalesce import coalesce

_ELSEWHERE: Mapping[str, str] = {
    "api_key": "api_key_env or api_key_file: no key stands in a configuration",
    "base_url": "base_url",
    "deadlines": "http",
    "mode": "streaming.mode",
    "model": "default_model",
    "profile": "profile",
    "provider": "provider",
    "transport": "http",
}
"""Options of `connect` that have keys of their own."""
_ENDS = ("/completions", "/messages", "/responses", "/models", "/api/chat", "/api/generate")
_PROFILE_SIZE = 1024 * 1024
OF_THE_REQUEST = ("messages", "model", "prompt", "stream", "stream_options")
"""What a request says itself."""


def check_backend(reading: Reading, way: Key, backend: Backend) -> None:
    """Tell the reading what is wrong with the backend whose settings stand at `way`."""
    _check_stages(reading, way, backend)
    _check_models(reading, way, backend)
    _check_times(reading, way, backend)
    source = _source(reading, way, backend)
    hosted = source is not None and source.hosted
    provider = "" if reading.faulty(*way, "provider") else backend.provider
    check_request(reading, (*way, "defaults"), backend.defaults, provider, hosted=hosted)


def check_request(
    reading: Reading, way: Key, parameters: Mapping[str, Any], provider: str, *, hosted: bool = False
) -> None:
    """Tell the reading which of a request's parameters cannot be."""
    for name, value in parameters.items():
        if name in OF_THE_REQUEST:
            reading.wrong((*way, name), "the request itself says that: leave it out")
            continue
        try:
            check_parameters(provider, {name: value}, hosted=hosted)
        except MisuseError as refused:
            reading.wrong((*way, name), str(refused).removeprefix(f"{name}={value!r:.60}: "))


def _source(reading: Reading, way: Key, backend: Backend) -> Source | None:
    """The backend's source; None where it cannot be made."""
    right = [
        _known_provider(reading, way, backend.provider),
        _usable_address(reading, (*way, "base_url"), backend.base_url),
        _usable_profile(reading, (*way, "profile"), backend.profile),
    ]
    for name in backend.options:
        if name in _ELSEWHERE:
            right.append(False)
            reading.wrong((*way, "options", name), f"this stands elsewhere: {_ELSEWHERE[name]}")
    return made(reading, way, backend) if all(right) else None


def _known_provider(reading: Reading, way: Key, provider: str) -> bool:
    if reading.faulty(*way, "provider"):
        return False
    try:
        return provider in SOURCES or bool(plugin("tokenweir.sources", provider, SOURCES))
    except MisuseError as unknown:
        plain = re.sub(r"[ _.-]", "", provider.lower())
        meant = next((one for one in SOURCES if one.replace("-", "") == plain), None)
        what = str(unknown) if meant is None else f"no provider {provider!r}: write provider: {meant}"
        reading.wrong((*way, "provider"), what)
        return False


def _usable_address(reading: Reading, key: Key, url: str | None) -> bool:
    """The address is never shown: it may hold a password."""
    fault = None if url is None else _address_fault(url)
    if fault is not None:
        reading.wrong(key, fault)
    return fault is None


def _address_fault(url: str) -> str | None:
    if url.startswith(("“", "”", "„")):
        return "its quotes are typographic ones: write straight ones"
    no_address = "this is no address like http://localhost:1234 or https://llm.example.org/v1"
    if not url.isprintable() or " " in url:
        return no_address
    try:
        read_base_url(url, "", "")
    except MisuseError as refused:
        extra = "an address has no user, password, query or fragment: a key goes into api_key_env"
        return extra if "credential" in str(refused) else no_address
    end = next((end for end in _ENDS if url.rstrip("/").endswith(end)), None)
    return None if end is None else f"leave out what is asked of the address: {end}"


def _usable_profile(reading: Reading, key: Key, path: str | None) -> bool:
    if path is None:
        return True
    try:
        read_plain_file(path, _PROFILE_SIZE)
        read_profile(path)
    except UnreadableError as why:
        reading.wrong(key, str(why))
    except MisuseError as refused:
        reading.wrong(key, str(refused).partition(": ")[2])
    else:
        return True
    return False


def _check_stages(reading: Reading, way: Key, backend: Backend) -> None:
    for number, spelled in enumerate(backend.stages):
        try:
            stage_of(spelled)
        except MisuseError as refused:
            reading.wrong((*way, "stages", number), str(refused))
    if backend.streaming.coalesce_secs is not None:
        try:
            coalesce(seconds=backend.streaming.coalesce_secs)
        except MisuseError:
            reading.wrong((*way, "streaming", "coalesce_secs"), "text may be held for 10 seconds at most")


def _check_models(reading: Reading, way: Key, backend: Backend) -> None:
    kept = backend.keep_warm
    asked: list[tuple[Key, str | None]] = [
        ((*way, "default_model"), backend.default_model),
        *(((*way, "preload", number), model) for number, model in enumerate(backend.preload)),
    ]
    if kept is not None:
        named = enumerate(kept.models)
        asked += [((*way, "keep_warm", "models", number), model) for number, model in named]
        if not kept.models and backend.default_model is None:
            reading.wrong((*way, "keep_warm"), "give `models`, or a default_model: which are to stay loaded")
    for key, model in asked:
        if model is not None and not _allowed(model, backend.allowed_models):
            reading.wrong(key, "it is none of allowed_models")


def _allowed(model: str, allowed: list[str]) -> bool:
    """Whether a name, or a part of one, may mean a model that is allowed."""
    asked = model.casefold()
    fits = (asked in one.casefold() or one.casefold() in asked for one in allowed)
    return model == LOADED_MODEL or not allowed or any(fits)


def _check_times(reading: Reading, way: Key, backend: Backend) -> None:
    """A part cannot take longer than the whole. A default gives way: only what was given is wrong."""
    total = backend.http.total_timeout_secs
    for name in ("connect", "first_token", "silence", ""):
        key = f"{name}_timeout_secs".removeprefix("_")
        part: float | None = getattr(backend.http, key)
        if total is not None and part is not None and part > total and reading.given(*way, "http", key):
            reading.wrong(
                (*way, "http", key), "it is more than total_timeout_secs: it would never be reached"
            )
