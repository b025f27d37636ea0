"""A whole message out of the events of a stream."""

from typing import Any

import msgspec

from tests.feeding import run_bytes
from tests.wire.anthropic import WHOLE
from tokenweir.pipeline.events import Done, Event, Finish, ToolDelta
from tokenweir.pipeline.protocols.anthropic_encode import AnthropicEncode
from tokenweir.simulator.anthropic_message import gathered
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol


def message(*events: Event) -> dict[str, Any]:
    """The message that events are."""
    found: dict[str, Any] = msgspec.json.decode(gathered(AnthropicEncode("msg_2", "m").feed(events)))
    return found


def test_there_and_back() -> None:
    """P1: a whole answer, read as events and gathered again, is the same answer."""
    events = run_bytes(decode_frames("anthropic") | decode_protocol("anthropic"), WHOLE)

    assert message(*events) == msgspec.json.decode(WHOLE)


def test_half_a_call_is_left_empty() -> None:
    """An answer that its length cut."""
    found = message(ToolDelta(0, "a", "f", '{"x": '), Finish("length"), Done())

    assert found["content"] == [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]
    assert found["stop_reason"] == "max_tokens"
