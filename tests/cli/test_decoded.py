"""What a body means, as one value."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tokenweir.cli.decoded import decoded, sse_events
from tokenweir.pipeline.events import Event
from tokenweir.pipeline.stage import Stage
from tokenweir.stages import cumulative_detect, decode_protocol, delta_extract, sse_decode

EVENTS = sse_decode() | decode_protocol("openai-chat")
CHAIN = EVENTS | cumulative_detect() | delta_extract()
RESENDS = EVENTS | cumulative_detect("cumulative") | delta_extract()


class Breaks:
    """A core with a bug."""

    def feed(self, items: Sequence[Event]) -> list[Event]:
        raise RuntimeError(len(items))

    def finish(self) -> list[Event]:
        return []


def chunk(**fields: Any) -> bytes:
    """One chunk of choice 0."""
    index = fields.pop("index", 0)
    finish = fields.pop("finish_reason", None)
    choice = {"index": index, "delta": fields, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c", "model": "m", "choices": [choice]}).encode() + b"\n\n"


def read(*frames: bytes, chain: Stage[bytes, Event] = CHAIN) -> dict[str, Any]:
    """The value, as a program sees it that parses the line."""
    value: dict[str, Any] = json.loads(msgspec.json.encode(decoded("f", "openai-chat", chain, frames)))
    return value


def call(arguments: str) -> bytes:
    """A whole tool call in one chunk."""
    function = {"name": "look", "arguments": arguments}
    return chunk(tool_calls=[{"index": 0, "id": "call_1", "function": function}])


DONE = b"data: [DONE]\n\n"
STOP = chunk(finish_reason="stop")


def test_a_whole_answer() -> None:
    """Every field."""
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'

    value = read(chunk(reasoning_content="Hm"), chunk(content="Hi"), chunk(refusal="no"), STOP, usage, DONE)

    assert value == {
        "file": "f",
        "protocol": "openai-chat",
        "text": "Hi",
        "reasoning": "Hm",
        "refusal": "no",
        "tool_calls": [],
        "finish_reason": "stop",
        "native_finish_reason": "stop",
        "usage": {"input": 3, "output": 2, "total": 5, "reasoning": None, "cached": None},
        "error": None,
        "outcome": "complete",
        "model": "m",
        "choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}],
        "events": 6,
        "revisions": 0,
        "amplification": 1.0,
    }


def test_nothing_at_all() -> None:
    """P2: an empty body is truncated, and every field is there."""
    value = read()

    assert (value["outcome"], value["error"], value["usage"], value["choices"]) == (
        "truncated",
        None,
        None,
        [],
    )
    assert (value["events"], value["amplification"], value["finish_reason"]) == (0, 1.0, None)


@pytest.mark.parametrize(
    ("arguments", "read_as"),
    [
        ('{"a": 1}', {"a": 1}),
        ('{"big": 12345678901234567890123}', {"big": 12345678901234567890123}),
        ('{"a": ', '{"a": '),
        ("", ""),
        ("{'a': 1}", "{'a': 1}"),
    ],
)
def test_arguments_are_json_where_they_parse(arguments: str, read_as: object) -> None:
    """Parsed without loss, or the raw string."""
    value = read(call(arguments), chunk(finish_reason="tool_calls"), DONE)

    assert value["tool_calls"] == [{"id": "call_1", "name": "look", "arguments": read_as}]
    assert value["finish_reason"] == "tool_calls"


def test_an_error_and_a_finish() -> None:
    """P2: an error makes the outcome, whatever else came; the backend's own error is kept."""
    error = b'data: {"error": {"message": "boom", "code": "server_error"}}\n\n'

    value = read(chunk(content="Hi"), STOP, error, DONE)

    assert (value["outcome"], value["text"], value["finish_reason"]) == ("error", "Hi", "stop")
    assert list(value["error"]) == ["kind", "message", "status", "retryable", "code", "native"]
    assert value["error"]["native"]["error"]["message"] == "boom"


def test_an_error_without_a_native_one() -> None:
    """`native` is left out where the backend sent none."""
    value = read(b"<html>Bad Gateway</html>")

    assert value["error"]["kind"] == "protocol"
    assert "native" not in value["error"]


def test_several_choices() -> None:
    """`choices` has them all; the fields beside it are choice 0's."""
    value = read(
        chunk(index=1, content="b"), chunk(content="a"), chunk(index=1, finish_reason="length"), STOP, DONE
    )

    assert value["choices"] == [
        {"index": 0, "text": "a", "finish_reason": "stop"},
        {"index": 1, "text": "b", "finish_reason": "length"},
    ]
    assert (value["text"], value["finish_reason"]) == ("a", "stop")


def test_revisions_and_amplification() -> None:
    """A cumulative answer that changed a word for a moment, and what resending cost."""
    texts = ["We", "We list", "We lisp all", "We list all!"]

    value = read(*(chunk(content=text) for text in texts), STOP, DONE, chain=RESENDS)

    assert (value["text"], value["revisions"]) == (texts[-1], 2)
    assert value["amplification"] == sum(map(len, texts)) / len(texts[-1])


def test_a_broken_stage_is_told() -> None:
    """A stage's own bug is an error of the decoding; what came before it is kept."""
    broken: Stage[Event, Event] = Stage(Breaks)

    value = read(chunk(content="Hi"), STOP, DONE, chain=CHAIN | broken)

    assert (value["outcome"], value["error"]["kind"]) == ("error", "stage")


def test_bytes_that_are_not_utf_8_are_shown() -> None:
    """What a browser does: U+FFFD."""
    events = sse_events(sse_decode(), [b"data: caf\xe9\n", b"\n"])

    assert events == [{"type": "message", "data": "caf\ufffd", "lastEventId": ""}]
