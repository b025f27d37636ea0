"""JSON payloads as servers really send them: read, and what nobody models written down again.

Law of this file: pure, and one place for what JSON allows and other readers do not: half surrogates,
NaN, numbers beyond all bounds, and nesting that no stack holds (faults V08, V09, V11).
"""

import json
from math import isfinite

import msgspec

from tokenweir.pipeline.protocols.unicode_halves import whole

_decode = msgspec.json.Decoder().decode


def read_payload(data: bytes) -> object:
    """The value. Broken UTF-8 becomes U+FFFD; NaN, Infinity and what is too large for a float become
    None; text may hold half surrogates, which belong to a pair in the next payload.

    Raises ValueError for what is not JSON, or nested too deeply to be read.

    >>> read_payload(b'{"a": [1, NaN]}')
    {'a': [1, None]}
    """
    try:
        return _decode(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_loosely(data.decode("utf-8", "replace"))


def _read_loosely(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_number(_name: str) -> None:
    return None


def _finite(text: str) -> float | None:
    value = float(text)
    return value if isfinite(value) else None


def shown(data: bytes) -> str:
    """The beginning of a payload for a message, in printable ASCII."""
    return ascii(data[:200].decode("utf-8", "replace"))[1:-1]


def as_raw(value: object) -> msgspec.Raw:
    """A value that `read_payload` gave, as raw JSON in valid Unicode.

    >>> bytes(as_raw({"a": 1}))
    b'{"a":1}'
    """
    try:
        return msgspec.Raw(msgspec.json.encode(value))
    except UnicodeEncodeError:
        return msgspec.Raw(whole(json.dumps(value, ensure_ascii=False)).encode())
