"""The answers that are no stream: errors with a status, and bodies that are not what was asked for.

Law of this file: pure; a body per case, in the form that the provider's own server uses
(PROTOCOLS section 9).
"""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from tokenweir.simulator.ask import BadAsk
from tokenweir.simulator.faults import CRASH, RUNNER_STOPPED
from tokenweir.simulator.quirks import Provider, Quirks

JSON = "application/json; charset=utf-8"
_NOT_FOUND = 404
RETRY_AFTER = 2
"""Seconds that `status-429` asks to wait."""

_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n"
    b"<body><h1>502 Bad Gateway</h1><p>The proxy did not reach the backend.</p></body></html>\n"
)


class Refusal(Struct, frozen=True):
    """A whole answer that is no chat completion; `retry_after` in seconds."""

    status: int
    body: bytes
    content_type: str = JSON
    retry_after: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that it needs."""
        retry = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return {"Content-Type": self.content_type, **retry}


def error(status: int, message: str, kind: str, code: str | int | None, param: str | None = None) -> Refusal:
    """An error in OpenAI's form."""
    fields = {"message": message, "type": kind, "param": param, "code": code}
    return Refusal(status, msgspec.json.encode({"error": fields}))


def bad_request(bad: BadAsk) -> Refusal:
    """400 for a body that cannot be answered."""
    return error(400, bad.message, "invalid_request_error", None, bad.param)


def no_such_path(provider: Provider, status: int, method: str, path: str) -> Refusal:
    """404 or 405 for what no endpoint serves; Ollama's router says it in plain text."""
    if provider == "ollama":
        text = "404 page not found" if status == _NOT_FOUND else "405 method not allowed"
        return Refusal(status, text.encode(), "text/plain")
    return error(status, f"Invalid URL ({method} {path})", "invalid_request_error", None)


def loading() -> Refusal:
    """llama-server's word for "not yet"; it sends no Retry-After."""
    body = {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}
    return Refusal(503, msgspec.json.encode(body))


def model_not_found(quirks: Quirks, model: str) -> Refusal:
    """404: LM Studio lists the models that it has, OpenAI does not."""
    if quirks.provider == "lmstudio":
        known = "\n".join(quirks.models)
        message = f'Model "{model}" not found. Please specify a valid model.\n\nYour models:\n\n{known}\n'
    elif quirks.provider == "ollama":
        message = f"model '{model}' not found"
    else:
        message = f"The model `{model}` does not exist or you do not have access to it."
    return error(404, message, "invalid_request_error", "model_not_found", "model")


def by_fault(quirks: Quirks, model: str | None, *, stream: bool) -> Refusal | None:
    """The answer that the fault asks for in place of every answer; None where it asks for none.

    A backend that breaks in the middle (`error`) cannot say so inside a one-shot answer: there it
    is 500.
    """
    fault = "status-500" if quirks.fault == "error" and not stream else quirks.fault
    make = _BY_FAULT.get(fault or "")
    return make(quirks, model or quirks.models[0]) if make is not None else None


def _html(_quirks: Quirks, _model: str) -> Refusal:
    return Refusal(200, _PAGE, "text/html; charset=utf-8")


def _json_error(quirks: Quirks, model: str) -> Refusal:
    return Refusal(200, _server_error(quirks, model).body)


def _server_error(quirks: Quirks, _model: str) -> Refusal:
    messages = {"lmstudio": CRASH, "ollama": RUNNER_STOPPED}
    message = messages.get(quirks.provider, "The simulated backend failed.")
    return error(500, message, "server_error", None)


def _rate_limited(_quirks: Quirks, _model: str) -> Refusal:
    refusal = error(
        429, f"Rate limit reached: try again in {RETRY_AFTER}s.", "requests", "rate_limit_exceeded"
    )
    return msgspec.structs.replace(refusal, retry_after=RETRY_AFTER)


_BY_FAULT: Mapping[str, Callable[[Quirks, str], Refusal]] = {
    "html": _html,
    "json-error": _json_error,
    "status-404": model_not_found,
    "status-429": _rate_limited,
    "status-500": _server_error,
}
WITHOUT_STREAM = frozenset(_BY_FAULT) | {"status-503-loading"}
"""The faults that answer with no stream."""
