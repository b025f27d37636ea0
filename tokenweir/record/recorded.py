"""Recorded: a connection that writes down what its reader gets.

Law of this file: it passes everything on, and every byte that its reader gets is in the recording, also
what was rescued after a fault. It reads nothing that its reader does not: a recording ends where its
reader left. Of the headers of an answer, those in `SAFE` get in. A body that is compressed, which nobody
asked for, may hide a secret: asterisks are in its place.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, Protocol

import msgspec

from tokenweir.pipeline.clock import Clock, running_clock
from tokenweir.pipeline.connection import Connection, DeadlinePassed, origin
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.recording import Line, Piece, piece_line
from tokenweir.record.masking import Mask

SAFE = frozenset(
    {
        "anthropic-version",
        "cache-control",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "openai-processing-ms",
        "openai-version",
        "request-id",
        "retry-after",
        "retry-after-ms",
        "server",
        "transfer-encoding",
        "x-request-id",
        "x-should-retry",
    }
)
"""Headers of an answer that are kept, beside those of rate limits; of `Location`, the origin."""

_SAFE_PREFIXES = ("anthropic-ratelimit-", "x-ratelimit-")
_CODINGS = ("content-encoding", "transfer-encoding")
_PLAIN = frozenset({"", "identity", "chunked"})
"""Codings in which a secret stands as it is. A reader gets the bytes of every other one undecoded."""


class Diary(Protocol):
    """Where the lines go."""

    def write(self, line: Line, /) -> None:
        """Keep a line."""
        ...

    def forget(self, recorded: "Recorded", /) -> None:
        """That one is over."""
        ...


class Recorded:
    """A connection that writes down what its reader gets."""

    def __init__(self, inner: Connection, diary: Diary, mask: Mask, asked: Line) -> None:
        self.read: Callable[[], Awaitable[bytes | None]] = self._read
        self._inner = inner
        self._diary = diary
        self._mask = mask
        self._asked = asked
        self._clock: Clock | None = None
        self._began = 0.0
        self._headed = False
        self._packed = False
        self._broken: Failure | None = None
        self._over = False

    async def _read(self) -> bytes | None:
        if self._clock is None:
            self._clock = running_clock()
            self._began = self._clock()
            self._diary.write(self._asked)
        try:
            data = await self._inner.read()
        except DeadlinePassed:
            raise
        except Exception as fault:
            told = f"the transport broke: {type(fault).__name__}"
            self._broken = self._inner.failure(fault) or Failure("upstream", told)
            raise
        if not self._headed and self.status is not None:
            self._headed = True
            self._head(self.status)
        if data is not None:
            self._keep(data)
        return data

    def _head(self, status: int) -> None:
        kept = {name: value for name, value in self.headers.items() if _is_safe(name)}
        if "Location" in self.headers:
            kept["Location"] = origin(self.headers["Location"])
        headers = {name: self._mask.text(value) for name, value in kept.items()}
        self._packed = _is_packed(self.headers)
        hidden = "compressed" if self._packed else None
        self._write(Line(n=self._asked.n, at=self._now(), status=status, headers=headers, hidden=hidden))

    def _keep(self, data: bytes) -> None:
        if not data:
            self.end("body")
            return
        shown = b"*" * len(data) if self._packed else data
        for piece in self._mask.feed(Piece(self._now(), shown)):
            self._write(piece_line(self._asked.n, piece))

    def end(self, how: Literal["body", "broken", "left"]) -> None:
        """Nothing more is recorded of it."""
        if self._over:
            return
        for piece in self._mask.finish():
            self._write(piece_line(self._asked.n, piece))
        failure = self._broken if how == "broken" else None
        if failure is not None:
            failure = msgspec.structs.replace(failure, message=self._mask.text(failure.message))
        self._write(Line(n=self._asked.n, at=self._now(), end=how, failure=failure))
        self._over = True
        self._diary.forget(self)

    def _write(self, line: Line) -> None:
        if self._clock is not None and not self._over:
            self._diary.write(line)

    def _now(self) -> float:
        return 0.0 if self._clock is None else round(self._clock() - self._began, 6)

    # --- what a reader sees of the connection -------------------------------------------------

    @property
    def status(self) -> int | None:
        return self._inner.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._inner.headers

    @property
    def connected(self) -> bool:
        return self._inner.connected

    @property
    def armed(self) -> float:
        return self._inner.armed

    @property
    def deadline(self) -> float:
        return self._inner.deadline

    @deadline.setter
    def deadline(self, value: float) -> None:
        self._inner.deadline = value

    def arm(self) -> None:
        self._inner.arm()

    def rescue(self) -> bytes:
        data = self._inner.rescue()
        if data:
            self._keep(data)
        return data

    def failure(self, fault: Exception) -> Failure | None:
        return self._inner.failure(fault)

    def release(self) -> None:
        """The backend has had its last word."""
        self.end("left")
        getattr(self._inner, "release", self._inner.close)()

    def close(self) -> None:
        self.end("left" if self._broken is None else "broken")
        self._inner.close()


def _is_packed(headers: Mapping[str, str]) -> bool:
    said = ",".join(value for name, value in headers.items() if name.lower() in _CODINGS)
    return any(coding.strip().lower() not in _PLAIN for coding in said.split(","))


def _is_safe(name: str) -> bool:
    return name.lower() in SAFE or name.lower().startswith(_SAFE_PREFIXES)
