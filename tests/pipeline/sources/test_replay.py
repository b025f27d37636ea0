"""Recorded bytes through the same stages: bare ones, and recordings with their times."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from msgspec.structs import replace

from tests.reader import hear
from tests.transcripts import DONE, HELLO, STOP, TRANSCRIPTS, text
from tests.virtual import virtual
from tokenweir import Deadlines, Delta, Phase, Pipeline, Start, connect
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.recording import Line, Opening, Piece, piece_line, written
from tokenweir.pipeline.sources.playback_frames import MESSAGE
from tokenweir.pipeline.sources.replay import Replay

pytestmark = pytest.mark.anyio

PIECES = (Piece(1.0, text("Hel")), Piece(2.5, text("lo")), Piece(4.0, STOP + DONE))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both loops, in virtual time."""
    return virtual(request.param)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A file with a body in it."""
    return bare_file(tmp_path / "answer.wire", HELLO)


def bare_file(path: Path, body: bytes) -> Path:
    """Write one down."""
    path.write_bytes(body)
    return path


def forget(path: Path) -> None:
    """Take one away."""
    path.unlink()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording of three pieces, at 1, 2.5 and 4 seconds."""
    return recorded(tmp_path / "answer.rec")


def recorded(path: Path, *before: Line, **opening: Any) -> Path:
    """Write one down; `before` are the lines of attempts before."""
    first = replace(Opening(provider="lmstudio", protocol="openai-chat", model="m"), **opening)
    asked = Line(n=9, at=0.0, request="/v1/chat/completions")
    answered = Line(n=9, at=0.5, status=200, headers={"Content-Type": "text/event-stream"})
    end = Line(n=9, at=4.0, end="left")
    lines: list[Opening | Line] = [
        first,
        *before,
        asked,
        answered,
        *(piece_line(9, piece) for piece in PIECES),
        end,
    ]
    path.write_bytes(b"".join(written(line) for line in lines))
    return path


@pytest.mark.parametrize("split", [1, 7, 100_000, "recorded"])
async def test_bare_bytes(bare: Path, split: Any) -> None:
    """P3: whatever the size of the pieces; nobody is connected to, and nothing is waited for."""
    began = anyio.current_time()
    heard = await hear(Pipeline(connect("replay", path=bare, split=split)).stream("hi"))

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")
    assert not any(isinstance(event, Phase) for event in heard.events)
    assert heard.end.stats.wire_bytes == len(HELLO)
    assert anyio.current_time() == began


async def test_again_and_again(bare: Path) -> None:
    """DESIGN 5: each stream plays it from its beginning."""
    pipeline = Pipeline(connect("replay", path=str(bare)))

    assert [await pipeline.text("hi") for _ in range(3)] == ["Hello"] * 3


async def test_left_early(bare: Path) -> None:
    """P18: nothing is open that would have to be closed."""
    async with Pipeline(connect("replay", path=bare, split=1)).stream("hi") as stream:
        async for _ in stream:
            break

    assert stream.end is not None
    assert stream.end.outcome == "cancelled"


async def test_cut_bytes(tmp_path: Path) -> None:
    """P2: the bytes of a broken answer are a broken answer; none at all, too."""
    for body in (b"", text("Hel"), TRANSCRIPTS["tools"].body[:300]):
        path = bare_file(tmp_path / "cut.wire", body)
        heard = await hear(Pipeline(connect("replay", path=path)).stream("hi"))

        assert heard.end.outcome == "truncated"


async def test_cumulative_bytes(tmp_path: Path) -> None:
    """P4: bare bytes do not say who made them: the mode is found out."""
    words = [
        "The weir",
        "The weir stands in",
        "The weir stands in a stream and",
        "The weir stands in a stream and measures it.",
    ]
    path = bare_file(tmp_path / "cumulative.wire", b"".join(text(word) for word in words) + STOP)

    assert await Pipeline(connect("replay", path=path)).text("hi") == words[-1]


async def test_bytes_of_another_protocol(tmp_path: Path) -> None:
    """What they speak has to be said; deltas are what most protocols send."""
    body = b'{"message":{"content":"Hi"},"done":false}\n{"done":true,"done_reason":"stop"}\n'
    source = connect("replay", path=bare_file(tmp_path / "a.wire", body), protocol="ollama-chat")

    assert await Pipeline(source).text("hi") == "Hi"
    assert (source.protocol, source.mode) == ("ollama-chat", "delta")


@pytest.mark.parametrize(("speed", "times"), [(1.0, [1.0, 2.5]), (10.0, [0.1, 0.25]), (0, [0.0, 0.0])])
async def test_times(recording: Path, speed: float, times: list[float]) -> None:
    """DESIGN 5: as it was, faster, or at once; on the loop's clock."""
    began = anyio.current_time()
    async with Pipeline(connect("replay", path=recording, speed=speed)).stream("hi") as stream:
        seen = [round(anyio.current_time() - began, 3) async for event in stream if isinstance(event, Delta)]

    assert seen == times


