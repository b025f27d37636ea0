"""The normalised error: what every backend's way of saying "no" becomes.

Law of this file: pure mapping from what was sent (a JSON value, a status, a text) to `Failure`.
Source of the facts: PROTOCOLS section 9 (bodies seen from LM Studio, Ollama, llama-server, vLLM,
mlx_lm, OpenAI, OpenRouter).
"""

import re
from collections.abc import Mapping
from typing import Any, cast, get_args

import msgspec

from tokenweir.pipeline.events import Failure, FailureKind
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.unicode_halves import whole

MESSAGE_LIMIT = 2000
"""Characters of a backend's message that are kept."""

_CONTEXT = re.compile(
    r"context[ _]length|context size|context window|\bn_ctx\b|does not fit|prompt is too long", re.IGNORECASE
)
_CRASHED = re.compile(
    r"model has crashed|channel error|model is unloaded|failed to load model|enginecore"
    r"|runner has unexpectedly stopped|runner process has terminated",
    re.IGNORECASE,
)
_LOADING = re.compile(r"loading model|model is loading", re.IGNORECASE)
_NO_MODEL = re.compile(
    r"no models? loaded|model\b.{0,200}\b(not found|does not exist)|snapshot folder",
    re.IGNORECASE | re.DOTALL,
)
_NO_PATH = re.compile(r"(file )?not found\.?", re.IGNORECASE)
_BUSY = re.compile(r"overloaded|server busy|at capacity", re.IGNORECASE)

_WORDS: tuple[tuple[re.Pattern[str], FailureKind], ...] = (
    (_CONTEXT, "context_length"),
    (_LOADING, "model_loading"),
    (_CRASHED, "model_crashed"),
    (_NO_MODEL, "model_not_found"),
    (_BUSY, "overloaded"),
)
_BY_STATUS: Mapping[int, FailureKind] = {
    400: "bad_request",
    401: "auth",
    402: "auth",
    403: "auth",
    404: "bad_request",
    405: "bad_request",
    408: "upstream",
    409: "upstream",
    413: "bad_request",
    415: "bad_request",
    422: "bad_request",
    429: "rate_limited",
    503: "overloaded",
    529: "overloaded",
}
_BY_CODE: Mapping[str, FailureKind] = {
    "context_length_exceeded": "context_length",
    "exceed_context_size_error": "context_length",
    "model_not_found": "model_not_found",
    "not_found_error": "model_not_found",
    "notfounderror": "model_not_found",
    "authentication_error": "auth",
    "permission_error": "auth",
    "invalid_api_key": "auth",
    "invalid_request_error": "bad_request",
    "badrequesterror": "bad_request",
    "tool_use_failed": "bad_request",
    "rate_limit_error": "rate_limited",
    "rate_limit_exceeded": "rate_limited",
    "resource_exhausted": "rate_limited",
    "overloaded_error": "overloaded",
    "unavailable_error": "overloaded",
}
_SURE: frozenset[FailureKind] = frozenset({"context_length", "model_not_found", "auth", "rate_limited"})
"""Kinds that a code tells better than any words beside it."""
_OWN: Mapping[str, FailureKind] = {kind: kind for kind in get_args(FailureKind)}
"""An error that tokenweir itself wrote names its kind as the type."""
_RETRYABLE: frozenset[FailureKind] = frozenset(
    {"model_loading", "overloaded", "rate_limited", "model_crashed"}
)
_CLIENT_ERROR, _SERVER_ERROR = 400, 500


def is_error(payload: object) -> bool:
    """Whether a payload is an error and nothing else: `{"error": ...}`, alone or in a list; vLLM's old
    flat form; FastAPI's `detail`."""
    listed, fields = as_list(payload), as_object(payload)
    if listed:
        return "error" in as_object(listed[0])
    if "choices" in fields:
        return False
    named = fields.get("object") == "error" or fields.get("type") == "error"
    return bool(fields.get("error")) or named or set(fields) == {"detail"}


def failure_from(error: object, status: int | None = None) -> Failure:
    """The failure that an error value means.

    `error` is what stood under the key `error`, or the whole body (an object, a string, anything).
    `status` is the HTTP status, where the answer was not a 200.
    """
    body = _flat(error)
    told = _message(body) or _message(error) or (f"HTTP {status}" if status else "")
    message = whole(told or "the backend reported an error")[:MESSAGE_LIMIT]
    code = _code(body)
    inner = _status(body)
    kind = _kind(message, code, body, status or inner)
    effective = status or inner or 0
    broken = effective in (408, 409) or (effective >= _SERVER_ERROR and kind == "upstream")
    return Failure(kind, message, None, status or inner, kind in _RETRYABLE or broken, code, _native(error))


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


def _message(value: object) -> str:
    if isinstance(value, dict):
        fields = as_object(cast("object", value))
        told = (_message(fields.get(key)) for key in ("message", "error", "detail", "msg", "title"))
        return next(filter(None, told), "")
    if isinstance(value, list):
        return "; ".join(filter(None, map(_message, as_list(cast("object", value)))))
    return as_text(value).strip()


def _code(body: Mapping[str, Any]) -> str | None:
    for key in ("code", "type", "status"):
        value = body.get(key)
        if isinstance(value, str) and value:
            return whole(value)
    value = body.get("code")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _status(body: Mapping[str, Any]) -> int | None:
    for key in ("code", "status_code", "status"):
        value = body.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and _CLIENT_ERROR <= value < 600:  # noqa: PLR2004 - where HTTP's statuses end
            return value
    return None


def _kind(message: str, code: str | None, body: Mapping[str, Any], status: int | None) -> FailureKind:
    named = as_text(body.get("type")).lower()
    if named in _OWN:
        return _OWN[named]
    by_code = _BY_CODE.get((code or "").lower()) or _BY_CODE.get(named)
    if _NO_PATH.fullmatch(message):
        by_code = None
    if by_code in _SURE:
        return by_code
    for pattern, kind in _WORDS:
        if pattern.search(message):
            return kind
    if status is not None:
        return _BY_STATUS.get(status, by_code or ("upstream" if status >= _SERVER_ERROR else "bad_request"))
    return by_code or "upstream"


def _native(error: object) -> msgspec.Raw | None:
    try:
        return as_raw(error)
    except (TypeError, ValueError, RecursionError):
        return None
