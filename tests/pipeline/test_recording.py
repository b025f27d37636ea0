"""The format of a recording: what it says, and what it does not let pass."""

import json
from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.recording import (
    Exchange,
    Line,
    Opening,
    Piece,
    is_recording,
    piece_line,
    read_recording,
    written,
)

OPENING = Opening(provider="lmstudio", protocol="openai-chat", model="m", mode="auto")
ASKED = Line(n=1, at=0.0, request="/v1/chat/completions")
HEAD = Line(n=1, at=0.5, status=200, headers={"Content-Type": "text/event-stream"})
PIECES = (Piece(0.5, b"data: caf\xc3"), Piece(0.75, b"\xa9\n\n"), Piece(2.0, "\u2028 \x00 ☃".encode()))


def file_of(*lines: Opening | Line | bytes | dict[str, Any]) -> bytes:
    """The bytes of a file with these lines."""
    return b"".join(
        line
        if isinstance(line, bytes)
        else json.dumps(line).encode() + b"\n"
        if isinstance(line, dict)
        else written(line)
        for line in lines
    )


def lines_of(pieces: tuple[Piece, ...], number: int = 1) -> list[Line]:
    """The lines of pieces."""
    return [piece_line(number, piece) for piece in pieces]


def test_there_and_back() -> None:
    """Bytes, split points and times come back as they were, a split character too."""
    end = Line(n=1, at=3.0, end="body")
    data = file_of(OPENING, msgspec_body(ASKED), HEAD, *lines_of(PIECES), end)

    recording = read_recording(data, "a.rec")

    assert recording.opening == OPENING
    assert recording.exchanges == (
        Exchange(
            path="/v1/chat/completions",
            body={"model": "m"},
            status=200,
            headers={"Content-Type": "text/event-stream"},
            head_at=0.5,
            pieces=PIECES,
            ended="body",
            ended_at=3.0,
        ),
    )


def msgspec_body(line: Line) -> Line:
    """The same request with a body."""
    return Line(n=line.n, at=line.at, request=line.request, body={"model": "m"})


def test_text_is_readable_and_a_line_is_a_line() -> None:
    """What is text stands as text; whatever is in it, the file has one line for it."""
    texts = [json.loads(written(line)) for line in lines_of(PIECES)]

    assert [sorted(text) for text in texts] == [
        ["at", "base64", "n"],
        ["at", "base64", "n"],
        ["at", "n", "text"],
    ]
    assert [written(line).count(b"\n") for line in lines_of(PIECES)] == [1, 1, 1]


def test_every_beginning_of_a_file_is_a_recording() -> None:
    """A recorder that was killed leaves the recording of what was so far; half a line is passed over."""
    data = file_of(OPENING, ASKED, HEAD, *lines_of(PIECES), Line(n=1, at=3.0, end="left"))
    begun = len(file_of(OPENING, ASKED))
    whole = b"".join(piece.data for piece in PIECES)

    for size in range(begun, len(data) + 1):
        [exchange] = read_recording(data[:size], "a.rec").exchanges
        assert whole.startswith(b"".join(piece.data for piece in exchange.pieces))
        assert exchange.ended == "left"


def test_lines_that_an_editor_touched() -> None:
    """Other line ends, and none after the last line."""
    end = Line(n=1, at=3.0, end="body")
    data = file_of(OPENING, ASKED, HEAD, *lines_of(PIECES), end)

    edited = data.replace(b"\n", b"\r\n").removesuffix(b"\r\n")

    assert read_recording(edited, "a.rec") == read_recording(data, "a.rec")


def test_a_mark_of_the_byte_order() -> None:
    """Some editors put one at the beginning of a file, and mean nothing by it."""
    data = file_of(OPENING, ASKED, HEAD, *lines_of(PIECES))

    assert is_recording(b"\xef\xbb\xbf" + data)
    assert read_recording(b"\xef\xbb\xbf" + data, "a.rec") == read_recording(data, "a.rec")


def test_a_piece_of_nothing() -> None:
    """An empty read means the end of a body: what an editor emptied is none, and its time is kept to."""
    data = file_of(OPENING, ASKED, HEAD, {"n": 1, "at": 0.6, "text": ""}, Line(n=1, at=0.7, text="x"))
    late = file_of(OPENING, ASKED, HEAD, {"n": 1, "at": 0.8, "base64": ""}, Line(n=1, at=0.7, text="x"))

    [exchange] = read_recording(data, "a.rec").exchanges
    with pytest.raises(MisuseError, match="before that of the line before"):
        read_recording(late, "a.rec")

    assert exchange.pieces == (Piece(0.7, b"x"),)


