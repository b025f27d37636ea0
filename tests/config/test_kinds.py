"""The structs, in words."""

import pytest
from msgspec import Struct

from tokenweir.config.kinds import (
    CONFIG,
    default,
    description,
    entries_of,
    fields_of,
    kind_of,
    leaves,
    nullable,
    struct_in,
    words,
)
from tokenweir.config.schema import Backend, HTTPSettings, Key, Limits, Route, Server, Streaming


@pytest.mark.parametrize(
    ("struct", "name", "said"),
    [
        (Server, "port", "a whole number from 1 to 65535"),
        (Server, "host", "text"),
        (Server, "page", "true or false"),
        (Server, "heartbeat_secs", "a number above 0 and at most 15"),
        (Server, "api_keys", "a list"),
        (HTTPSettings, "timeout_secs", "a number above 0 or null"),
        (HTTPSettings, "max_idle_connections", "a whole number of at least 0"),
        (Streaming, "mode", "one of auto, cumulative, delta or null"),
        (Limits, "max_streams", "a whole number of at least 1"),
        (Backend, "options", "a mapping"),
        (Backend, "keep_warm", "a mapping or null"),
        (Backend, "profile", "text or null"),
    ],
)
def test_words(struct: type[Struct], name: str, said: str) -> None:
    """C04: what is needed is said as people say it."""
    assert words(fields_of(kind_of(struct))[name].type) == said


def test_leaves() -> None:
    """C13: keys without keys of their own; entries with names of one's own are not entered."""
    ways = {".".join(way) for way, _ in leaves(CONFIG)}

    assert {"inference.http.timeout_secs", "inference.keep_warm.models", "server.api_keys", "routes"} <= ways
    assert not {way for way in ways if way.startswith(("backends", "prompts"))}
    assert not ways & {"server", "inference", "inference.http"}


def test_parts_of_a_field() -> None:
    """What it may be, its default, and its one line."""
    backend, config = fields_of(kind_of(Backend)), fields_of(CONFIG)
    entry = entries_of(config["backends"])

    assert (struct_in(backend["http"].type) or CONFIG).cls is HTTPSettings
    assert entry is not None
    assert entry.cls is Backend
    assert entries_of(backend["options"]) is None
    assert (nullable(backend["base_url"].type), nullable(backend["provider"].type)) == (True, False)
    assert (default(backend["stages"]), default(config["server"])) == ([], Server())
    assert description(backend["api_key_env"]) == "the variable that holds its key"


def test_every_key_is_described() -> None:
    """P21: what a key means stands beside it."""
    structs = [Backend, HTTPSettings, Key, Limits, Route, Server, Streaming]
    fields = [(struct, field) for struct in structs for field in fields_of(kind_of(struct)).values()]

    assert [(struct.__name__, field.name) for struct, field in fields if not description(field)] == []
