r"""A JSON object as one server-sent event that is named by its own type, as several protocols write it.

Law of this file: pure; a frame that no text can forge, and no client can split in the wrong place:
JSON writes a line break in a string as `\n`, and the signs at which many clients split lines (PROTOCOLS
1.3) are escaped.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

_LINE_ENDS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


def json_line(value: object) -> bytes:
    r"""A value as JSON on one line, whoever splits it.

    >>> json_line("a\u2028b")
    b'"a\\u2028b"'
    """
    data = msgspec.json.encode(value)
    if not data.isascii():
        for raw, escaped in _LINE_ENDS:
            data = data.replace(raw, escaped)
    return data


def named_event(kind: str, fields: Mapping[str, Any]) -> bytes:
    r"""The frame of an event; its data repeats the type.

    >>> named_event("ping", {})
    b'event: ping\ndata: {"type":"ping"}\n\n'
    """
    return b"event: " + kind.encode() + b"\ndata: " + json_line({"type": kind, **fields}) + b"\n\n"
