"""The places of a payload, and payloads with another value at one of them.

Law of this file: JSON and nothing of any protocol. A path is a tuple of keys and list indexes; its
pattern is how it is written down for people: `choices[].delta.content`, and behind the payload's own
`type` where it has one: `message_start: message.usage.input_tokens`.
"""

import json
from collections.abc import Iterator
from typing import Any, cast

Path = tuple[str | int, ...]

_HOLE = "\ue000hole\ue000"
"""Stands for a value that json.dumps could not write."""


def paths_in(value: object, here: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every place below the payload itself, with its value, in order."""
    if isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            yield (*here, key), inner
            yield from paths_in(inner, (*here, key))
    elif isinstance(value, list):
        for at, inner in enumerate(cast("list[object]", value)):
            yield (*here, at), inner
            yield from paths_in(inner, (*here, at))


def objects_in(payload: object) -> Iterator[Path]:
    """Every place where an object stands, the payload itself among them."""
    yield from (path for path, value in [((), payload), *paths_in(payload)] if isinstance(value, dict))


def pattern_of(payload: object, path: Path) -> str:
    """How a path is written down."""
    kind = cast("dict[str, object]", payload).get("type") if isinstance(payload, dict) else None
    text = "".join("[]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
    return f"{kind}: {text}" if isinstance(kind, str) else text


def value_at(payload: Any, path: Path) -> Any:
    """What stands there."""
    for step in path:
        payload = payload[step]
    return payload


def written(payload: object) -> bytes:
    """A payload as bytes; half surrogates stay escaped."""
    return json.dumps(payload).encode()


def replaced(payload: object, path: Path, raw: bytes) -> bytes:
    """The payload as bytes, with these bytes as the value at a path."""
    copy = json.loads(json.dumps(payload))
    value_at(copy, path[:-1])[path[-1]] = _HOLE
    return written(copy).replace(written(_HOLE), raw)


def with_key(payload: object, path: Path, key: str, value: object) -> bytes:
    """The payload as bytes, with one more key in the object at a path."""
    copy = json.loads(json.dumps(payload))
    value_at(copy, path)[key] = value
    return written(copy)
