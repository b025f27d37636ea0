"""The normalised error: what every backend's way of saying "no" becomes.

Law of this file: pure mapping from what was sent (a JSON value, a status, a text) to `Failure`: where
the message, the status and the code stand. Which kind it is, failure_kinds.py says. Source of the
facts: PROTOCOLS sections 9 and 11.2.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.failure_kinds import is_retryable, kind_of
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.unicode_halves import whole

_decode = msgspec.json.Decoder().decode

MESSAGE_LIMIT = 2000
"""Characters of a backend's message that are kept."""

DEPTH = 16
"""Objects and lists inside each other in which a message is looked for."""

_TITLE = re.compile(r"<(?:title|h1)\b[^>]{0,200}>([^<]{1,200})", re.IGNORECASE)
_UNESCAPED = re.compile(rb'\{\s*"(?:error|detail)"\s*:\s*"(.*)', re.DOTALL)
_MESSAGES = ("message", "error", "detail", "msg", "title")
_FIRST, _PAST = 400, 600
"""The statuses of HTTP that are errors."""
_FINE = (200, "200")
"""Codes with which some gateways say that all is well."""


def says_error(value: object) -> bool:
    """Whether what stands under the key `error` is one: null, an empty value, and an object in which
    nothing is set are none.

    >>> says_error("no"), says_error({"code": None, "message": ""})
    (True, False)
    """
    fields = as_object(value)
    return any(fields.values()) if fields else bool(value)


def is_error(payload: object) -> bool:
    """Whether a payload is an error and nothing else: `{"error": ...}`, alone or in a list; vLLM's old
    flat form; a message with a code (DashScope); FastAPI's `detail`."""
    listed, fields = as_list(payload), as_object(payload)
    if listed:
        return "error" in as_object(listed[0])
    if "choices" in fields:
        return False
    named = fields.get("object") == "error" or fields.get("type") == "error"
    coded = bool(as_text(fields.get("message")) and fields.get("code") not in (None, "", 0, *_FINE))
    return says_error(fields.get("error")) or named or coded or set(fields) == {"detail"}


def unescaped_error(data: bytes) -> str | None:
    """The message of an error frame that is no JSON, since its writer put the message between quotes as
    it was (PROTOCOLS 11.4); None for anything else.

    >>> unescaped_error(b'{"error": "no "such" thing"}')
    'no "such" thing'
    """
    found = _UNESCAPED.match(data.strip())
    if found is None:
        return None
    return found[1].decode("utf-8", "replace").rstrip().removesuffix("}").rstrip().removesuffix('"')


def failure_from(error: object, status: int | None = None) -> Failure:
    """The failure that an error value means.

    `error` is what stood under the key `error`, or the whole body (an object, a string, anything).
    `status` is the HTTP status, where the answer was not a 200.
    """
    body = _flat(error)
    told = _message(body) or _message(error) or (f"HTTP {status}" if status else "")
    inner = _inside(told)
    message = whole(_shown(_message(inner) if told.startswith("{") and inner else "") or _shown(told))
    message = message[:MESSAGE_LIMIT] or "the backend reported an error"
    code, inside = _code(body) or _code(inner), _status(body) or _status(inner)
    known = status or inside
    names = [as_text(fields.get(key)) for fields in (body, inner) for key in ("type", "status", "code")]
    raw = _message(as_object(body.get("metadata")).get("raw"))[:MESSAGE_LIMIT]
    kind = kind_of(f"{message} {raw}".rstrip(), names, known)
    retryable = is_retryable(kind, names, known)
    return Failure(kind, message, None, known, retryable, code, _native(error))


def _flat(error: object) -> Mapping[str, Any]:
    """The object that holds the message, out of `{"error": ...}` and one-element lists."""
    while True:
        fields, listed = as_object(error), as_list(error)
        if len(listed) == 1:
            error = listed[0]
        elif isinstance(fields.get("error"), (dict, list)):
            error = fields["error"]
        else:
            return fields or {"message": error}


def _message(value: object, deeper: int = DEPTH) -> str:
    fields, listed = as_object(value), as_list(value)
    if (fields or listed) and deeper:
        told = [_message(inner, deeper - 1) for inner in listed or map(fields.get, _MESSAGES)]
        return "; ".join(filter(None, told)) if listed else next(filter(None, told), "")
    return as_text(value).strip()


def _shown(message: str) -> str:
    """A page of HTML is shown by its title, anything else as it is."""
    title = _TITLE.search(message[:MESSAGE_LIMIT]) if message.startswith("<") else None
    return title[1].strip() if title else message


def _inside(message: str) -> Mapping[str, Any]:
    """The error object at the end of a message: gateways and engines pass theirs on as text."""
    at = message.find("{")
    if at < 0 or not message.endswith("}"):
        return {}
    try:
        return _flat(_decode(message[at:]))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return {}


def _code(body: Mapping[str, Any]) -> str | None:
    for key in ("code", "type", "status"):
        value = body.get(key)
        if isinstance(value, str) and value:
            return whole(value)
    value = body.get("code")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _status(body: Mapping[str, Any]) -> int | None:
    """An HTTP status in an error object; Azure writes it as text."""
    for key in ("code", "status_code", "statusCode", "status"):
        value = body.get(key)
        if isinstance(value, str) and len(value) == 3 and value.isdecimal():  # noqa: PLR2004 - a status has three digits
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and _FIRST <= value < _PAST:
            return value
    return None


def _native(error: object) -> msgspec.Raw | None:
    try:
        return as_raw(error)
    except (TypeError, ValueError, RecursionError):
        return None
