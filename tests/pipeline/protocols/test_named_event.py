"""Frames that are named by the type of their data."""

import json

from tests.feeding import run_bytes
from tokenweir.pipeline.events import SSEEvent
from tokenweir.pipeline.protocols.named_event import json_line, named_event
from tokenweir.stages.sse_decode import sse_decode

NASTY = "a\n\ndata: b\r\u2028\u2029\u0085é🙂"


def test_no_text_can_forge_a_frame() -> None:
    """V23, PROTOCOLS 1.3: whatever a text holds, it is one event, also where clients split at other signs."""
    frame = named_event("note", {"text": NASTY})
    (event,) = run_bytes(sse_decode(), frame)

    assert isinstance(event, SSEEvent)
    assert event.type == "note"
    assert json.loads(event.data) == {"type": "note", "text": NASTY}
    assert len(frame.decode().splitlines()) == 3


def test_a_type_in_the_data_wins_nothing() -> None:
    """One name for both."""
    assert named_event("a", {"type": "a", "b": 1}) == b'event: a\ndata: {"type":"a","b":1}\n\n'
    assert json_line({"é": 1}) == '{"é":1}'.encode()
