"""Silence is filled where frames are asked for one by one."""

from typing import Any

import anyio
import pytest

from tests.transcripts import DONE, STOP, text
from tests.virtual import virtual
from tokenweir import Deadlines, Event, Pipeline, Stage
from tokenweir.sinks import sse_frames
from tokenweir.stages import throttle
from tokenweir.testing import ScriptedSource, Step

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


@pytest.mark.parametrize("stages", [(), (throttle(rate=50),)], ids=["plain", "timed"])
async def test_comments_fill_the_silence(stages: tuple[Stage[Event, Event], ...]) -> None:
    """P16: a comment at once, then one after every 15 s of silence, and none where something came."""
    script: list[Step] = [text("Hel"), 40.0, text("lo"), 14.0, STOP + DONE]
    began, comments, body = anyio.current_time(), list[float](), b""
    async for frame in sse_frames(Pipeline(ScriptedSource(script), *stages).stream("hi")):
        if frame == b":\n\n":
            comments.append(round(anyio.current_time() - began, 3))
        body += frame

    assert comments == [0.0, 15.0, 30.0]
    assert body.count(b"event: end") == 1
    assert b'"outcome":"complete"' in body


async def test_deadlines_stay_as_they_are() -> None:
    """P15: looking up from waiting moves no deadline."""
    source = ScriptedSource([text("Hel"), 400.0], deadlines=Deadlines(silence=59))
    stream = Pipeline(source).stream("hi")
    began = anyio.current_time()
    comments = [frame async for frame in sse_frames(stream) if frame == b":\n\n"]

    assert len(comments) == 4
    assert anyio.current_time() - began == pytest.approx(59)
    assert stream.end is not None
    assert stream.end.outcome == "timeout"