def test_several_requests_at_once() -> None:
    """The lines of requests that ran at the same time stand between one another."""
    failure = Failure("truncated", "gone", retryable=True)
    data = file_of(
        OPENING,
        ASKED,
        Line(n=2, at=0.0, request="/v1/chat/completions"),
        Line(n=2, at=0.1, status=503),
        HEAD,
        Line(n=2, at=0.2, text="Loading"),
        Line(n=1, at=0.5, text="Hi"),
        Line(n=2, at=0.3, end="broken", failure=failure),
    )

    one, two = read_recording(data, "a.rec").exchanges

    assert (one.status, one.pieces, one.ended, one.failure) == (200, (Piece(0.5, b"Hi"),), "left", None)
    assert (two.status, two.pieces, two.ended, two.failure) == (
        503,
        (Piece(0.2, b"Loading"),),
        "broken",
        failure,
    )


def test_fields_that_nobody_knows_are_passed_over() -> None:
    """A later version may add a field without a new number."""
    opening = {"recording": "tokenweir", "version": 1, "provider": "p", "protocol": "q", "colour": "red"}
    data = file_of(opening, {"n": 1, "at": 0, "request": "/", "colour": "blue"})

    assert read_recording(data, "a.rec").opening.provider == "p"


@pytest.mark.parametrize(
    "data",
    [b"", b"\x89PNG\r\n\x1a\n", b"{}\n", b"[" * 100_000, b'{"recording":"vcr","version":1}\n', b"\xff\xfe\n"],
    ids=["empty", "png", "object", "deep", "another's", "no text"],
)
def test_what_is_no_recording(data: bytes) -> None:
    """C01: told by its first line."""
    assert not is_recording(data)
    with pytest.raises(MisuseError, match="is no recording of tokenweir"):
        read_recording(data + b"\n", "a.rec")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([{"recording": "tokenweir", "version": 2}], "version 2; this tokenweir reads version 1"),
        ([{"recording": "tokenweir"}], "version None"),
        ([{"recording": "tokenweir", "version": 1}], "line 1: the recording is damaged"),
        ([OPENING], "nothing was asked"),
        ([OPENING, b"not JSON\n"], "line 2: the recording is damaged"),
        ([OPENING, b"\xff\n"], "line 2: the recording is damaged"),
        ([OPENING, b"[" * 100_000 + b"\n"], "line 2: the recording is damaged"),
        ([OPENING, HEAD], "line 2: .*no line that begins it"),
        ([OPENING, ASKED, ASKED], "line 3: .*nothing that can be there"),
        ([OPENING, ASKED, Line(n=1, at=0.1, text="x")], "line 3: .*nothing that can be there"),
        ([OPENING, ASKED, HEAD, HEAD], "line 4: .*nothing that can be there"),
        ([OPENING, ASKED, HEAD, Line(n=1, at=0.6)], "line 4: .*nothing that can be there"),
        ([OPENING, ASKED, HEAD, Line(n=1, at=0.4, text="x")], "line 4: .*before that of the line before"),
        ([OPENING, ASKED, Line(n=1, at=0.1, status=99)], "status 99"),
        ([OPENING, ASKED, HEAD, {"n": 1, "at": 1, "base64": "A"}], "line 4: the recording is damaged"),
        ([OPENING, ASKED, HEAD, {"n": 1, "at": 1, "base64": "=?"}], "line 4: the recording is damaged"),
        ([OPENING, ASKED, HEAD, {"n": 1, "at": 1, "text": 5}], "line 4: the recording is damaged"),
        ([OPENING, ASKED, {"n": 1, "at": 1, "end": "stall"}], "line 3: the recording is damaged"),
        ([OPENING, ASKED, HEAD, Line(n=1, at=1, text="a", base64="YQ==")], "says both text and base64"),
        ([OPENING, ASKED, HEAD, Line(n=1, at=1, text="a", end="body")], "line 4: .*both text and end"),
        ([OPENING, Line(n=1, at=0, request="/", text="a")], "line 2: .*both request and text"),
        ([OPENING, ASKED, Line(n=1, at=1, end="broken")], "line 3: .*nothing that can be there"),
        ([OPENING, ASKED, Line(n=1, at=1, end="body"), HEAD], "line 4: .*before"),
        ([OPENING, ASKED, HEAD, Line(n=1, at=1, end="left"), Line(n=1, at=1, text="x")], "was over"),
    ],
)
def test_a_damaged_recording(lines: list[Any], message: str) -> None:
    """C01: which line, and what is wrong with it."""
    with pytest.raises(MisuseError, match=message):
        read_recording(file_of(*lines), "a.rec")
