"""Which protocol a recorded body speaks, told from what stands in it.

Law of this file: pure, and it knows no decoder. The bytes are read as payloads, however they are framed
and wherever they were cut; what a payload is a sign of stands in signs.py. The first sign decides, and a
body without one is not guessed at.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from tokenweir.cli.signs import GEMINI, sign_of
from tokenweir.pipeline.events import SSEEvent
from tokenweir.pipeline.json_value import as_list, as_object
from tokenweir.pipeline.protocols.payload import read_payload
from tokenweir.stages import sse_decode

LOOKED_AT = 256 * 1024
"""Bytes at the beginning of a body, in which its first sign must stand."""

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\],]', re.DOTALL)
_BEGIN = re.compile(rb"^(?:data:|error:)?[ \t]*([{\[])", re.MULTILINE)
_EVENT = re.compile(rb"^event:[ ]?([^\n]*)", re.MULTILINE)
_CLOSERS = {b"{": b"}", b"[": b"]"}


class _Seen(NamedTuple):
    """A payload's JSON, and the event's name. `whole` is false for one that was cut."""

    data: bytes
    name: str
    whole: bool


def recognise(body: bytes) -> str | None:
    """The name of the protocol of a response body; None where nothing tells. A beginning is enough.

    >>> recognise(b'data: {"choices": [{"delta": {"content": "Hi')
    'openai-chat'
    """
    head = body[:LOOKED_AT].removeprefix(b"\xef\xbb\xbf")
    signs = (_sign(seen) for seen in _payloads(head))
    found = next((sign for sign in signs if sign is not None), None)
    if found == GEMINI:
        return "gemini-json-array" if head.lstrip().startswith(b"[") else "gemini-sse"
    return found


def _sign(seen: _Seen) -> str | None:
    try:
        payload = read_payload(seen.data)
        elements = as_list(payload) or [payload]
        signs = (sign_of(as_object(element), seen.name, whole=seen.whole) for element in elements)
        return next((sign for sign in signs if sign is not None), None)
    except (ValueError, RecursionError):
        return sign_of({}, seen.name, whole=False)


def _payloads(head: bytes) -> Iterator[_Seen]:
    """Those that are whole, and then what the last one has of itself."""
    core = sse_decode().core()  # lenient, it finds bare JSON too
    for item in [*core.feed([head]), *core.finish()]:
        if isinstance(item, SSEEvent):
            yield _Seen(item.data, item.type, whole=True)
    text = head.replace(b"\r", b"\n")
    names = [name.decode("utf-8", "replace").strip() for name in _EVENT.findall(text)]
    begun = list(_BEGIN.finditer(text))
    outer = [found for found in begun if not found.group().startswith((b" ", b"\t"))]
    for found in begun[:1] + outer[-1:]:
        yield _Seen(_mended(text[found.start(1) :]), names[-1] if names else "", whole=False)
    if names:
        yield _Seen(b"{}", names[-1], whole=False)


def _mended(text: bytes) -> bytes:
    """A beginning of JSON as a value of its own: what is unfinished is left out, what is open closed."""
    open_: list[bytes] = []
    end = 0
    for token in _TOKEN.finditer(text):
        sign = token.group()
        if sign == b'"':
            break
        if sign in _CLOSERS:
            open_.append(_CLOSERS[sign])
        elif sign in (b"}", b"]"):
            open_.pop()
        elif sign != b",":
            continue
        end = token.start() if sign == b"," else token.end()
        if not open_:
            break
    return text[:end] + b"".join(reversed(open_))
