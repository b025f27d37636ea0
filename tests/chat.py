"""openai-chat payloads for tests of its decoder, and what comes of them.

Law of this file: for tests alone. Whatever is decoded here is decoded twice, in one batch and one by
one, so that no test of a dialect can miss that batching shows.
"""

import json
from typing import Any

from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import Delta, Done, Event, Extra, Failure, SSEEvent
from tokenweir.pipeline.protocols.openai_chat_decode import OpenAIChatDecode

Payload = Any
"""An object (sent as JSON), or bytes (sent as they are), or a wire item."""

DONE = b"[DONE]"
STOP: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def chunk(finish: str | None = None, /, index: int = 0, **delta: Any) -> dict[str, Any]:
    """One chunk of an answer named `a`, with one choice."""
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "a", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [choice]}


def call(**fields: Any) -> dict[str, Any]:
    """One chunk with one fragment of a tool call; `name` and `arguments` go inside."""
    function = {key: fields.pop(key) for key in ("name", "arguments") if key in fields}
    return chunk(tool_calls=[{**fields, "function": function}])


def item(payload: Payload) -> Any:
    """The wire item of a payload."""
    if isinstance(payload, bytes):
        return SSEEvent(payload)
    return SSEEvent(json.dumps(payload).encode()) if isinstance(payload, (dict, list, str)) else payload


def decode(*payloads: Payload, **options: Any) -> list[Event]:
    """All events of an answer, to the end of its body."""
    items = [item(payload) for payload in payloads]
    at_once, one_by_one = OpenAIChatDecode(**options), OpenAIChatDecode(**options)
    out = [*at_once.feed(items), *at_once.finish()]
    assert out == [*(event for one in items for event in one_by_one.feed([one])), *one_by_one.finish()]
    assert at_once.figures() == one_by_one.figures()
    return out


def answer(*payloads: Payload, **options: Any) -> Assembly:
    """The answer, put together."""
    made = Assembly()
    made.feed(decode(*payloads, **options))
    return made


def failure(*payloads: Payload, **options: Any) -> Failure:
    """The failure that an answer ends with."""
    done = decode(*payloads, **options)[-1]
    assert isinstance(done, Done)
    assert done.failure is not None
    return done.failure


def deltas(events: list[Event]) -> list[tuple[str, str, int]]:
    """(text, channel, index) of each piece of text."""
    return [(event.text, event.channel, event.index) for event in events if isinstance(event, Delta)]


def extras(events: list[Event]) -> list[tuple[str, Any, int | None]]:
    """(kind, value, index) of each field that nobody models."""
    return [(e.kind, json.loads(bytes(e.data)), e.index) for e in events if isinstance(e, Extra)]


def of(kind: type[Any], events: list[Event]) -> list[Any]:
    """The events of one type."""
    return [event for event in events if isinstance(event, kind)]
