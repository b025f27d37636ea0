"""How a recorded answer is played: at another speed, in other pieces, and broken as asked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeding import CUTS, pieces
from tests.transcripts import DONE, HELLO, STOP, text
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.recording import Exchange, Opening, Piece, Recording
from tokenweir.pipeline.sources.playback import Playback, played
from tokenweir.pipeline.sources.playback_frames import ERRORS

PIECES = (Piece(1.0, text("Hel")), Piece(2.0, text("lo")[:9]), Piece(4.0, text("lo")[9:] + STOP + DONE))
ANSWER = Exchange(status=200, head_at=0.5, pieces=PIECES, ended="left", ended_at=5.0)
OLLAMA = b'{"message":{"content":"Hi"},"done":false}\n{"done":true,"done_reason":"stop"}\n'


def play(
    *before: Exchange, answer: Exchange = ANSWER, protocol: str = "openai-chat", **options: Any
) -> Exchange:
    """The last answer of a recording, as it is played."""
    recording = Recording(Opening(provider="p", protocol=protocol), (*before, answer))
    return played(recording, Playback(**options))[-1]


def body_of(exchange: Exchange) -> bytes:
    """All its bytes."""
    return b"".join(piece.data for piece in exchange.pieces)


def times_of(exchange: Exchange) -> list[float]:
    """When each byte comes."""
    return [piece.at for piece in exchange.pieces for _ in piece.data]


def of(*parts: bytes) -> Exchange:
    """An answer whose pieces come a second apart."""
    return Exchange(status=200, pieces=tuple(Piece(float(at), part) for at, part in enumerate(parts)))


def test_as_recorded() -> None:
    """DESIGN 5: nothing is changed that nobody asked for."""
    assert play() == ANSWER


@pytest.mark.parametrize(
    ("speed", "times"),
    [
        (2.0, [0.25, 0.5, 1.0, 2.0, 2.5]),
        (0.5, [1.0, 2.0, 4.0, 8.0, 10.0]),
        (0.0, [0.0] * 5),
        (float("inf"), [0.0] * 5),
    ],
)
def test_speed(speed: float, times: list[float]) -> None:
    """Headers, pieces and the end alike."""
    fast = play(speed=speed)

    assert [fast.head_at, *(piece.at for piece in fast.pieces), fast.ended_at] == times
    assert body_of(fast) == HELLO


@given(CUTS, st.integers(1, 400))
def test_other_pieces(cuts: list[int], size: int) -> None:
    """The same bytes, so many at a time, each when the last of them had come."""
    parts = list(pieces(HELLO, cuts))
    recorded = of(*parts)
    ends = [sum(map(len, parts[: at + 1])) for at in range(len(parts))]

    split = play(answer=recorded, split=size)

    assert body_of(split) == HELLO
    assert {len(piece.data) for piece in split.pieces[:-1]} <= {size}
    at = 0
    for piece in split.pieces:
        at += len(piece.data)
        assert piece.at == next(float(number) for number, end in enumerate(ends) if end >= at)


@given(CUTS, st.integers(0, len(HELLO)))
def test_cut_and_stall(cuts: list[int], size: int) -> None:
    """P1: exactly so many bytes, at the time of the last; then the end that was asked for."""
    recorded = of(*pieces(HELLO, cuts))

    cut, stalled = play(answer=recorded, cut=size), play(answer=recorded, stall_after=size)

    assert body_of(cut) == body_of(stalled) == HELLO[:size]
    assert cut.ended_at == (cut.pieces[-1].at if cut.pieces else 0.0)
    assert cut.failure is not None
    assert (cut.ended, cut.failure.kind) == ("broken", "truncated")
    assert (stalled.ended, stalled.failure) == ("stall", None)


@given(CUTS)
def test_without_the_end_marker(cuts: list[int]) -> None:
    """Wherever it was split: it is gone, and everything else is there at its time."""
    recorded = of(*pieces(HELLO, cuts))

    spoiled = play(answer=recorded, drop_done=True)

    assert body_of(spoiled) == HELLO.removesuffix(DONE)
    assert times_of(spoiled) == times_of(recorded)[: -len(DONE)]


def test_without_the_end_marker_that_has_the_finish() -> None:
    """Ollama's last line is both."""
    spoiled = play(answer=of(OLLAMA), protocol="ollama-chat", drop_done=True)

    assert body_of(spoiled) == OLLAMA.partition(b"\n")[0] + b"\n"


def test_an_error_in_the_middle() -> None:
    """U04: whole frames of the first half, then the error, at the time of what was last."""
    spoiled = play(error_frame=True)

    assert body_of(spoiled) == text("Hel") + ERRORS["openai-chat"]
    assert [piece.at for piece in spoiled.pieces] == [1.0, 1.0]
    assert (spoiled.ended, spoiled.failure) == ("body", None)


def test_faults_together() -> None:
    """An error whose end marker is dropped too, cut in its middle, split byte by byte."""
    size = len(text("Hel")) + 10
    spoiled = play(error_frame=True, drop_done=True, cut=size, split=1, speed=0)

    assert body_of(spoiled) == (text("Hel") + ERRORS["openai-chat"])[:size]
    assert body_of(play(error_frame=True, drop_done=True)).count(b"[DONE]") == 0
    assert {len(piece.data) for piece in spoiled.pieces} == {1}


def test_faults_strike_the_last_answer() -> None:
    """The attempts before it are played as they were."""
    busy = Exchange(status=429, pieces=(Piece(0.0, b"later"),), ended="body")
    recording = Recording(Opening(provider="p", protocol="openai-chat"), (busy, ANSWER))

    first, last = played(recording, Playback(cut=3))

    assert first == busy
    assert body_of(last) == HELLO[:3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speed": -1.0}, "speed=-1.0: 1 is as recorded"),
        ({"speed": float("nan")}, "speed=nan"),
        ({"split": 0}, "split=0: 'recorded', or bytes at a time"),
        ({"split": 2.5}, "split=2.5: 'recorded', or bytes at a time"),
        ({"split": "words"}, "split='words': 'recorded', or bytes"),
        ({"split": True}, "split=True"),
        ({"speed": "fast"}, "speed='fast': 1 is as recorded"),
        ({"cut": 2.5}, "cut=2.5: bytes that come before it"),
        ({"stall_after": "5"}, "stall_after='5': bytes"),
        ({"cut": -1}, "cut=-1: bytes that come before it"),
        ({"stall_after": -1}, "stall_after=-1"),
        ({"cut": 1, "stall_after": 2}, "give one of them"),
        ({"cut": 10_000}, rf"cut=10000: the answer has {len(HELLO)} bytes"),
        ({"stall_after": 10_000}, "stall_after=10000: the answer has"),
        ({"drop_done": True, "answer": of(STOP)}, "no end marker of openai-chat in the answer"),
        ({"error_frame": True, "protocol": "gemini-json-array"}, "gemini-json-array has no error"),
    ],
)
def test_what_cannot_be(options: dict[str, Any], message: str) -> None:
    """C01: told before anything is played."""
    with pytest.raises(MisuseError, match=message):
        play(**options)
