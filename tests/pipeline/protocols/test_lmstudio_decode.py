"""LM Studio's two HTTP faces are told apart by their first payload."""

import pytest

from tokenweir.pipeline.events import Comment, Delta, Done, Event, Finish, Phase, SSEEvent, WireItem
from tokenweir.pipeline.protocols.lmstudio_decode import LMStudioDecode

OPENAI: list[WireItem] = [
    SSEEvent(b'{"choices":[{"index":0,"delta":{"content":"Hi"}}]}'),
    SSEEvent(b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'),
    SSEEvent(b"[DONE]"),
]
REST: list[WireItem] = [
    SSEEvent(b'{"type":"chat.start","model_instance_id":"m"}', "chat.start"),
    SSEEvent(b'{"type":"message.delta","content":"Hi"}', "message.delta"),
    SSEEvent(b'{"type":"chat.end","result":{}}', "chat.end"),
]
COMMENT = Comment("keepalive 1/2")


@pytest.mark.parametrize("items", [OPENAI, REST])
@pytest.mark.parametrize("size", [1, 2, 9])
def test_either_face(items: list[WireItem], size: int) -> None:
    """Cut anywhere, with keep-alives before the first payload."""
    core, events = LMStudioDecode("lmstudio"), list[Event]()
    told = [COMMENT, COMMENT, *items]
    for at in range(0, len(told), size):
        events += core.feed(told[at : at + size])

    assert isinstance(events[0], Phase)
    assert Delta("Hi") in events
    assert [event.reason for event in events if isinstance(event, Finish)] == ["stop"]
    assert events + core.finish() == [*events]
    assert events[-1] == Done()
    assert core.figures()["keep_alives"] == 2


@pytest.mark.parametrize(
    ("payload", "kind", "code"),
    [
        (b'{"type":"error","error":{"type":"model_not_found","message":"no"}}', "error", "model_not_found"),
        (b'{"error":{"message":"no","code":"model_not_found"},"message":"no"}', "error", "model_not_found"),
    ],
)
def test_an_error_first(payload: bytes, kind: str, code: str) -> None:
    """Each face has its own form, and both are read."""
    (done,) = [event for event in LMStudioDecode().feed([SSEEvent(payload, kind)]) if isinstance(event, Done)]

    assert done.failure is not None
    assert (done.failure.kind, done.failure.code) == ("model_not_found", code)


def test_no_payload_and_no_json() -> None:
    """As the OpenAI face has it."""
    assert LMStudioDecode().finish() == []
    (done,) = LMStudioDecode().feed([SSEEvent(b"<html>")])
    assert isinstance(done, Done)
    assert done.failure is not None
    assert done.failure.kind == "protocol"
