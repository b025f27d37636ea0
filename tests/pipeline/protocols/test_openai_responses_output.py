"""What items say, as events."""

import json
from typing import Any

import pytest

from tokenweir.pipeline.events import Delta, Event, Extra, ToolDelta
from tokenweir.pipeline.protocols import openai_responses_output
from tokenweir.pipeline.protocols.openai_responses_item import Item, Kind
from tokenweir.pipeline.protocols.openai_responses_output import Output

MESSAGE = {"type": "message", "id": "msg_0"}
CALL = {"type": "function_call", "id": "fc_0", "call_id": "call_0", "name": "f"}
CUSTOM = {"type": "custom_tool_call", "id": "ctc_0", "call_id": "call_0", "name": "sql"}
THOUGHT = {"type": "reasoning", "id": "rs_0"}
IMAGE = {"type": "image", "url": "u"}


def begun(fields: dict[str, Any]) -> tuple[Output, Item, list[Event]]:
    """An output whose first item has begun."""
    output, out = Output(), list[Event]()
    item = output.items.at(fields, {"output_index": 0}, begins=True)
    output.begin(item, fields, out)
    return output, item, out


def told(out: list[Event]) -> list[tuple[str, Any]]:
    """The extras, which are all of the one choice that there is."""
    extras = [event for event in out if isinstance(event, Extra)]
    assert {event.index for event in extras} <= {0}
    return [(event.kind, json.loads(bytes(event.data))) for event in extras]


def part(text: str, kind: str = "output_text") -> dict[str, Any]:
    """A part as it comes whole."""
    return {"type": kind, "text": text}


def test_which_text_was_the_last() -> None:
    """None before any, nor while half a character is held, nor for arguments."""
    output, item, out = begun(MESSAGE)
    assert output.current is None
    output.say(item, "text", 0, "a", out)
    assert output.current is item.texts["text", 0]
    output.say(item, "arguments", 0, "a", out)
    assert output.current is None


@pytest.mark.parametrize(
    ("kind", "deltas", "whole", "agrees"),
    [
        ("text", "Hi", "Hi", True),
        ("text", "Hi", "Ho", False),
        ("text", "Hi", "", True),
        ("text", '{"x": 1}', '{"x":1}', False),
        ("arguments", '{"x": 1}', '{"x":1}', True),
        ("arguments", '{"x": 1}', '{"x":2}', False),
    ],
)
def test_a_whole_is_held_against_its_deltas(kind: Kind, deltas: str, whole: str, *, agrees: bool) -> None:
    """P1: nothing is given twice, and what differs is kept once; arguments are the same as values. An empty
    whole says nothing, and another one is still held against the deltas after it."""
    output, item, out = begun(CALL if kind == "arguments" else MESSAGE)
    output.say(item, kind, 2, deltas, out)
    before = list(out)
    output.verify(item, kind, 2, whole, out)
    found = {"output_index": 0, "kind": kind, "index": 2, "text": whole}

    assert out[: len(before)] == before
    assert told(out) == ([] if agrees else [("mismatch", found)])
    assert len(out) == len(before) + (not agrees)
    assert (item.texts[kind, 2].kept is None) == bool(whole)


def test_reasoning_that_comes_as_both_kinds() -> None:
    """P1: what was said as reasoning is not said again as its summary; another summary is."""
    output, item, out = begun(THOUGHT)
    output.say(item, "reasoning", 0, "Hm.", out)
    output.verify(item, "summary", 0, "Hm.", out)
    assert out == [Delta("Hm.", "reasoning")]
    output.verify(item, "summary", 1, "Hm.", out)
    output.verify(item, "summary", 2, "Oh.", out)

    assert out[1:] == [Delta("Hm.", "reasoning"), Delta("Oh.", "reasoning")]


def test_an_item_that_comes_whole() -> None:
    """P1: its parts in their order, the summary after the content; a part that is no text hides no other,
    and only the first end counts."""
    output, item, out = begun(MESSAGE)
    output.close(item, {**MESSAGE, "content": [IMAGE, None, part("a"), part("b")]}, out)
    assert item.closed
    output.close(item, {**MESSAGE, "content": [part("c")]}, out)
    other, thought, more = begun(THOUGHT)
    whole = {"content": [part("Hm.", "reasoning_text")], "summary": [part("In short.", "summary_text")]}
    other.close(thought, {**THOUGHT, **whole}, more)

    assert [event for event in out if isinstance(event, Delta)] == [Delta("a"), Delta("b")]
    assert told(out) == [("content_part", IMAGE)]
    assert more == [Delta("Hm.", "reasoning"), Delta("In short.", "reasoning")]
    assert (output.calls, other.calls) == (0, 0)


def test_parts_are_found_by_their_order() -> None:
    """P1: whatever number their deltas had, nothing is said twice."""
    output, item, out = begun(MESSAGE)
    output.say(item, "text", 3, "a", out)
    output.close(item, {**MESSAGE, "content": [part("a")]}, out)

    assert out == [Delta("a")]


