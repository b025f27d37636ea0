"""Playback: how a recorded answer is played: how fast, in which pieces, and what goes wrong.

Law of this file: pure; an exchange in, the exchange to be performed out. Whoever performs it (the source
`replay`, the server) waits for the times it says, gives the pieces, and ends as it says.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.recording import Exchange, Piece, Recording
from tokenweir.pipeline.sources.playback_frames import ERRORS, frames_of, is_end_marker


class Playback(Struct, frozen=True, kw_only=True):
    """How a recording is played.

    - `speed`: 1.0 is as recorded, 2.0 twice as fast; 0 and infinity are all at once.
    - `split`: `"recorded"` is what each network read brought, a number that many bytes at a time.

    Faults strike the last answer of the recording; each is what `tokenweir simulate` does under the name
    in brackets.

    - `cut`: the connection breaks after so many bytes (cut).
    - `stall_after`: after so many bytes, silence for ever (stall).
    - `drop_done`: the end marker never comes (no-done; where the finish stands in it too, no-end).
    - `error_frame`: in the place of the second half, the backend says that it failed (error).

    Raises MisuseError for a value that cannot be.
    """

    speed: float = 1.0
    split: int | Literal["recorded"] = "recorded"
    cut: int | None = None
    stall_after: int | None = None
    drop_done: bool = False
    error_frame: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.speed, (int, float)) and self.speed >= 0):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            raise MisuseError(f"speed={self.speed!r}: 1 is as recorded, 2 twice as fast, 0 all at once")
        if self.split != "recorded" and not _is_count(self.split, 1):
            raise MisuseError(f"split={self.split!r}: 'recorded', or bytes at a time, at least 1")
        for name, at in (("cut", self.cut), ("stall_after", self.stall_after)):
            if at is not None and not _is_count(at, 0):
                raise MisuseError(f"{name}={at!r}: bytes that come before it, 0 or more")
        if self.cut is not None and self.stall_after is not None:
            raise MisuseError("cut and stall_after are two ends of one answer: give one of them")

    @property
    def pace(self) -> float:
        """The speed, with infinity for all at once."""
        return self.speed or math.inf


def played(recording: Recording, playback: Playback) -> tuple[Exchange, ...]:
    """The exchanges of a recording as they are to be performed.

    Raises MisuseError where a fault cannot strike: no error or end marker in this protocol, or too few
    bytes.
    """
    *before, last = recording.exchanges
    spoiled = _spoiled(last, playback, recording.opening.protocol)
    return tuple(_paced(exchange, playback) for exchange in (*before, spoiled))


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _paced(exchange: Exchange, playback: Playback) -> Exchange:
    pieces = exchange.pieces if playback.split == "recorded" else _resplit(exchange.pieces, playback.split)
    return replace(
        exchange,
        head_at=exchange.head_at / playback.pace,
        pieces=tuple(Piece(piece.at / playback.pace, piece.data) for piece in pieces),
        ended_at=exchange.ended_at / playback.pace,
    )


def _resplit(pieces: Sequence[Piece], size: int) -> Iterator[Piece]:
    """Pieces of `size` bytes. Each comes when the last of its bytes came."""
    body = b"".join(piece.data for piece in pieces)
    ends = zip(accumulate(len(piece.data) for piece in pieces), pieces, strict=True)
    come, at = 0, 0.0
    for begin in range(0, len(body), size):
        data = body[begin : begin + size]
        while come < begin + len(data):
            come, piece = next(ends)
            at = piece.at
        yield Piece(at, data)


def _spoiled(exchange: Exchange, playback: Playback, protocol: str) -> Exchange:
    if playback.error_frame:
        exchange = _with_error(exchange, protocol)
    if playback.drop_done:
        exchange = _without_done(exchange, protocol)
    if playback.cut is not None:
        told = Failure("truncated", f"the replay was cut after {playback.cut} bytes, as asked")
        exchange = replace(_until(exchange, playback.cut, "cut"), ended="broken", failure=told)
    if playback.stall_after is not None:
        exchange = replace(_until(exchange, playback.stall_after, "stall_after"), ended="stall", failure=None)
    return exchange


def _with_error(exchange: Exchange, protocol: str) -> Exchange:
    if protocol not in ERRORS:
        raise MisuseError(f"error_frame: {protocol} has no error in the middle of an answer")
    body = _body(exchange)
    half = max((end for _, end in frames_of(body, protocol) if end <= len(body) / 2), default=0)
    kept = _range(exchange.pieces, 0, half)
    at = kept[-1].at if kept else exchange.head_at
    return replace(exchange, pieces=(*kept, Piece(at, ERRORS[protocol])), ended="body", failure=None)


def _without_done(exchange: Exchange, protocol: str) -> Exchange:
    body = _body(exchange)
    kept: list[Piece] = []
    begin = 0
    for start, end in frames_of(body, protocol):
        if is_end_marker(body[start:end], protocol):
            kept += _range(exchange.pieces, begin, start)
            begin = end
    if begin == 0:
        raise MisuseError(f"drop_done: there is no end marker of {protocol} in the answer")
    return replace(exchange, pieces=(*kept, *_range(exchange.pieces, begin, len(body))))


def _until(exchange: Exchange, size: int, name: str) -> Exchange:
    has = len(_body(exchange))
    if size > has:
        raise MisuseError(f"{name}={size}: the answer has {has} bytes")
    kept = _range(exchange.pieces, 0, size)
    return replace(exchange, pieces=kept, ended_at=kept[-1].at if kept else exchange.head_at)


def _body(exchange: Exchange) -> bytes:
    return b"".join(piece.data for piece in exchange.pieces)


def _range(pieces: Sequence[Piece], begin: int, end: int) -> tuple[Piece, ...]:
    """Bytes `begin` to `end` of a body, in the pieces in which they came."""
    kept: list[Piece] = []
    at = 0
    for piece in pieces:
        data = piece.data[max(0, begin - at) : max(0, end - at)]
        if data:
            kept.append(Piece(piece.at, data))
        at += len(piece.data)
    return tuple(kept)
