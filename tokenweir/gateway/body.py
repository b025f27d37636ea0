"""The body of a request: how much of it is read, for how long, and what counts as JSON.

Law of this file: bounds before meaning (PROMISES P29). Nothing is read that is too large by its own word,
nothing is unpacked, and nobody may take longer than is configured. What the JSON says is read in ask.py.

Of two equal keys the last one counts, as everywhere; NaN, half characters and a byte order mark are no JSON.
"""

import re
from itertools import accumulate
from typing import Any, TypeGuard

import anyio
import msgspec
from aiohttp import web

from tokenweir.gateway.gateway import SETUP
from tokenweir.gateway.refused import Refused, bad_request
from tokenweir.pipeline.events import Failure

_TOO_LARGE, _UNSUPPORTED, _TIMEOUT, _EXPECTATION_FAILED = 413, 415, 408, 417
_CLOSE = {"Connection": "close"}
"""Where a body was not read to its end, the next request on the connection could not be found."""

MAX_CONTAINERS = 100_000
"""Objects and lists in one body: hundreds of tools with their schemas have some thousands."""
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEP)

_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HALF = re.compile(
    rb"(?<!\\)(?:\\\\)*(\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|[c-fC-F][0-9a-fA-F]{2}))"
)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


async def read_json(request: web.Request) -> dict[str, Any]:
    """The JSON object in a request's body.

    Raises Refused: 415 for another type or a packed body, 413 beyond `limits.max_body_bytes`, 408 after
    `limits.body_timeout_secs`, and 400 for what is no JSON object.
    """
    limits = request[SETUP].config.limits
    check_type(request)
    if (request.content_length or 0) > limits.max_body_bytes:
        raise _too_large(limits.max_body_bytes)
    await _ask_for_it(request)
    with anyio.move_on_after(limits.body_timeout_secs):
        return decode(await _read(request, limits.max_body_bytes), limits.max_depth)
    message = f"the body did not come within {limits.body_timeout_secs:g} s (limits.body_timeout_secs)"
    raise Refused(Failure("timeout", message, "body"), _TIMEOUT, headers=_CLOSE)


async def expect_later(request: web.Request) -> None:
    """In place of aiohttp's own answer to `Expect: 100-continue`, which would ask for the body before anybody
    knows whether its sender may be here: `read_json` asks for it (fault R16)."""


def decode(data: bytes, max_depth: int) -> dict[str, Any]:
    """The JSON object in these bytes. Raises Refused (400) for anything else, and for JSON that is deeper.

    >>> decode(b'{"n": [1]}', 2)
    {'n': [1]}
    """
    if not data.strip():
        raise bad_request("the body is empty: it must be a JSON object")
    if data.startswith(_BOMS):
        raise bad_request("the body begins with a byte order mark: JSON is UTF-8 without one")
    _check_shape(data, max_depth)
    try:
        value: object = msgspec.json.decode(data)
    except RecursionError:
        raise _too_deep(max_depth) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise bad_request(_why(data, wrong)) from None
    if not _is_object(value):
        raise bad_request("the body must be a JSON object")
    return value


def check_type(request: web.Request) -> None:
    """Only JSON: a web page can send forms and plain text to anybody without asking (fault S02). Raises
    Refused (415)."""
    charset = (request.charset or "utf-8").lower()
    if request.content_type != "application/json" or charset not in ("utf-8", "utf8"):
        message = "the body must be JSON in UTF-8, and say so: Content-Type: application/json"
        raise bad_request(message, status=_UNSUPPORTED)
    packed = request.headers.get("Content-Encoding", "identity")
    if packed.strip().lower() != "identity":
        raise bad_request("a packed body is not taken: send it as it is", status=_UNSUPPORTED)


async def _ask_for_it(request: web.Request) -> None:
    expected = request.headers.get("Expect")
    if expected is None:
        return
    if expected.lower() != "100-continue":
        message = "the one expectation that is known here is 100-continue"
        raise Refused(Failure("bad_request", message), _EXPECTATION_FAILED, headers=_CLOSE)
    await request.writer.write(_CONTINUE)
    request.writer.output_size = 0  # the answer itself has not begun


async def _read(request: web.Request, limit: int) -> bytes:
    body = bytearray()
    try:
        while data := await request.content.readany():
            body += data
            if len(body) > limit:
                raise _too_large(limit)
    except web.RequestPayloadError:
        message = "the body's chunks are broken"
        raise Refused(Failure("bad_request", message), 400, headers=_CLOSE) from None
    return bytes(body)


def _too_large(limit: int) -> Refused:
    message = f"the body is larger than {limit} bytes (limits.max_body_bytes)"
    return Refused(Failure("limit", message, "body"), _TOO_LARGE, headers=_CLOSE)


def _too_deep(limit: int) -> Refused:
    return bad_request(f"the JSON is nested deeper than {limit} levels (limits.max_depth)")


def _why(data: bytes, wrong: Exception) -> str:
    half = _HALF.search(data)
    if half is not None:
        return f"{half[1].decode()} at byte {half.start(1)} is half of a character: its other half is missing"
    if isinstance(wrong, UnicodeDecodeError):
        return "the body is not UTF-8"
    return f"the body is not JSON: {wrong}"


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _check_shape(data: bytes, max_depth: int) -> None:
    """Before anything is made of it: millions of lists cost seconds, in which nobody else is served. What is
    no JSON is told by the decoder."""
    brackets = _STRING.sub(b"", data).translate(None, _NO_BRACKETS)
    first = brackets[: 2 * MAX_CONTAINERS]
    if max(accumulate(map(_STEP.__getitem__, first)), default=0) > max_depth:
        raise _too_deep(max_depth)
    if len(brackets) > len(first):
        raise bad_request(f"the JSON has more than {MAX_CONTAINERS} objects and lists")
