"""What items say, as events."""

import json
from typing import Any

import pytest

from tokenweir.pipeline.events import Delta, Event, Extra, ToolDelta
from tokenweir.pipeline.protocols import openai_responses_output
from tokenweir.pipeline.protocols.openai_responses_item import Item
from tokenweir.pipeline.protocols.openai_responses_output import Output

MESSAGE = {"type": "message", "id": "msg_0"}


def begun(fields: dict[str, Any]) -> tuple[Output, Item, list[Event]]:
    """An output whose first item has begun."""
    output, out = Output(), list[Event]()
    item = output.items.at(fields, {"output_index": 0}, begins=True)
    output.begin(item, fields, out)
    return output, item, out


def told(out: list[Event]) -> list[tuple[str, Any]]:
    """The extras."""
    return [(event.kind, json.loads(bytes(event.data))) for event in out if isinstance(event, Extra)]


def test_halves_of_a_character() -> None:
    """V09: joined across deltas; half a one is given at the whole, or at the end, and once."""
    output, item, out = begun(MESSAGE)
    output.say(item, "text", 0, "a\ud83d", out)
    assert output.current is None
    output.say(item, "text", 0, "\ude00\ud83d", out)
    output.verify(item, "text", 0, "a\U0001f600\ufffd", out)
    output.say(item, "text", 1, "\ud83d", out)
    output.flush(out)
    output.flush(out)

    assert out == [Delta("a"), Delta("\U0001f600"), Delta("\ufffd"), Delta("\ufffd")]


def test_halves_in_a_whole_text() -> None:
    """The whole may end in half a character too."""
    output, item, out = begun(MESSAGE)
    output.verify(item, "text", 0, "a\ud83d", out)
    output.verify(item, "text", 0, "a\ud83d", out)

    assert out == [Delta("a"), Delta("\ufffd")]


def test_a_call_whose_name_comes_late() -> None:
    """Its arguments wait for it; an id that comes only at the end is that of the item."""
    output, out = Output(), list[Event]()
    item = output.items.of({"output_index": 0})
    output.say(item, "arguments", 0, '{"x"', out)
    assert out == []
    output.name(item, "f", out)
    output.say(item, "arguments", 0, ":1}", out)
    fields = {"type": "function_call", "id": "fc_0", "name": "g", "arguments": '{"x":1}'}
    output.close(output.items.at(fields, {"output_index": 0}, begins=False), fields, out)

    assert out == [
        ToolDelta(0, None, "f", '{"x"'),
        ToolDelta(0, None, None, ":1}"),
        ToolDelta(0, "fc_0", None, ""),
    ]
    assert output.calls == 1


def test_a_call_without_a_name() -> None:
    """What was held of it is given at the end."""
    output, out = Output(), list[Event]()
    output.say(output.items.of({}), "arguments", 0, "{}", out)
    output.flush(out)

    assert out == [ToolDelta(0, None, None, "{}")]


def test_what_stands_beside_a_text() -> None:
    """With the whole where nothing came with the deltas, and once."""
    output, item, out = begun(MESSAGE)
    output.say(item, "text", 0, "a", out)
    part = {"type": "output_text", "text": "a", "annotations": [1], "logprobs": []}
    output.beside(item.texts["text", 0], part, out)
    output.beside(item.texts["text", 0], part, out)
    output.beside(None, part, out)

    assert told(out) == [("annotations", [1])]


def test_items_that_nobody_models() -> None:
    """A server's tool when it begins, and where it has changed; fields that are news; parts of no kind."""
    output, item, out = begun({"type": "web_search_call", "id": "ws_0", "status": "in_progress"})
    output.close(item, {"type": "web_search_call", "id": "ws_0", "status": "completed"}, out)
    output.close(item, {"type": "web_search_call", "id": "ws_0", "status": "completed"}, out)
    other, said, more = begun({**MESSAGE, "phase": "commentary"})
    image = {"type": "image", "url": "u"}
    other.close(said, {**MESSAGE, "phase": "commentary", "content": [image]}, more)

    assert [data["status"] for _, data in told(out)] == ["in_progress", "completed"]
    assert told(more) == [("message", {"id": "msg_0", "phase": "commentary"}), ("content_part", image)]


def test_reasoning_that_is_not_whole_yet() -> None:
    """What is encrypted counts at its end alone, and is told with all that must be sent back."""
    fields: dict[str, Any] = {"type": "reasoning", "id": "rs_0", "summary": [], "encrypted_content": "AA"}
    output, item, out = begun({**fields, "encrypted_content": "A"})
    output.close(item, fields, out)

    assert told(out) == [("reasoning", fields)]


def test_what_is_kept_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """V14: beyond it a text is not verified; nothing of it is lost."""
    monkeypatch.setattr(openai_responses_output, "KEPT_LIMIT", 3)
    output, item, out = begun(MESSAGE)
    output.say(item, "text", 0, "abc", out)
    output.say(item, "text", 0, "d", out)
    output.verify(item, "text", 0, "something else", out)

    assert out == [Delta("abc"), Delta("d")]
    assert item.texts["text", 0].kept is None


def test_texts_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """V14."""
    monkeypatch.setattr(openai_responses_output, "TEXT_LIMIT", 1)
    output, item, out = begun(MESSAGE)
    output.say(item, "text", 0, "a", out)

    with pytest.raises(OverflowError, match="more than 1 texts"):
        output.say(item, "text", 1, "b", out)
