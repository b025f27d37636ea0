"""record: what a source's backend sends, written to a file while the answer is read.

Law of this file: the file, and what of a request gets into it: its path, and its body where that is
asked for. What its headers, its query and the source's key hold is secret, and stands nowhere in a
recording: asterisks are in its place. The answer owes nothing to its recording: a file that cannot be
written ends the recording and not the answer.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from io import FileIO
from os import PathLike
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec
from msgspec import Raw, Struct

from tokenweir.pipeline.connection import Connection, HTTPRequest
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.recording import Line, Opening, written
from tokenweir.pipeline.sources.credentials import secrets_of
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.record.masking import Mask
from tokenweir.record.recorded import Recorded

_OPEN = frozenset({"accept", "accept-encoding", "anthropic-version", "content-type", "user-agent"})
"""Headers of a request that hold no secret, unless the caller put one there."""


class Taken(Struct, kw_only=True):
    """What there is to tell of a recording: `hidden`, how many answers have asterisks for their body, since
    that was compressed and may have hidden a secret."""

    hidden: int = 0


@contextmanager
def record(source: HTTPSource, path: str | PathLike[str], *, request_body: bool = False) -> Generator[Taken]:
    """Record what the source's backend answers inside the block, to a file that `replay` reads. Each line
    is written when it happens: a block that is left early leaves a whole recording of what was so far.
    What the block is given counts on while it lasts.

    `request_body=True` keeps the requests too, and with them the prompts. A file of that name is
    overwritten.

    Raises MisuseError for a source that is being recorded already or has no wire, and OSError where
    the file cannot be written: at the beginning, or at the end of the block.
    """
    if not isinstance(source, HTTPSource):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
        raise MisuseError(f"{source!r} does not ask over HTTP: there is nothing to record")
    if source.tap is not None:
        raise MisuseError(f"{source!r} is being recorded already")
    with FileIO(path, "wb") as file:
        recorder = _Recorder(file, request_body=request_body)
        recorder.write(
            Opening(
                provider=source.provider,
                protocol=source.protocol,
                model=source.model,
                mode=source.mode,
                finish_required=source.finish_required,
            )
        )
        source.tap = recorder.tap
        try:
            yield recorder.taken
        finally:
            source.tap = None
            recorder.close()
    if recorder.fault is not None:
        raise recorder.fault


class _Recorder:
    """The file of one recording, and the connections that write to it."""

    def __init__(self, file: FileIO, *, request_body: bool) -> None:
        self.fault: OSError | None = None
        self.taken = Taken()
        self._file = file
        self._request_body = request_body
        self._open: set[Recorded] = set()
        self._count = 0

    def tap(self, request: HTTPRequest, connection: Connection, secrets: Sequence[str]) -> Connection:
        """The connection, recorded."""
        self._count += 1
        url = urlsplit(request.url)
        sent = [value for name, value in request.headers.items() if name.lower() not in _OPEN]
        mask = Mask([*secrets, *secrets_of(*sent, *_asked(url))])
        body = _json(mask.once(request.body)) if self._request_body else None
        line = Line(n=self._count, at=0.0, request=mask.text(url.path), body=body)
        recorded = Recorded(connection, self, mask, line)
        self._open.add(recorded)
        return recorded

    def write(self, line: Opening | Line) -> None:
        """One line. The first fault of the file is kept, and ends the writing."""
        if self.fault is not None or self._file.closed:
            return
        if isinstance(line, Line) and line.hidden is not None:
            self.taken.hidden += 1
        data = written(line)
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as fault:
            self.fault = fault

    def forget(self, recorded: Recorded) -> None:
        """One of them is over."""
        self._open.discard(recorded)

    def close(self) -> None:
        """The block is left: who still reads is recorded up to here."""
        for recorded in list(self._open):
            recorded.end("left")


def _asked(url: SplitResult) -> list[str]:
    """What an address says beside where it leads: its user and password, and the values of its query, or
    the names that stand there without one."""
    query = [value or name for name, value in parse_qsl(url.query, keep_blank_values=True)]
    return [*query, *(unquote(part) for part in (url.username, url.password) if part is not None)]


def _json(body: bytes) -> Raw:
    """The body as it stands; as a JSON string where it is no JSON, which masking may do to a number."""
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return Raw(msgspec.json.encode(body.decode("utf-8", "replace")))
    return Raw(body.replace(b"\n", b" "))