async def test_what_the_recording_says(recording: Path, tmp_path: Path) -> None:
    """Provider, protocol, model and mode are those of the recording; what is given wins."""
    source = connect("replay", path=recording, speed=0)
    heard = await hear(Pipeline(source).stream("hi"))
    [start] = [event for event in heard.events if isinstance(event, Start)]
    lax = recorded(tmp_path / "lax.rec", mode="delta", finish_required=False)

    assert (start.provider, source.model, source.mode) == ("lmstudio", "m", "auto")
    assert connect("replay", path=recording, mode="delta", model="x").mode == "delta"
    assert connect("replay", path=lax).mode == "delta"


async def test_a_backend_that_never_finishes(tmp_path: Path) -> None:
    """DESIGN 3: what was known of the backend when it was recorded still holds."""
    lines: list[Opening | Line] = [
        Opening(provider="p", protocol="openai-chat", mode="delta", finish_required=False),
        Line(n=1, at=0.0, request="/"),
        Line(n=1, at=0.0, status=200),
        piece_line(1, Piece(0.0, text("Hi") + DONE)),
    ]
    path = bare_file(tmp_path / "a.rec", b"".join(written(line) for line in lines))

    assert await Pipeline(connect("replay", path=path)).text("hi") == "Hi"


async def test_attempts_as_they_were(tmp_path: Path) -> None:
    """P6: one after a refusal, and none that was not recorded; the pauses at the recording's speed."""
    refused = (
        Line(n=1, at=0.0, request="/v1/chat/completions"),
        Line(n=1, at=0.0, status=503, headers={"retry-after": "7"}),
        piece_line(1, Piece(0.0, b'{"error":{"message":"overloaded"}}')),
        Line(n=1, at=0.0, end="body"),
    )
    path = recorded(tmp_path / "a.rec", *refused)
    began = anyio.current_time()
    heard = await hear(Pipeline(connect("replay", path=path, speed=2)).stream("hi"))

    assert (heard.text, heard.end.stats.attempts) == ("Hello", 2)
    assert anyio.current_time() - began == pytest.approx(7 / 2 + 4 / 2, abs=0.01)


async def test_cut(recording: Path) -> None:
    """P1: what came before it, and a truncated end; one attempt."""
    size = len(text("Hel")) + 5
    heard = await hear(Pipeline(connect("replay", path=recording, cut=size)).stream("hi"))

    assert (heard.text, heard.end.outcome, heard.end.stats.wire_bytes) == ("Hel", "truncated", size)
    assert "cut after" in heard.message
    assert heard.end.stats.attempts == 1


async def test_stall(recording: Path) -> None:
    """T03: silence until the reader's own deadline."""
    source = connect("replay", path=recording, stall_after=len(text("Hel")), deadlines=Deadlines(silence=8))
    began = anyio.current_time()
    heard = await hear(Pipeline(source).stream("hi"))

    assert (heard.text, heard.end.outcome) == ("Hel", "timeout")
    assert anyio.current_time() - began == pytest.approx(9)


async def test_no_end_marker(recording: Path) -> None:
    """DESIGN 3: every choice had finished: the answer is complete without it."""
    heard = await hear(Pipeline(connect("replay", path=recording, drop_done=True)).stream("hi"))

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")
    assert heard.end.stats.wire_bytes == len(HELLO) - len(DONE)


async def test_error_frame(recording: Path) -> None:
    """U04: what came before it is delivered, and the backend's own word is told."""
    heard = await hear(Pipeline(connect("replay", path=recording, error_frame=True)).stream("hi"))

    assert (heard.text, heard.end.outcome, heard.message) == ("Hel", "error", MESSAGE)


async def test_a_file_that_is_gone(bare: Path) -> None:
    """The file is read once: what becomes of it afterwards is nobody's concern."""
    pipeline = Pipeline(connect("replay", path=bare))
    forget(bare)

    assert await pipeline.text("hi") == "Hello"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "no/such.wire"}, "no/such.wire cannot be read: No such file"),
        ({"path": "."}, "cannot be read: Is a directory"),
        ({"path": __file__, "split": 0}, "split=0"),
        ({"path": __file__, "split": 2.5}, "split=2.5"),
        ({"path": __file__, "speed": -1}, "speed=-1"),
        ({"path": __file__, "protocol": "smtp"}, "speaks 'smtp'; there are: .*openai-chat"),
        ({"path": __file__, "drop_done": True}, "no end marker of openai-chat"),
    ],
)
def test_wrong_files_and_options(options: dict[str, Any], message: str) -> None:
    """C01: refused where the source is made."""
    with pytest.raises(MisuseError, match=message):
        connect("replay", **options)


def test_a_recording_that_cannot_be_read(tmp_path: Path) -> None:
    """C01: damaged, of a protocol that nobody knows, or told what it speaks."""
    strange = recorded(tmp_path / "strange.rec", protocol="smtp")
    damaged = bare_file(tmp_path / "damaged.rec", strange.read_bytes().replace(b'"at"', b'"ta"'))

    with pytest.raises(MisuseError, match="speaks 'smtp'"):
        Replay(strange)
    with pytest.raises(MisuseError, match=r"damaged\.rec, line 2: the recording is damaged"):
        Replay(damaged)
    with pytest.raises(MisuseError, match="says itself what it speaks"):
        Replay(strange, protocol="openai-chat")
