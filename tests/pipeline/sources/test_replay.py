"""Recorded bytes through the same stages."""

from pathlib import Path
from typing import Any

import pytest

from tests.reader import hear
from tests.transcripts import HELLO, STOP, TRANSCRIPTS, text
from tokenweir import Phase, Pipeline, connect
from tokenweir.pipeline.errors import BackendError, MisuseError

pytestmark = pytest.mark.anyio


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A file with an answer in it."""
    return record(tmp_path / "answer.wire", HELLO)


def record(path: Path, body: bytes) -> Path:
    """Write one down."""
    path.write_bytes(body)
    return path


def forget(path: Path) -> None:
    """Take one away."""
    path.unlink()


@pytest.mark.parametrize("chunk", [1, 7, 100_000])
async def test_replayed(recording: Path, chunk: int) -> None:
    """P3: whatever the size of the pieces; nobody is connected to, and nothing is waited for."""
    heard = await hear(Pipeline(connect("replay", path=recording, chunk=chunk)).stream("hi"))

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")
    assert not any(isinstance(event, Phase) for event in heard.events)
    assert heard.end.stats.wire_bytes == len(HELLO)


async def test_again_and_again(recording: Path) -> None:
    """DESIGN 5: each stream reads the file from its beginning, and closes it."""
    pipeline = Pipeline(connect("replay", path=str(recording)))

    assert [await pipeline.text("hi") for _ in range(3)] == ["Hello"] * 3


async def test_left_early(recording: Path) -> None:
    """P18: an open file is closed when its stream is left (an unclosed one would be a warning)."""
    async with Pipeline(connect("replay", path=recording, chunk=1)).stream("hi") as stream:
        async for _ in stream:
            break

    assert stream.end is not None
    assert stream.end.outcome == "cancelled"


async def test_a_cut_recording(tmp_path: Path) -> None:
    """P2: a recording of a broken answer is a broken answer; an empty one too."""
    for body in (b"", text("Hel"), TRANSCRIPTS["tools"].body[:300]):
        path = record(tmp_path / "cut.wire", body)
        heard = await hear(Pipeline(connect("replay", path=path)).stream("hi"))

        assert heard.end.outcome == "truncated"


async def test_a_cumulative_recording(tmp_path: Path) -> None:
    """P4: a recording does not say who made it: the mode is found out."""
    words = [
        "The weir",
        "The weir stands in",
        "The weir stands in a stream and",
        "The weir stands in a stream and measures it.",
    ]
    path = record(tmp_path / "cumulative.wire", b"".join(text(word) for word in words) + STOP)

    assert await Pipeline(connect("replay", path=path)).text("hi") == words[-1]


async def test_a_recording_that_is_gone(recording: Path) -> None:
    """C01: gone between the making of the source and its reading: a failure, not a traceback."""
    pipeline = Pipeline(connect("replay", path=recording))
    forget(recording)
    heard = await hear(pipeline.stream("hi"))

    assert isinstance(heard.error, BackendError)
    assert "the recording cannot be read: " in heard.message
    assert "No such file" in heard.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "no/such.wire"}, "is not a file"),
        ({"path": "."}, "is not a file"),
        ({"path": __file__, "chunk": 0}, "chunk=0; bytes at a time"),
    ],
)
def test_wrong_recordings(options: dict[str, Any], message: str) -> None:
    """C01: refused where the source is made."""
    with pytest.raises(MisuseError, match=message):
        connect("replay", **options)
