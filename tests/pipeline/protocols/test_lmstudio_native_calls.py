"""Tool calls of LM Studio's websocket, put together from their pieces."""

import json
from typing import Any

import pytest

from tokenweir.pipeline.events import Event, Extra, ToolDelta
from tokenweir.pipeline.protocols.lmstudio_native_calls import ARGUMENTS_LIMIT, NativeCalls
from tokenweir.pipeline.protocols.tool_calls import CALL_LIMIT


def told(*steps: tuple[str, Any]) -> list[Event]:
    """What comes of the steps."""
    calls, out = NativeCalls(), list[Event]()
    for name, value in steps:
        step = getattr(calls, name)
        step(value) if name == "start" else step(value, out)
    return out


def kept(events: list[Event]) -> list[Any]:
    """The data of the Extras."""
    return [json.loads(bytes(event.data)) for event in events if isinstance(event, Extra)]


def test_piece_by_piece() -> None:
    """The end says nothing new."""
    events = told(
        ("start", "c"),
        ("name", "f"),
        ("arguments", '{"a":'),
        ("arguments", "1}"),
        ("end", {"id": "c", "type": "function", "name": "f", "arguments": {"a": 1}}),
        ("start", None),
        ("name", "g"),
        ("end", {"id": "d", "name": "g"}),
    )

    assert events == [
        ToolDelta(0, "c", "f"),
        ToolDelta(0, None, None, '{"a":'),
        ToolDelta(0, None, None, "1}"),
        ToolDelta(1, None, "g"),
        ToolDelta(1, "d", None, "{}"),
    ]


def test_whole_and_in_another_order() -> None:
    """Without a start, and with arguments before the name."""
    whole = told(("end", {"id": "c", "name": "f", "arguments": {"a": 1}}))
    late = told(("arguments", "{"), ("start", "c"), ("arguments", "{}"), ("name", "f"), ("name", "again"))
    unnamed = told(("arguments", '{"a":1}'), ("end", {"name": "f", "arguments": {"a": 1}}))

    assert whole == [ToolDelta(0, "c", "f", '{"a":1}')]
    assert late == [ToolDelta(0, "c", "f", "{}")]
    assert unnamed == [ToolDelta(0, None, "f", '{"a":1}')]


def test_what_lm_studio_understood_otherwise_is_kept() -> None:
    """Beside what the model wrote; so is a field that nobody knows."""
    events = told(
        ("name", "f"), ("arguments", "{a: 1}"), ("end", {"name": "f", "arguments": {"a": 1}, "x": 2})
    )

    assert kept(events) == [{"call": 0, "x": 2, "arguments": {"a": 1}}]


def test_bounds() -> None:
    """Too many calls, and too long arguments (fault V14)."""
    with pytest.raises(OverflowError, match="tool calls in one answer"):
        told(*[("end", {"name": "f"})] * (CALL_LIMIT + 1))
    with pytest.raises(OverflowError, match="arguments of a tool call"):
        told(("arguments", "x" * (ARGUMENTS_LIMIT + 1)))
