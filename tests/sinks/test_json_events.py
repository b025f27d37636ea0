"""An event as JSON on one line."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import Delta, End, Event, Extra, Failure, Snapshot
from tokenweir.sinks.json_events import event_json

HOSTILE = [
    "data: [DONE]\n\n",
    "\r\n\r\nevent: error",
    "\u2028\u2029\x85\x0b\x0c",
    "\x1b]0;title\x07",
    '"}\n{"type":"end"',
    "\x00",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_cannot_end_its_line(text: str) -> None:
    """V23: whatever the model says, the line holds exactly one event, and the very text."""
    line = event_json(Delta(text), "test")

    assert line.count(b"\n") + line.count(b"\r") == 0
    assert json.loads(line) == {"type": "delta", "text": text, "channel": "text", "index": 0}


@given(st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_raw_json_loses_its_line_breaks_alone(value: object) -> None:
    """V23: raw JSON of a backend means the same without the line breaks between its tokens."""
    raw = msgspec.Raw(json.dumps(value, indent=1).replace("\n", "\r\n").encode())
    lines = [
        event_json(Extra("odd", raw), "test"),
        event_json(End("error", Failure("upstream", "m", native=raw)), "t"),
    ]

    assert [line.splitlines() for line in lines] == [[line] for line in lines]
    assert json.loads(lines[0])["data"] == value
    assert json.loads(lines[1])["failure"]["native"] == value


def test_every_event_can_be_read_back() -> None:
    """The JSON of an event is the event: its own type, by its tag."""
    events: list[Event] = [Delta("é😀"), End("complete")]

    assert (
        msgspec.json.decode(b"[" + b",".join(event_json(e, "t") for e in events) + b"]", type=list[Event])
        == events
    )


def test_a_snapshot_is_refused_in_the_name_of_the_sink() -> None:
    """A Snapshot is a pipeline put together wrongly."""
    with pytest.raises(StageError, match="jsonl got a Snapshot"):
        event_json(Snapshot("ab"), "jsonl")
