"""Which kind of failure an error is: by its own names, by its words, by its HTTP status.

Law of this file: tables and the order in which they are asked. Pure. Source of the facts: PROTOCOLS
sections 3.3, 6, 9 and 11.2 (bodies seen from LM Studio, Ollama, llama-server, vLLM, mlx_lm,
transformers, llama-swap, OpenAI, Azure, Anthropic, Gemini and OpenRouter).
"""

import re
from collections.abc import Mapping, Sequence
from typing import get_args

from tokenweir.pipeline.events import FailureKind

SERVER_ERROR = 500
"""From here on, an HTTP status says that it was the server's fault."""


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


_WORDS: tuple[tuple[re.Pattern[str], FailureKind], ...] = (
    (
        _words(
            r"context[ _]length|context size|context window|\bn_ctx\b|input does not fit|prompt is too long"
            r"|input token count|exceeds the maximum number of tokens"
        ),
        "context_length",
    ),
    (
        _words(
            r"model (has )?crashed|channel error|model is unloaded|enginecore|runner has unexpectedly stopped"
            r"|runner process (has terminated|no longer running)|while running the model"
            r"|(error|fail(ed|ure)?|unable)( in| to| while)? load(ing)?( the| a)? model"
        ),
        "model_crashed",
    ),
    (_words(r"loading model|model\b.{0,100}\bis( currently| still)? loading"), "model_loading"),
    (
        _words(
            r"no models? loaded|models?\b.{0,200}\b(not found|does not exist)|snapshot folder"
            r"|no router for requested model|not a valid model identifier|repository not found"
        ),
        "model_not_found",
    ),
    (
        _words(r"overloaded|server busy|at capacity|maximum pending requests|no slot available"),
        "overloaded",
    ),
    (_words(r"\brate limit|too many requests"), "rate_limited"),
    (
        _words(
            r"api[ _]key (is )?(not valid|not found|expired|missing|invalid|required)"
            r"|(invalid|incorrect|missing|no) api[ _]key|^unauthorized\b"
        ),
        "auth",
    ),
    (_words(r"\bmoderation\b|\bflagged\b"), "bad_request"),
)
"""Words that tell a kind, asked in this order: `Error loading model` is a crash, not a model that loads."""

_NO_PATH = re.compile(r"(file |404 page )?not found\.?", re.IGNORECASE)
"""What servers say of an address that they do not have; no model is meant, whatever the code says."""

_BY_STATUS: Mapping[int, FailureKind] = {
    401: "auth",
    402: "auth",
    403: "auth",
    408: "upstream",
    409: "upstream",
    429: "rate_limited",
    499: "cancelled",
    503: "overloaded",
    529: "overloaded",
}
"""Any other from 400 on is `bad_request`, and from 500 on `upstream`."""

_NAMES: Mapping[FailureKind, str] = {
    "context_length": "context_length_exceeded exceed_context_size_error model_context_window_exceeded",
    "model_not_found": "model_not_found not_found_error notfounderror",
    "auth": (
        "authentication_error authenticationerror permission_error permission_denied permissiondeniederror"
        " unauthenticated invalid_api_key billing_error insufficient_quota insufficient_credits"
    ),
    "bad_request": (
        "invalid_request_error invalid_request badrequesterror invalid_argument failed_precondition"
        " tool_use_failed content_filter content_policy_violation moderation_error request_too_large"
        " not_implemented unprocessableentityerror validation_error invalid_prompt"
    ),
    "rate_limited": (
        "rate_limit_error rate_limit_exceeded ratelimiterror resource_exhausted too_many_requests"
    ),
    "overloaded": "overloaded_error unavailable_error unavailable service_unavailable",
    "upstream": (
        "server_error api_error internal_error internalservererror internal timeout_error deadline_exceeded"
    ),
}
_BY_NAME: Mapping[str, FailureKind] = {name: kind for kind, names in _NAMES.items() for name in names.split()}
_SURE: frozenset[FailureKind] = frozenset({"context_length", "model_not_found", "auth", "rate_limited"})
"""Kinds that a backend's own name tells better than any words beside it."""
_OWN: Mapping[str, FailureKind] = {kind: kind for kind in get_args(FailureKind)}
"""An error that tokenweir itself wrote has its kind as the type."""
_RETRYABLE: frozenset[FailureKind] = frozenset(
    {"model_loading", "overloaded", "rate_limited", "model_crashed"}
)
_PASSING = frozenset({408, 409})
"""Statuses below 500 that may pass by themselves."""


def kind_of(message: str, names: Sequence[str], status: int | None) -> FailureKind:
    """The kind. `names` are what the backend calls it: its type, then what tells more (its code).

    >>> kind_of("Loading model", ["unavailable_error"], 503)
    'model_loading'
    >>> kind_of("no", [], 422)
    'bad_request'
    """
    lowered = [name.lower() for name in names]
    if lowered and lowered[0] in _OWN:
        return _OWN[lowered[0]]
    named: list[FailureKind] = [_BY_NAME[name] for name in reversed(lowered) if name in _BY_NAME]
    if _NO_PATH.fullmatch(message):
        named = [kind for kind in named if kind != "model_not_found"]
    sure: list[FailureKind] = [kind for kind in named if kind in _SURE]
    if sure:
        return sure[0]
    for pattern, kind in _WORDS:
        if pattern.search(message):
            return kind
    return _by_status(status, named[0] if named else None)


def _by_status(status: int | None, named: FailureKind | None) -> FailureKind:
    if status is None:
        return named or "upstream"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= SERVER_ERROR:
        return named or "upstream"
    return "bad_request" if named in (None, "upstream") else named


def is_retryable(kind: FailureKind, names: Sequence[str], status: int | None) -> bool:
    """Whether the same request may succeed later: the backend is busy, or it broke and may be back."""
    if kind in _RETRYABLE or status in _PASSING:
        return True
    named = any(_BY_NAME.get(name.lower()) == "upstream" for name in names)
    return kind == "upstream" and (status >= SERVER_ERROR if status is not None else named)
