"""stdout: the answer as text, for people and pipes.

Law of this file: what is shown of which event. How it gets out without blocking is text_writer.py,
how a terminal takes a revision is screen.py, what is made harmless is pipeline/visible.py.
"""

import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO, get_args

from tokenweir.pipeline.errors import MisuseError, StageError
from tokenweir.pipeline.events import Channel, Delta, End, Event, Revise, Snapshot
from tokenweir.pipeline.sink import refuse_snapshot
from tokenweir.pipeline.visible import visible
from tokenweir.sinks.screen import Screen, Styled
from tokenweir.sinks.text_writer import PIECE, TextWriter


def stdout(
    stream: TextIO | None = None, *, raw: bool = False, show: tuple[Channel, ...] = ("text", "refusal")
) -> "Stdout":
    r"""Write the text of choice 0, or its refusal, to a text stream as it comes, by default `sys.stdout`.

    What steers a terminal is shown as an escape (`\x1b`), to files and pipes too: a file is read on
    a terminal later, and nothing says what a pipe ends in. `raw=True` writes the text as it is.
    Characters that the stream's encoding lacks become backslash escapes. `show` names the channels;
    each begins on a new line, reasoning is dim on a terminal. At `End` comes a newline, unless the
    text ended with one or there was none.

    A terminal shows revisions exactly: what changed is erased and written anew or, where it has left
    the screen, written again below a line `[revised]`. For that the answer must begin at the start
    of a row, and nobody else may write before its `End`. What went into a file or pipe, or went raw,
    cannot be taken back: put `append_only()` before this sink there, or `send` raises StageError.

    The event loop is never blocked. `send` raises BrokenPipeError, once, when the reader has left
    (`| head`), so that the run stops; later text is dropped quietly. The stream is never closed, nor
    are its settings changed; text that the interpreter flushes at exit is its owner's business.

    Raises MisuseError for a stream of bytes, for a missing `sys.stdout`, or for an unknown channel.
    """
    if isinstance(show, str) or not show or not set(show) <= set(get_args(Channel)):
        raise MisuseError(f"stdout(show={show!r}): a tuple of channels, such as ('reasoning', 'text')")
    target: TextIO | None = sys.stdout if stream is None else stream
    if target is None or isinstance(target, io.RawIOBase | io.BufferedIOBase):
        raise MisuseError(f"stdout({target!r}): takes a text stream, such as sys.stderr")
    return Stdout(target, raw=raw, show=show)


class Stdout:
    """The sink that `stdout` makes."""

    def __init__(self, stream: TextIO, *, raw: bool, show: tuple[Channel, ...]) -> None:
        self._writer = TextWriter(stream)
        self._raw = raw
        self._show = frozenset(show)
        self._steers = self._writer.tty and os.environ.get("TERM", "dumb") not in {"", "dumb"}
        self._screen = Screen(self._shown) if self._writer.tty and not raw else None
        self._channel: Channel | None = None
        self._last = ""

    async def send(self, batch: Sequence[Event]) -> None:
        """Write what the batch brings. Raises as told at `stdout`, after what came before."""
        pieces: list[str] = []
        try:
            for event in batch:
                self._take(event, pieces)
        finally:
            if pieces:
                await self._writer.write(pieces)

    async def aclose(self) -> None:
        """Nothing to do: the stream is its owner's."""

    def _take(self, event: Event, pieces: list[str]) -> None:
        match event:
            case Delta(text=text, channel=channel, index=0) if text and channel in self._show:
                self._add(channel, text, pieces)
            case Revise(channel=channel, index=0) if channel != "tool" and channel in self._show:
                self._revise(channel, event, pieces)
            case Snapshot():
                refuse_snapshot("stdout")
            case End() if self._last not in {"", "\n"}:
                self._style([(None, "\n")], pieces)
            case _:
                pass

    def _add(self, channel: Channel, text: str, pieces: list[str]) -> None:
        if self._channel not in {None, channel} and self._last != "\n":
            pieces.append("\n")
        self._channel = channel
        if self._screen is not None:
            self._screen.add(channel, text)
        self._style([(channel, self._shown(text))], pieces)

    def _revise(self, channel: Channel, event: Revise, pieces: list[str]) -> None:
        if self._screen is None:
            raise StageError("stdout got a Revise, but cannot take text back: put append_only() before it")
        size = self._writer.size() if self._steers else None
        anew = self._screen.revise(channel, event.keep, event.text, size)
        if anew is None:
            if event.text:
                self._add(channel, event.text, pieces)
            return
        self._channel = self._screen.channel
        self._style(anew, pieces)

    def _shown(self, text: str) -> str:
        return self._writer.shown(text if self._raw else visible(text))

    def _style(self, styled: Sequence[Styled], pieces: list[str]) -> None:
        """Each piece is dimmed by itself: whenever the writing stops, the terminal is as it was."""
        for channel, text in styled:
            dim = channel == "reasoning" and self._steers
            for start in range(0, len(text), PIECE):
                piece = text[start : start + PIECE]
                pieces.append(f"\x1b[2m{piece}\x1b[22m" if dim else piece)
            # Our own pieces (a line end, the marker, the way back) all end at the start of a row.
            self._last = text[-1:] if channel else "\n"
