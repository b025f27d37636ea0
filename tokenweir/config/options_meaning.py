"""The options of a backend: whether its provider takes them, one by one.

Law of this file: the source is made as the gateway makes it, and thrown away. Where an option is refused, the
next attempt is without it, so that all that is wrong is told. What an option says is never repeated.
"""

import re
from typing import Any

from msgspec.structs import replace

from tokenweir.config.near import nearest
from tokenweir.config.reading import Key, Reading
from tokenweir.config.schema import Backend
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.connect import connect

_TYPE = re.compile(r"Expected `([a-z]+)(?: \| (null))?`, got `([a-z]+)`.*", re.DOTALL)
_KINDS = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "a mapping",
    "str": "text",
}
_UNKNOWN = re.compile(r"got an unexpected keyword argument '(\w+)'|the simulator has no switch '(\w+)'")


def made(reading: Reading, way: Key, backend: Backend) -> Source | None:
    """The backend's source; None where it cannot be made. Its provider, address and profile are right."""
    try:
        return _connected(backend)
    except MisuseError as refused:
        key, what = _whose(backend, str(refused))
    except Exception as refused:  # noqa: BLE001 - a provider may break in any way at options of a wrong type
        key, made_of = _culprit(backend), "cannot take this value" if backend.options else "cannot be made"
        what = f"{backend.provider} {made_of}: {type(refused).__name__}"
    reading.wrong((*way, *key), what)
    others = _without(backend, key[-1])
    return made(reading, way, others) if len(others.options) < len(backend.options) else None


def _connected(backend: Backend) -> Source:
    """What `connect` makes of it."""
    keyed = backend.api_key_env is not None or backend.api_key_file is not None
    given: dict[str, Any] = {
        "model": backend.default_model,
        "mode": backend.streaming.mode,
        "api_key": "a key" if keyed else None,
    }
    options = backend.options | {name: value for name, value in given.items() if value is not None}
    return connect(backend.provider, backend.base_url, profile=backend.profile, **options)


def _without(backend: Backend, option: str | int) -> Backend:
    return replace(backend, options={name: one for name, one in backend.options.items() if name != option})


def _culprit(backend: Backend) -> Key:
    """The option without which there is a source, where it is one alone."""
    for name in backend.options:
        try:
            _connected(_without(backend, name))
        except MisuseError:
            return ("options", name)
        except Exception:  # noqa: BLE001, S112 - it is not this one, or not this one alone
            continue
        return ("options", name)
    return ("options",) if backend.options else ("provider",)


def _whose(backend: Backend, refused: str) -> tuple[Key, str]:
    """The key that a refusal is about."""
    if refused.startswith("base_url=") and backend.base_url is None:
        return ("base_url",), f"{backend.provider} has no usual address: give one"
    for option, value in backend.options.items():
        if refused.startswith(f"{option}="):
            what = refused.removeprefix(f"{option}={value!r}: ").removeprefix(f"{option}=")
            return ("options", option), _in_words(what)
    keys: dict[str, Key] = {
        "base_url": ("base_url",),
        "model": ("default_model",),
        "mode": ("streaming", "mode"),
        "api_key": ("api_key_env" if backend.api_key_env is not None else "api_key_file",),
    }
    for option, key in keys.items():
        if f"'{option}'" in refused:
            return key, f"{backend.provider} does not take it"
    unknown = _UNKNOWN.search(refused)
    what = refused.removeprefix(f"connect({backend.provider!r}): ")
    if unknown is not None and (name := unknown[1] or unknown[2]) in backend.options:
        there = what.partition("; there are: ")[2]
        hint = nearest(name, there.split(", ")) if there else ""
        return ("options", name), f"{backend.provider} has no such option{hint}"
    return ("options",) if backend.options else ("provider",), what


def _in_words(what: str) -> str:
    """What msgspec says of a type, as people say it."""
    found = _TYPE.fullmatch(what)
    if found is None:
        return what
    needed, null, given = (_KINDS.get(kind or "", kind) for kind in found.groups())
    return f"{given}, where {needed}{' or null' if null else ''} is needed"
