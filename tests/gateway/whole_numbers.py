"""A hook for schemathesis: whole numbers are written as such.

Law of this file: one rule. To JSON Schema 2.0 is an integer; to OpenAI's API, and so to the gateway, it is
none, and a schema has no way to say so.
"""

from typing import Any, TypeAlias

import schemathesis

Json: TypeAlias = "bool | float | str | list[Json] | dict[str, Json] | None"

_EXACT = 2**53


def map_body(_context: schemathesis.HookContext, body: Json) -> Json:
    """`{"seed": 2.0}` becomes `{"seed": 2}`."""
    return _whole(body)


def _whole(value: Json) -> Json:
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    return value


_library: Any = schemathesis  # the types of its decorator are not known
_library.hook(map_body)