@pytest.mark.parametrize("begins", [True, False])
@pytest.mark.parametrize("last", [{}, {"call_id": "another", "name": "g"}])
def test_a_call_is_told_once(last: dict[str, str], *, begins: bool) -> None:
    """P1: its id and its name count where they come first, and its arguments are given once."""
    output, out = Output(), list[Event]()
    item = output.items.at(CALL, {"output_index": 0}, begins=begins)
    if begins:
        output.begin(item, CALL, out)
        output.say(item, "arguments", 0, '{"x":1}', out)
        assert output.current is None
    output.close(item, {**CALL, **(last if begins else {}), "arguments": '{"x":1}'}, out)

    assert out == [ToolDelta(0, "call_0", "f", ""), ToolDelta(0, None, None, '{"x":1}')]
    assert (item.call_id, item.name, output.calls) == ("call_0", "f", 1)


def test_calls_are_numbered() -> None:
    """In the order in which they appear, and one of which nothing is told counts too."""
    output, out = Output(), list[Event]()
    for at in range(4):
        fields = (
            {"type": "function_call", "id": f"fc_{at}", "name": f"f{at}"} if at else {"type": CALL["type"]}
        )
        output.begin(output.items.at(fields, {"output_index": at}, begins=True), fields, out)

    assert [(event.call, event.name) for event in out if isinstance(event, ToolDelta)] == [
        (1, "f1"),
        (2, "f2"),
        (3, "f3"),
    ]
    assert output.calls == 4


def test_halves_in_arguments() -> None:
    """V09: half a character is given at the whole or at the end, as a part of its call."""
    for whole in ('"\ufffd', None):
        output, item, out = begun(CALL)
        output.say(item, "arguments", 0, '"\ud83d', out)
        if whole:
            output.verify(item, "arguments", 0, whole, out)
        else:
            output.flush(out)

        assert out[1:] == [ToolDelta(0, None, None, '"'), ToolDelta(0, None, None, "\ufffd")]
    output, item, out = begun(CALL)
    output.verify(item, "arguments", 0, '"\ud83d', out)

    assert out[1:] == [ToolDelta(0, None, None, '"'), ToolDelta(0, None, None, "\ufffd")]


def test_halves_are_of_their_own_text() -> None:
    """V09: the end of one text breaks no character of another."""
    output, item, out = begun(MESSAGE)
    output.say(item, "text", 0, "\ud83d", out)
    output.verify(item, "text", 1, "b", out)
    output.say(item, "text", 0, "\ude00", out)

    assert out == [Delta("b"), Delta("\U0001f600")]


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
    assert out == [Delta("a"), Delta("\ufffd")]
    output.verify(item, "text", 0, "a\ud83d", out)

    assert len(out) == 2


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
    fields = {**part("a"), "annotations": [1], "logprobs": []}
    output.beside(item.texts["text", 0], fields, out)
    output.beside(item.texts["text", 0], fields, out)
    output.beside(None, fields, out)

    assert told(out) == [("annotations", [1])]


def test_items_that_nobody_models() -> None:
    """A server's tool when it begins, and where it has changed; fields that are news; parts of no kind."""
    output, item, out = begun({"type": "web_search_call", "id": "ws_0", "status": "in_progress"})
    output.close(item, {"type": "web_search_call", "id": "ws_0", "status": "completed"}, out)
    output.close(item, {"type": "web_search_call", "id": "ws_0", "status": "completed"}, out)
    other, said, more = begun({**MESSAGE, "phase": "commentary"})
    other.close(said, {**MESSAGE, "phase": "commentary", "content": [IMAGE]}, more)

    assert [data["status"] for _, data in told(out)] == ["in_progress", "completed"]
    assert told(more) == [("message", {"id": "msg_0", "phase": "commentary"}), ("content_part", IMAGE)]


def test_what_the_next_request_needs_of_a_custom_call() -> None:
    """Its kind, with the id and the name of the call."""
    _, _, out = begun(CUSTOM)

    assert told(out) == [("custom_tool_call", {key: CUSTOM[key] for key in ("id", "call_id", "name")})]


def test_an_item_of_no_type() -> None:
    """It is kept as it is, under a name of its own."""
    _, _, out = begun({"id": "x", "odd": 1})

    assert told(out) == [("output_item", {"id": "x", "odd": 1})]


def test_reasoning_that_is_not_whole_yet() -> None:
    """What is encrypted counts at its end alone, and is told with all that must be sent back."""
    fields: dict[str, Any] = {**THOUGHT, "summary": [], "content": [], "encrypted_content": "AA"}
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


def test_what_is_kept_up_to_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """V14: a text of just so many characters is still verified."""
    monkeypatch.setattr(openai_responses_output, "KEPT_LIMIT", 3)
    output, item, out = begun(MESSAGE)
    output.say(item, "text", 0, "abc", out)
    output.verify(item, "text", 0, "abd", out)

    assert [kind for kind, _ in told(out)] == ["mismatch"]


def test_texts_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """V14."""
    monkeypatch.setattr(openai_responses_output, "TEXT_LIMIT", 1)
    output, item, out = begun(MESSAGE)
    output.say(item, "text", 0, "a", out)

    with pytest.raises(OverflowError, match="more than 1 texts"):
        output.say(item, "text", 1, "b", out)
