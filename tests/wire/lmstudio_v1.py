"""Answers of LM Studio's own REST v1, written for these tests (PROTOCOLS 3.3)."""

import json
from typing import Any

from tests.wire.body import Body, whole_after

MODEL = {"model_instance_id": "m"}


def event(kind: str, **fields: Any) -> bytes:
    """One named event; its data repeats the name."""
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def message(*texts: str) -> bytes:
    """A message with its start and its end."""
    pieces = (event("message.delta", content=text) for text in texts)
    return event("message.start") + b"".join(pieces) + event("message.end")


def thought(*texts: str) -> bytes:
    """A reasoning with its start and its end."""
    pieces = (event("reasoning.delta", content=text) for text in texts)
    return event("reasoning.start") + b"".join(pieces) + event("reasoning.end")


def end(*output: dict[str, Any], **result: Any) -> bytes:
    """The last event."""
    stats = {"input_tokens": 5, "total_output_tokens": 7, "tokens_per_second": 40.5}
    return event("chat.end", result={**MODEL, "output": list(output), "stats": stats, **result})


START = event("chat.start", **MODEL)
LOAD = (
    event("model_load.start", **MODEL)
    + event("model_load.progress", **MODEL, progress=0.25)
    + event("model_load.end", **MODEL, load_time_seconds=2.5)
)
PREFILL = (
    event("prompt_processing.start")
    + event("prompt_processing.progress", progress=0.5)
    + event("prompt_processing.end")
)
TOOL = {"tool": "look", "provider_info": {"type": "plugin", "plugin_id": "p"}}
LOOKED: dict[str, Any] = {**TOOL, "arguments": {"at": "sky"}, "output": "blue"}
CALL = (
    event("tool_call.start", **TOOL)
    + event("tool_call.arguments", **TOOL, arguments={"at": "sky"})
    + event("tool_call.success", **LOOKED)
)
CRASH = {"type": "internal_error", "message": "The model has crashed."}
WHOLE = json.dumps(
    {
        **MODEL,
        "output": [{"type": "reasoning", "content": "Hm"}, {"type": "message", "content": "Hé 🙂"}],
        "stats": {"input_tokens": 5, "total_output_tokens": 7, "reasoning_output_tokens": 2},
        "response_id": "resp_1",
    },
    ensure_ascii=False,
).encode()


def _whole(name: str, wire: bytes) -> Body:
    """A body whose last event makes it whole: all of it but the empty line."""
    return whole_after(name, wire, b"}")


BODIES: tuple[Body, ...] = (
    _whole("text", START + PREFILL + message("Hel", "lo") + end({"type": "message", "content": "Hello"})),
    _whole("cold", START + LOAD + PREFILL + thought("Hm", ".") + message("Hé", "llo 🙂") + end()),
    _whole("tools", START + thought("a") + CALL + PREFILL + message("b") + end(response_id="resp_1")),
    _whole("nothing", START + end()),
    _whole(
        "done only",
        START
        + end({"type": "tool_call", **LOOKED}, {"type": "message", "content": "Hi"}, {"type": "new", "a": 1}),
    ),
    _whole("unknown", START + event("new.kind", a=[1]) + message("a") + end(new=2)),
    _whole("one object", WHOLE + b"\n"),
    Body("error", START + message("Hel") + event("error", error=CRASH) + end(), None),
    Body("error first", START + event("error", error={**CRASH, "type": "model_not_found"}), None),
    Body("error of its other face", b'event: error\ndata: {"error":{"message":"n_ctx"}}\n\n', None),
)
