"""Recording: what a backend sent, and when, as a file of JSON lines (docs/recordings.md).

Law of this file: the format, both directions, and nothing of who records or plays. The first line says
what the bytes speak; every other line is one thing that happened, in order, so that a file that ends
anywhere is a recording of what was so far. No field can hold a request's headers or a credential.
"""

import math
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Failure

_MARK = b"\xef\xbb\xbf"
"""Of the byte order, which some editors put at the beginning of a file."""

VERSION = 1
"""Of the format. A new field needs no new one: a reader passes over what it does not know."""

Ended = Literal["body", "broken", "left", "stall"]
"""How the reading of an answer ended: its body was over; the connection broke; the reader left, which
it does after the backend's last word too; or, for a replay alone, nothing ever comes any more."""


class Piece(Struct, frozen=True, gc=False):
    """What one network read brought, `at` seconds after the request."""

    at: float
    data: bytes


class Exchange(Struct, frozen=True, kw_only=True):
    """One request and what came back. Times are seconds from the request.

    `status` is None where no answer began. `body` is the request's own, where it was asked for.
    `failure` is what broke the connection, where it did.
    """

    path: str = ""
    body: Any = None
    status: int | None = None
    headers: Mapping[str, str] = {}
    head_at: float = 0.0
    pieces: tuple[Piece, ...] = ()
    ended: Ended = "left"
    ended_at: float = 0.0
    failure: Failure | None = None


class Opening(Struct, frozen=True, kw_only=True):
    """The first line: what the bytes speak, and how they were read. `mode` and `finish_required` are
    those of the source."""

    recording: Literal["tokenweir"] = "tokenweir"
    version: int = VERSION
    provider: str
    protocol: str
    model: str | None = None
    mode: Literal["delta", "cumulative", "auto"] = "auto"
    finish_required: bool = True


class Line(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What happened, in request number `n`, `at` seconds after it was sent: it was sent (`request`, its
    path); the headers came (`status`, and in `hidden` why the body's bytes are asterisks, where they are);
    bytes came (`text`, or `base64` where they are no UTF-8); it was over (`end`, and what broke it)."""

    n: int
    at: float
    request: str | None = None
    body: Any = None
    status: int | None = None
    headers: dict[str, str] | None = None
    hidden: str | None = None
    text: str | None = None
    base64: str | None = None
    end: Literal["body", "broken", "left"] | None = None
    failure: Failure | None = None


class Recording(Struct, frozen=True):
    """A recording, read: its requests in the order in which they were sent (the attempts for one answer,
    or several answers)."""

    opening: Opening
    exchanges: tuple[Exchange, ...]


def written(line: Opening | Line) -> bytes:
    """A line of the file, with its line end."""
    return msgspec.json.encode(line) + b"\n"


def piece_line(number: int, piece: Piece) -> Line:
    r"""The line of a piece: as text wherever it is text, so that people can read it.

    >>> written(piece_line(1, Piece(0.25, b"data: [DONE]")))
    b'{"n":1,"at":0.25,"text":"data: [DONE]"}\n'
    """
    try:
        return Line(n=number, at=piece.at, text=piece.data.decode())
    except UnicodeDecodeError:
        return Line(n=number, at=piece.at, base64=b64encode(piece.data).decode())


class _Head(Struct):
    recording: Literal["tokenweir"]
    version: Any = None


def is_recording(data: bytes) -> bool:
    """Whether a file begins as a recording does, of whatever version."""
    try:
        msgspec.json.decode(data.removeprefix(_MARK).partition(b"\n")[0], type=_Head)
    except _UNREADABLE:
        return False
    return True


def read_recording(data: bytes, name: str) -> Recording:
    """The recording that a file holds; `name` is what messages call it. Half a last line, as a recorder
    leaves it that was killed, is passed over.

    Raises MisuseError for what is no recording, is damaged, or holds no request.
    """
    first, *lines = _lines(data.removeprefix(_MARK))
    if not is_recording(first):
        raise MisuseError(f"{name} is no recording of tokenweir")
    opening = _opening(first, name)
    answers: dict[int, _Answer] = {}
    for number, text in enumerate(lines, 2):
        try:
            line = _one_thing(msgspec.json.decode(text, type=Line))
            if line.n not in answers:
                answers[line.n] = _Answer(line)
            else:
                answers[line.n].add(line)
        except _UNREADABLE as bad:
            raise MisuseError(f"{name}, line {number}: the recording is damaged: {bad}") from None
    if not answers:
        raise MisuseError(f"{name} is a recording in which nothing was asked")
    return Recording(opening, tuple(answer.exchange() for answer in answers.values()))


def _lines(data: bytes) -> list[bytes]:
    """The lines that are whole; an editor may have taken the last one's line end."""
    *lines, last = data.split(b"\n")
    try:
        msgspec.json.decode(last)
    except _UNREADABLE:
        return lines or [b""]
    return [*lines, last]


_UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)


def _opening(line: bytes, name: str) -> Opening:
    version = msgspec.json.decode(line, type=_Head).version
    if version != VERSION:
        raise MisuseError(
            f"{name} is a recording of version {version}; this tokenweir reads version {VERSION}"
        )
    try:
        return msgspec.json.decode(line, type=Opening)
    except _UNREADABLE as bad:
        raise MisuseError(f"{name}, line 1: the recording is damaged: {bad}") from None


_THINGS = ("request", "status", "text", "base64", "end")


def _one_thing(line: Line) -> Line:
    said = [name for name in _THINGS if getattr(line, name) is not None]
    if len(said) > 1:
        raise ValueError(f"it says both {said[0]} and {said[1]}")
    return line


class _Answer:
    """The lines of one request, put together. Raises ValueError for a line that cannot stand there."""

    def __init__(self, line: Line) -> None:
        if line.request is None:
            raise ValueError(f"request {line.n} has no line that begins it")
        self._path = line.request
        self._body = line.body
        self._head: Line | None = None
        self._pieces: list[Piece] = []
        self._end: Line | None = None
        self._at = 0.0

    def add(self, line: Line) -> None:
        """One more line."""
        if not self._at <= line.at < math.inf:
            raise ValueError(f"its time, {line.at} s, is before that of the line before it")
        self._at = line.at
        if self._end is not None:
            raise ValueError(f"request {line.n} was over")
        if line.end is not None and (line.end == "broken") == (line.failure is not None):
            self._end = line
        elif line.status is not None and self._head is None and not self._pieces:
            self._head = _checked(line, line.status)
        elif self._head is not None and (line.text is not None or line.base64 is not None):
            self._add_piece(Piece(line.at, _data(line)))
        else:
            raise ValueError("nothing that can be there")

    def _add_piece(self, piece: Piece) -> None:
        """What is empty was no read: it would be the end of the body."""
        if piece.data:
            self._pieces.append(piece)

    def exchange(self) -> Exchange:
        """All of it; who left without a word has left at the last line's time."""
        head, end = self._head, self._end
        return Exchange(
            path=self._path,
            body=self._body,
            status=None if head is None else head.status,
            headers={} if head is None or head.headers is None else head.headers,
            head_at=0.0 if head is None else head.at,
            pieces=tuple(self._pieces),
            ended="left" if end is None or end.end is None else end.end,
            ended_at=self._at,
            failure=None if end is None else end.failure,
        )


def _checked(line: Line, status: int) -> Line:
    if not 100 <= status <= 599:  # noqa: PLR2004 - what an HTTP status can be
        raise ValueError(f"status {status} is none of HTTP")
    return line


def _data(line: Line) -> bytes:
    if line.text is not None:
        return line.text.encode()
    return b64decode(line.base64 or "", validate=True)
