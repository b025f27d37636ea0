"""What a client is told in place of an answer: a status, and OpenAI's error body.

Law of this file: the one table from a failure's kind to an HTTP status. Nothing of a request stands in a
header, and what stands in a message was made visible first (fault R08).
"""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from tokenweir.pipeline.errors import StreamError
from tokenweir.pipeline.events import Failure, FailureKind
from tokenweir.pipeline.visible import visible

SHUTTING_DOWN = Failure("shutting_down", "the gateway is shutting down", retryable=True)

_STATUS: Mapping[FailureKind, int] = {
    "connect": 502,
    "timeout": 504,
    "auth": 502,
    "bad_request": 400,
    "context_length": 400,
    "model_not_found": 404,
    "model_loading": 503,
    "overloaded": 503,
    "rate_limited": 429,
    "model_crashed": 502,
    "upstream": 502,
    "truncated": 502,
    "protocol": 502,
    "limit": 413,
    "cancelled": 503,
    "shutting_down": 503,
    "producer_lost": 502,
    "resume_gap": 400,
    "sink": 500,
    "stage": 500,
}
"""What the backend refuses us for (`auth`) is no fault of the client's key: that would be 401 and 403."""

_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
"""Status -> `error.type`, as OpenAI's API has them, where it is none of the two that follow."""

_CLIENT_ERRORS = range(400, 500)

RETRY_AFTER = 1.0
"""Seconds after which it is worth asking again, where nobody knows better."""

_LONGEST_MESSAGE = 2000


class Refused(Exception):  # noqa: N818 - it is an answer, and not always an error of ours
    """A request that gets no answer. Raised anywhere in a handler, it becomes the response.

    `param` is the part of the request that is wrong. `headers` are constants of ours.
    """

    def __init__(
        self,
        failure: Failure,
        status: int | None = None,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.status = status_of(failure) if status is None else status
        self.param = param
        self.headers = dict(headers or {})
        if self.status in (429, 503):
            seconds = RETRY_AFTER if failure.retry_after is None else failure.retry_after
            self.headers.setdefault("Retry-After", str(max(1, math.ceil(seconds))))


def bad_request(
    message: str, param: str | None = None, *, status: int = 400, code: str | None = None
) -> Refused:
    """What the client has to change."""
    return Refused(Failure("bad_request", message, code=code), status, param=param)


def refused_by(error: StreamError) -> Refused:
    """What a backend refused, or failed to do, outside of an answer."""
    return Refused(error.failure)


def status_of(failure: Failure) -> int:
    """The HTTP status that says it best. A backend's own 4xx counts where it is about the request.

    >>> status_of(Failure("timeout", "waited 300 s for the first token", "first_token"))
    504
    """
    if failure.kind == "bad_request" and failure.status in (413, 422):
        return failure.status
    return _STATUS[failure.kind]


def response_to(refused: Refused) -> web.Response:
    """The response in OpenAI's form: `{"error": {"message", "type", "param", "code"}}`."""
    body = msgspec.json.encode(error_of(refused))
    headers = {"Cache-Control": "no-store", **refused.headers}
    return web.Response(status=refused.status, body=body, content_type="application/json", headers=headers)


def error_of(refused: Refused) -> dict[str, Any]:
    """The error's body. Its message is never empty, and holds no control character."""
    failure = refused.failure
    message = visible(failure.message or failure.kind)[:_LONGEST_MESSAGE]
    usual = "invalid_request_error" if refused.status in _CLIENT_ERRORS else "server_error"
    return {
        "error": {
            "message": message,
            "type": _TYPES.get(refused.status, usual),
            "param": refused.param,
            "code": visible(failure.code) if failure.code else failure.kind,
        }
    }
