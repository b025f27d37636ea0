"""The events of the output: which one says what."""

import json
from typing import Any

import pytest

from tokenweir.pipeline.events import Channel, Delta, Event, Extra, ToolDelta
from tokenweir.pipeline.protocols.openai_responses_texts import TextEvents

WHERE: dict[str, Any] = {"output_index": 0, "item_id": "i", "content_index": 0}


def taken(name: str, /, **fields: Any) -> list[Event] | None:
    """What one event says; None where it is none of the output's."""
    out: list[Event] = []
    return out if TextEvents().take(f"response.{name}", fields, out) else None


@pytest.mark.parametrize(
    ("name", "field", "channel"),
    [
        ("output_text", "text", "text"),
        ("refusal", "refusal", "refusal"),
        ("reasoning_text", "text", "reasoning"),
        ("reasoning_summary_text", "text", "reasoning"),
    ],
)
def test_texts(name: str, field: str, channel: Channel) -> None:
    """PROTOCOLS 7.1: as a delta, and whole."""
    assert taken(f"{name}.delta", **WHERE, delta="a") == [Delta("a", channel)]
    assert taken(f"{name}.done", **WHERE, **{field: "a"}) == [Delta("a", channel)]
    assert taken(f"{name}.delta", **WHERE, delta={"odd": 1}) is None
    assert taken(f"{name}.done", **WHERE) is None


def test_arguments() -> None:
    """Whole, with the name beside them, and as an object too; those of a server's tool are not ours."""
    done = taken("function_call_arguments.done", **WHERE, name="f", arguments={"x": 1})
    events, out = TextEvents(), list[Event]()
    search = {"type": "web_search_call", "id": "i"}
    events.take("response.output_item.added", {**WHERE, "item": search}, out)

    assert done == [ToolDelta(0, None, "f"), ToolDelta(0, None, None, '{"x":1}')]
    assert taken("custom_tool_call_input.delta", **WHERE, delta="SELECT") == []
    assert not events.take("response.function_call_arguments.delta", {**WHERE, "delta": "{"}, out)


@pytest.mark.parametrize("name", ["content_part", "reasoning_part", "reasoning_summary_part"])
def test_parts(name: str) -> None:
    """What a part says when it begins comes again; one that is no text is not modelled."""
    part = {"type": "output_text", "text": "a"}

    assert taken(f"{name}.added", **WHERE, part=part) == []
    assert taken(f"{name}.done", **WHERE, part=part) == [Delta("a")]
    assert taken(f"{name}.done", **WHERE, part={"type": "image"}) is None
    assert taken(f"{name}.done", **WHERE) == []


def test_items_and_strangers() -> None:
    """An item without fields says nothing that could be read; other events are the caller's."""
    assert taken("output_item.added", output_index=0, item=None) is None
    assert taken(
        "output_item.done", item={"type": "message", "content": [{"type": "refusal", "refusal": "a"}]}
    ) == [Delta("a", "refusal")]
    assert taken("audio.delta", delta="AA==") is None
    assert taken("output_text.annotation.added", **WHERE, annotation={}) is None


def test_annotations_are_told_once() -> None:
    """By events of their own, or with the whole text."""
    events, out = TextEvents(), list[Event]()
    part = {"type": "output_text", "text": "a", "annotations": [{"url": "u"}]}
    for at in range(2):
        where = {**WHERE, "content_index": at}
        events.take("response.output_text.delta", {**where, "delta": "a"}, out)
        if at:
            events.take("response.output_text.annotation.added", {**where, "annotation": {"url": "u"}}, out)
        events.take("response.content_part.done", {**where, "part": part}, out)

    assert [event.kind for event in out if isinstance(event, Extra)] == ["annotations"]


def test_fields_that_are_news() -> None:
    """Of the event and of the part, once a value; the noise is none."""
    noise = {"type": "t", "sequence_number": 3, "obfuscation": "xx"}
    out = taken("output_text.delta", **WHERE, **noise, delta="a", odd=1) or []
    part = taken("content_part.added", **WHERE, part={"type": "output_text", "odd": 2}) or []
    told = [(event.kind, json.loads(bytes(event.data))) for event in out + part if isinstance(event, Extra)]

    assert told == [("odd", 1), ("odd", 2)]
