"""What OpenAI's wires have in common when they are written: why an answer ended, its figures, its error.

Law of this file: pure; JSON objects and words of this API, and no frames.
"""

from collections.abc import Mapping
from typing import Any

from tokenweir.pipeline.events import Done, End, Failure, FinishReason, Usage

_REASONS: Mapping[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "pause": "stop",
    "other": "stop",
}


def wire_reason(reason: FinishReason) -> str:
    """The word for an end that strict clients know.

    >>> wire_reason("length"), wire_reason("pause")
    ('length', 'stop')
    """
    return _REASONS[reason]


def failure_of(end: Done | End) -> Failure | None:
    """An end that is not complete is never written as a clean one, be there a failure in it or not."""
    if end.failure is None and isinstance(end, End) and end.outcome != "complete":
        return Failure("truncated", f"the answer ended {end.outcome}")
    return end.failure


def usage_body(usage: Usage) -> dict[str, Any]:
    """Usage in OpenAI's form: whole numbers only."""
    input_tokens, output = usage.input or 0, usage.output or 0
    made: dict[str, Any] = {
        "prompt_tokens": input_tokens,
        "completion_tokens": output,
        "total_tokens": usage.total if usage.total is not None else input_tokens + output,
    }
    if usage.cached is not None:
        made["prompt_tokens_details"] = {"cached_tokens": usage.cached}
    if usage.reasoning is not None:
        made["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return made


def error_body(failure: Failure) -> dict[str, Any]:
    """A failure in OpenAI's error form; `message` is never empty, since clients show it."""
    return {
        "error": {
            "message": failure.message or failure.kind,
            "type": failure.kind,
            "param": None,
            "code": failure.code or failure.kind,
        }
    }
