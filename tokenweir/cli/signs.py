"""What one payload alone says of the protocol that it belongs to.

Law of this file: pure. Only what one protocol alone sends counts as a sign (PROTOCOLS sections 2 to 7);
what several send (OpenAI's error object, a plain string under `error`) says nothing.
"""

import re
from collections.abc import Mapping
from typing import Any

from tokenweir.pipeline.json_value import as_list, as_object, as_text

GEMINI = "gemini"
"""The sign of both of Gemini's protocols, whose payloads are the same."""

_EVENTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"response\.[a-z_.]+"), "openai-responses"),
    (re.compile(r"message_(start|delta|stop)|content_block_(start|delta|stop)"), "anthropic"),
    (
        re.compile(
            r"chat\.(start|end)|(model_load|prompt_processing|reasoning|message)\.(start|progress|delta|end)"
            r"|tool_call\.(start|name|arguments|success|failure)"
        ),
        "lmstudio-v1",
    ),
    (re.compile(r"channel(Send|Close|Error|Ack)|rpc(Result|Error)|keepAliveAck"), "lmstudio-native"),
)
"""Names of events, as a payload's `type` or as the stream's own."""

_ERRORS: Mapping[str, frozenset[str]] = {
    "anthropic": frozenset(
        {"api_error", "authentication_error", "billing_error", "invalid_request_error", "not_found_error"}
    )
    | {"overloaded_error", "permission_error", "rate_limit_error", "request_too_large", "timeout_error"},
    "lmstudio-v1": frozenset(
        {"invalid_request", "unknown", "mcp_connection_error", "plugin_connection_error", "not_implemented"}
    )
    | {"model_not_found", "job_not_found", "internal_error"},
}
"""Types of the error inside `{"type": "error", "error": {...}}`."""

_STATUS = re.compile(r"[A-Z]+(_[A-Z]+)*")


def sign_of(payload: Mapping[str, Any], name: str, *, whole: bool) -> str | None:
    """The protocol of a payload, or None. `name` is that of its event in the stream; `whole` says that
    nothing of the payload was cut off.

    >>> sign_of({"type": "message_stop"}, "", whole=True)
    'anthropic'
    """
    kind = as_text(payload.get("type")) or name
    named = next((protocol for pattern, protocol in _EVENTS if pattern.fullmatch(kind)), None)
    return named or _error(payload) or _openai(payload, whole=whole) or _other(payload)


def _error(payload: Mapping[str, Any]) -> str | None:
    error = as_object(payload.get("error"))
    if payload.get("type") == "error":
        told = as_text(error.get("type"))
        if not error and {"code", "message", "param"} <= payload.keys():
            return "openai-responses"
        return next((protocol for protocol, types in _ERRORS.items() if told in types), None)
    grpc = isinstance(error.get("code"), int) and _STATUS.fullmatch(as_text(error.get("status")))
    return GEMINI if grpc else None


def _openai(payload: Mapping[str, Any], *, whole: bool) -> str | None:
    """A chunk or a whole answer. Old servers say a text beside the delta, so a choice that was cut off
    is no sign of a completion."""
    is_a = as_text(payload.get("object"))
    if is_a == "response" or as_object(payload.get("response")).get("object") == "response":
        return "openai-responses"
    if is_a == "text_completion":
        return "openai-completions"
    choices = [as_object(choice) for choice in as_list(payload.get("choices"))]
    chats = any(isinstance(choice.get(key), dict) for choice in choices for key in ("delta", "message"))
    sources = as_list(payload.get("citations")) and "prompt_tokens" in as_object(payload.get("usage"))
    if is_a.startswith("chat.completion") or chats or sources:  # Perplexity's stand before its choices
        return "openai-chat"
    texts = any(isinstance(choice.get("text"), str) for choice in choices)
    return "openai-completions" if texts and whole and not is_a else None


def _other(payload: Mapping[str, Any]) -> str | None:
    told = {name for name, value in payload.items() if isinstance(value, str)}
    inside = {name for name, value in payload.items() if isinstance(value, (dict, list))}
    either = {name for name, value in payload.items() if isinstance(value, bool)}
    if "done" in either or {"model", "created_at"} <= told:
        if "message" in inside:
            return "ollama-chat"
        if "response" in told:
            return "ollama-generate"
    if payload.get("type") == "message" and payload.get("role") == "assistant" and "content" in inside:
        return "anthropic"
    if "model_instance_id" in told and ("output" in inside or "stats" in inside):
        return "lmstudio-v1"
    if "content" in told and "stop" in either:
        return "llamacpp-completion"
    gemini = inside & {"candidates", "promptFeedback", "usageMetadata"}
    return GEMINI if gemini else None
