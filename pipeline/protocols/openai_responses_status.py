"""The response around the output of an openai-responses answer: who answers, how far, how it ended.

Law of this file: the response object and nothing of its items, which the caller sweeps. The status is
the native finish reason; why an answer is incomplete stays in an `Extra("incomplete_details")`.
"""

from collections.abc import Mapping
from typing import Any

from tokenweir.pipeline.events import Event, Extra, Failure, Finish, FinishReason, Phase, Start, Usage
from tokenweir.pipeline.json_value import as_count, as_list, as_object, as_text
from tokenweir.pipeline.protocols.extras import Extras, misread
from tokenweir.pipeline.protocols.failures import failure_from, says_error
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.unicode_halves import whole
from tokenweir.pipeline.protocols.usage import read_usage, unread_usage

INCOMPLETE: Mapping[str, FinishReason] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
"""Why an answer is `incomplete`; any other reason is "other"."""
ENDED = frozenset({"completed", "incomplete", "failed", "cancelled"})
"""Statuses after which nothing comes."""
PHASES: Mapping[str, Phase] = {"queued": Phase("queued"), "in_progress": Phase("prefill")}
"""Statuses of an answer that has not begun to speak."""

_BROKEN = frozenset({"failed", "cancelled"})
_READ = frozenset({"id", "object", "created_at", "completed_at", "status", "model", "type"}).union(
    {"output", "output_text", "usage", "error", "incomplete_details"}
)
_TYPES: Mapping[str, type] = {"output": list, "output_text": str, "usage": dict, "incomplete_details": dict}
_ECHO = frozenset(
    {"background", "background_options", "conversation", "frequency_penalty", "include", "instructions"}
).union(
    {"max_output_tokens", "max_tool_calls", "metadata", "parallel_tool_calls", "presence_penalty"},
    {"previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_retention", "reasoning"},
    {"safety_identifier", "service_tier", "store", "temperature", "text", "tool_choice", "tools"},
    {"top_logprobs", "top_p", "truncation", "user"},
)
"""What a response repeats of its request."""


class Status:
    """What is known of the response itself."""

    def __init__(self, provider: str | None) -> None:
        self._provider = provider
        self._started = False
        self._usage: Usage | None = None
        self._extras = Extras()

    def start(self, response: Mapping[str, Any], out: list[Event]) -> None:
        """Who answers, once."""
        if self._started:
            return
        self._started = True
        answer, model = (whole(as_text(response.get(name))) or None for name in ("id", "model"))
        created = response.get("created_at")
        if isinstance(created, float):
            created = int(created)
        out.append(Start(answer, self._provider, model, as_count(created) or None))

    def around(self, response: Mapping[str, Any], out: list[Event]) -> None:
        """The figures, and what nobody models."""
        usage = read_usage(as_object(response.get("usage")), self._usage)
        if usage is not None:
            self._usage = usage
            out.append(usage)
        self._extras.take({"usage": unread_usage(as_object(response.get("usage")))}, None, out)
        unknown = {key: value for key, value in response.items() if key not in _READ and key not in _ECHO}
        strange = [item for item in as_list(response.get("output")) if item and not as_object(item)]
        self._extras.take(unknown | {"output": strange} | misread(response, _TYPES), None, out)


def ended(status: str, response: Mapping[str, Any], out: list[Event], *, calls: int) -> Failure | None:
    """Add the finish to `out`; the failure, where it is one. `calls` is how many there are to run."""
    error = response.get("error")
    failed = says_error(error) or status in _BROKEN
    details = as_object(response.get("incomplete_details"))
    if details:
        out.append(Extra("incomplete_details", as_raw(details), 0))
    if failed:
        status = status if status in _BROKEN else "failed"
        out.append(Finish("other", status))
        return failure_from(error or {"message": f"the backend says that the response has {status}"})
    reason: FinishReason = "tool_calls" if calls else "stop"
    if status == "incomplete":
        reason = INCOMPLETE.get(as_text(details.get("reason")), "other")
    out.append(Finish(reason, status))
    return None
