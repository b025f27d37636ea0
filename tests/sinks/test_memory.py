"""memory keeps everything."""

import pytest

from tokenweir.pipeline.events import Delta, End, Event, Finish, Revise, Start
from tokenweir.sinks import memory

pytestmark = pytest.mark.anyio


async def test_it_keeps_events_and_text() -> None:
    """P1: all events, in order, and the text that they make, revisions applied."""
    sink = memory()
    events: list[Event] = [
        Start("x"),
        Delta("hmm", "reasoning"),
        Delta("Hello wrld"),
        Delta("other", index=1),
        Revise(7, "orld"),
        Finish("stop"),
        End("complete"),
    ]
    await sink.send(events[:3])
    text_so_far, end_so_far = sink.text, sink.end
    await sink.send(events[3:])
    await sink.aclose()

    assert (text_so_far, end_so_far) == ("Hello wrld", None)
    assert sink.events == events
    assert (sink.text, sink.reasoning, sink.end) == ("Hello world", "hmm", End("complete"))
