"""The tables of docs/gateway-config.md, made from the structs."""

import msgspec
from msgspec import NODEFAULT, Struct, inspect

from tokenweir.config.kinds import default, description, kind_of, words
from tokenweir.config.schema import (
    Backend,
    Config,
    HTTPSettings,
    KeepWarm,
    Key,
    Limits,
    Prompt,
    Route,
    Server,
    Streaming,
)

SECTIONS: dict[str, type[Struct]] = {
    "The whole": Config,
    "A backend": Backend,
    "`http` of a backend": HTTPSettings,
    "`streaming` of a backend": Streaming,
    "`keep_warm` of a backend": KeepWarm,
    "One of `routes`": Route,
    "`server`": Server,
    "One of `server.api_keys`": Key,
    "`limits`": Limits,
    "One of `prompts`": Prompt,
}
"""Heading -> the keys that stand below it."""


def table(struct: type[Struct]) -> str:
    """Its keys: what each takes, its default, and what it means."""
    rows = [_row(field) for field in kind_of(struct).fields]
    return "\n".join(["| key | takes | default | |", "|---|---|---|---|", *rows])


def _row(field: inspect.Field) -> str:
    return f"| `{field.name}` | {words(field.type)} | {_default(field)} | {description(field)} |"


def _default(field: inspect.Field) -> str:
    value = default(field)
    if value is NODEFAULT:
        return "must be given"
    if isinstance(value, Struct):
        return "below"
    return f"`{value:g}`" if isinstance(value, float) else f"`{msgspec.json.encode(value).decode()}`"
