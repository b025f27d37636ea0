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


def heard(*events: tuple[str, dict[str, Any]]) -> tuple[TextEvents, list[Event]]:
    """One answer of these events, and what they say."""
    texts, out = TextEvents(), list[Event]()
    for name, fields in events:
        texts.take(f"response.{name}", fields, out)
    return texts, out


def delta(text: str, kind: str = "output_text", **where: Any) -> tuple[str, dict[str, Any]]:
    """A delta of a text."""
    return f"{kind}.delta", {**where, "delta": text}


def done(text: str, kind: str = "output_text", **where: Any) -> tuple[str, dict[str, Any]]:
    """A text as a whole."""
    return f"{kind}.done", {**where, "text": text}


def part_done(text: str, kind: str = "output_text", **where: Any) -> tuple[str, dict[str, Any]]:
    """A part as a whole."""
    return "content_part.done", {**where, "part": {"type": kind, "text": text}}


def item_done(*texts: str, **where: Any) -> tuple[str, dict[str, Any]]:
    """A message as a whole."""
    content = [{"type": "output_text", "text": text} for text in texts]
    return "output_item.done", {**where, "item": {"type": "message", "content": content}}


ADDED = ("output_item.added", {"output_index": 0, "item": {"type": "message"}})
SUMMARY = "reasoning_summary_text"


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([delta("a"), done("a"), done("a"), part_done("a"), item_done("a")], "a"),
        ([delta("a"), done("a"), delta("b"), done("b"), item_done("a", "b")], "ab"),
        ([delta("a"), item_done("a"), done("a"), delta("b"), item_done("b")], "ab"),
        ([ADDED, delta("a", output_index=0), item_done("a", output_index=0)], "a"),
        (
            [
                delta("a", content_index=0),
                delta("b", content_index=1),
                delta("c", content_index=0),
                done("ac", content_index=0),
                part_done("b", content_index=1),
            ],
            "abc",
        ),
        (
            [
                delta("a", content_index=1),
                delta("b"),
                done("ab"),
                part_done("ab"),
                done("ab", content_index=1),
            ],
            "ab",
        ),
        ([delta("a", content_index=1), part_done("a"), part_done("a", content_index=1)], "a"),
        (
            [
                delta("a", SUMMARY, summary_index=0, content_index=7),
                delta("b", SUMMARY, summary_index=1, content_index=7),
                delta("c", SUMMARY, summary_index=0, content_index=7),
                done("ac", SUMMARY, summary_index=0, content_index=8),
                part_done("b", "summary_text", summary_index=1, content_index=8),
            ],
            "abc",
        ),
    ],
    ids=range(8),
)
def test_a_whole_finds_its_deltas(events: list[tuple[str, dict[str, Any]]], said: str) -> None:
    """P1: with numbers, without them, and where one item follows another: nothing is said twice, and every
    whole is the text of its deltas."""
    _, out = heard(*events)

    assert "".join(event.text for event in out if isinstance(event, Delta)) == said
    assert [event for event in out if isinstance(event, Extra)] == []


def test_arguments_have_no_number() -> None:
    """P1: whatever stands beside them, those of one item are one text."""
    call = {"type": "function_call", "id": "i", "call_id": "c", "name": "f"}
    where = {"output_index": 0, "item_id": "i"}
    _, out = heard(
        ("output_item.added", {**where, "item": call}),
        ("function_call_arguments.delta", {**where, "content_index": 1, "delta": "{"}),
        ("function_call_arguments.delta", {**where, "content_index": 2, "delta": "}"}),
        ("function_call_arguments.done", {**where, "content_index": 3, "arguments": "{}"}),
        ("output_item.done", {**where, "item": {**call, "arguments": "{}"}}),
    )

    assert out == [ToolDelta(0, "c", "f"), ToolDelta(0, None, None, "{"), ToolDelta(0, None, None, "}")]


def test_an_item_that_begins_is_another() -> None:
    """P1: two calls under one number and without ids are two."""
    calls = [
        ("output_item.added", {"output_index": 0, "item": {"type": "function_call", "name": name}})
        for name in "fg"
    ]

    assert heard(*calls)[1] == [ToolDelta(0, None, "f"), ToolDelta(1, None, "g")]


def test_a_name_beside_a_text_makes_no_call() -> None:
    """Only arguments have one."""
    texts, out = heard(("output_text.done", {**WHERE, "text": "a", "name": "f"}))

    assert out == [Delta("a")]
    assert texts.output.calls == 0


def test_log_probabilities_are_told_once() -> None:
    """DESIGN 3: beside each delta, and not again with the whole text; with that where no delta had any."""
    odds = [{"token": "a", "logprob": -0.5}]
    at = {**WHERE, "content_index": 1}
    _, out = heard(
        ("output_text.delta", {**WHERE, "delta": "a", "logprobs": odds}),
        ("output_text.delta", {**WHERE, "delta": "a", "logprobs": odds}),
        ("output_text.done", {**WHERE, "text": "aa", "logprobs": odds * 2}),
        ("output_text.delta", {**at, "delta": "b"}),
        ("output_text.done", {**at, "text": "b", "logprobs": odds}),
    )
    told = [event for event in out if isinstance(event, Extra)]

    assert [type(event) for event in out] == [Delta, Extra, Delta, Extra, Delta, Extra]
    assert {(event.kind, bytes(event.data), event.index) for event in told} == {
        ("logprobs", json.dumps(odds, separators=(",", ":")).encode(), 0)
    }


@pytest.mark.parametrize(("where", "other"), [({"content_index": 0}, 1), ({"content_index": 1}, 0), ({}, 0)])
def test_an_annotation_belongs_to_its_text(where: dict[str, int], other: int) -> None:
    """DESIGN 3: to that of its number, else to the latest; the other text has its own with its whole."""
    part = {"type": "output_text", "annotations": [{"url": "u"}]}
    numbers: list[dict[str, Any]] = [{**WHERE, "content_index": at} for at in range(2)]
    texts, out = heard(*(delta(str(at), **fields) for at, fields in enumerate(numbers)))
    texts.take(
        "response.output_text.annotation.added", {"output_index": 0, **where, "annotation": {"url": "u"}}, out
    )
    begin = len(out)
    for at, fields in enumerate(numbers):
        texts.take("response.content_part.done", {**fields, "part": {**part, "text": str(at)}}, out)
        assert bool(out[begin:]) == (at >= other)

    assert [event.kind for event in out[begin:] if isinstance(event, Extra)] == ["annotations"]
