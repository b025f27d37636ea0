"""A line of JSON is one line, and does nothing to a terminal."""

import io
import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tokenweir.cli.json_lines import JSONLines, json_line, utf8_output
from tokenweir.pipeline.events import Delta, End, Event, Extra

DECODE: Callable[[str], Event] = msgspec.json.Decoder(Event).decode


@given(st.text())
def test_every_text_survives(text: str) -> None:
    """P5, P28: any text is one printable line, from which a parser reads that text."""
    line = json_line({text: [text]})

    assert json.loads(line) == {text: [text]}
    assert msgspec.json.decode(line) == {text: [text]}
    assert line.endswith("\n")
    assert line[:-1].isprintable()


def test_raw_json_loses_its_line_breaks() -> None:
    """A backend's own JSON may be printed prettily; its numbers stay as they are."""
    event = Extra("logprobs", Raw(b'{\n\t"a": [1.50,\r\n 12345678901234567890123]}'))

    assert (
        json_line(event)
        == '{"type":"extra","kind":"logprobs","data":{"a":[1.50,12345678901234567890123]},"index":null}\n'
    )


@pytest.mark.anyio
async def test_each_event_is_a_line() -> None:
    """In order, `type` first, however long one is."""
    out = io.StringIO()
    sink = JSONLines(out)
    events: list[Event] = [Delta("a" * 5000), Delta("\n"), End("complete")]

    await sink.send(events[:2])
    await sink.send(events[2:])
    await sink.aclose()

    lines = out.getvalue().splitlines()
    assert [DECODE(line) for line in lines] == events
    assert [line.partition(":")[0] for line in lines] == ['{"type"'] * 3


def test_output_becomes_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    """D07: JSON is UTF-8 in every locale; a stream that has no encoding stays as it is."""
    ascii_out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", ascii_out)

    assert (utf8_output(), ascii_out.encoding) == (ascii_out, "utf-8")

    memory = io.StringIO()
    monkeypatch.setattr("sys.stdout", memory)

    assert utf8_output() is memory
