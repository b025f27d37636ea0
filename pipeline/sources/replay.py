"""replay: a recorded answer, from a file: a recording, or the bare bytes of a response body.

Law of this file: a source without a network. What was recorded comes as it came: status, bytes, pieces,
times, end; what it means is for the same stages to say that read it then. How it is played (speed,
pieces, faults) stands in playback.py.
"""

from itertools import cycle
from pathlib import Path
from typing import ClassVar, Literal

from tokenweir.pipeline.connection import Connection
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Event, Failure
from tokenweir.pipeline.recording import Exchange, Opening, Piece, Recording, is_recording, read_recording
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.retry import Retry
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.pipeline.sources.playback import Playback, played
from tokenweir.pipeline.sources.playing import Playing
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.cumulative_detect import Mode, cumulative_detect
from tokenweir.stages.decode_protocol import FRAMING, PROTOCOLS, decode_frames, decode_protocol
from tokenweir.stages.delta_extract import delta_extract

READ = 65_536
"""Bytes at a time of bare bytes, which do not say how they were split."""

_RESENT = frozenset({"openai-chat", "openai-completions"})
"""Protocols of bare bytes that may resend all the text: what made them is not known."""


def load(path: str | Path, protocol: str | None = None) -> Recording:
    """The recording in a file; bare bytes are one answer of status 200, all of it at once.

    Raises MisuseError for what cannot be read, for a damaged recording, and for a protocol that nobody
    knows.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as fault:
        raise MisuseError(f"replay: {path} cannot be read: {fault.strerror}") from None
    if is_recording(data):
        if protocol is not None:
            raise MisuseError(
                f"replay: {path} is a recording, which says itself what it speaks: no protocol="
            )
        recording = read_recording(data, str(path))
    else:
        recording = _bare(data, protocol or "openai-chat")
    if recording.opening.protocol not in PROTOCOLS:
        known = ", ".join(sorted(PROTOCOLS))
        raise MisuseError(f"replay: {path} speaks {recording.opening.protocol!r}; there are: {known}")
    return recording


def _bare(data: bytes, protocol: str) -> Recording:
    pieces = tuple(Piece(0.0, data[at : at + READ]) for at in range(0, len(data), READ))
    kind = "text/event-stream" if FRAMING.get(protocol) == "sse" else "application/x-ndjson"
    opening = Opening(provider="replay", protocol=protocol, mode="auto" if protocol in _RESENT else "delta")
    answer = Exchange(status=200, headers={"Content-Type": kind}, pieces=pieces, ended="body")
    return Recording(opening, (answer,))


class Replay(HTTPSource):
    """What `path` holds, played: a recording as `tokenweir record` makes it, or the bare bytes of a body,
    which come at once and speak `protocol` (openai-chat; a recording says itself what it speaks).

    `speed`, `split`, `cut`, `stall_after`, `drop_done` and `error_frame` are those of Playback. Request
    number n gets answer number n of the recording, and the first one again after the last; another
    attempt is made only where one was recorded. `model` and `mode` are those of the recording, where
    they are not given. `exchanges` are the answers as they are played.

    The file is read when the source is made. Raises MisuseError for one that cannot be read, a damaged
    recording, and options that cannot be.
    """

    provider: ClassVar[str] = "replay"
    default_base_url: ClassVar[str] = "http://127.0.0.1:1/v1"
    remote: ClassVar[bool] = False

    def __init__(
        self,
        path: str | Path,
        *,
        protocol: str | None = None,
        speed: float = 1.0,
        split: int | Literal["recorded"] = "recorded",
        cut: int | None = None,
        stall_after: int | None = None,
        drop_done: bool = False,
        error_frame: bool = False,
        model: str | None = None,
        mode: Mode | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        playback = Playback(
            speed=speed,
            split=split,
            cut=cut,
            stall_after=stall_after,
            drop_done=drop_done,
            error_frame=error_frame,
        )
        recording = load(path, protocol)
        self.exchanges = played(recording, playback)
        self._opening = recording.opening
        self._next = cycle(self.exchanges)
        self.protocol = self._opening.protocol
        super().__init__(
            model=model or self._opening.model, mode=mode or self._opening.mode, deadlines=deadlines
        )
        self.retry = _AsRecorded(len(self.exchanges), playback.pace)

    def _stage(self) -> Stage[bytes, Event]:
        opening = self._opening
        decode = decode_frames(opening.protocol) | decode_protocol(
            opening.protocol, provider=opening.provider, finish_required=opening.finish_required
        )
        return decode if self.mode == "delta" else decode | cumulative_detect(self.mode) | delta_extract()

    def open(self, request: Request) -> Connection:
        return Playing(next(self._next))


class _AsRecorded(Retry):
    """No more attempts than were recorded, and the pauses between them at the speed of the rest."""

    def __init__(self, attempts: int, pace: float) -> None:
        super().__init__(attempts)
        self._most = attempts
        self._pace = pace

    def delay(self, failure: Failure, attempt: int, *, others: bool = False) -> float | None:
        wait = super().delay(failure, attempt, others=others) if attempt < self._most else None
        return None if wait is None else wait / self._pace
