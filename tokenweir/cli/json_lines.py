"""JSON for programs, one value a line: what `decode` and `chat --json` print.

Law of this file: a line is one line, in UTF-8, and does nothing to a terminal; every parser reads the
very value from it.
"""

import json
import sys
from collections.abc import Sequence
from typing import TextIO

import msgspec

from tokenweir.pipeline.events import Event
from tokenweir.sinks.text_writer import PIECE, TextWriter


def json_line(value: object) -> str:
    r"""A value as one line of JSON, line end included.

    Raw JSON inside (a backend's own error) loses its line breaks. What may steer a terminal is
    written as an escape of JSON's, which is the same string to a parser.

    >>> json_line({"text": "\x9b31m, \u202egnol"})
    '{"text":"\\u009b31m, \\u202egnol"}\n'
    """
    encoded = msgspec.json.encode(value)
    if any(space in encoded for space in (b"\n", b"\r", b"\t")):
        encoded = msgspec.json.format(encoded, indent=-1)
    text = encoded.decode("utf-8", "replace")
    if not text.isprintable():
        text = "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)
    return text + "\n"


def utf8_output() -> TextIO:
    """`sys.stdout`, set to UTF-8, which JSON is written in whatever the locale says."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8")
    return sys.stdout


class JSONLines:
    """A sink: each event is a line, and the lines of one batch go out together."""

    def __init__(self, stream: TextIO) -> None:
        self._writer = TextWriter(stream)

    async def send(self, batch: Sequence[Event]) -> None:
        """Write the batch. Raises BrokenPipeError where the reader has left."""
        text = "".join(map(json_line, batch))
        await self._writer.write([text[at : at + PIECE] for at in range(0, len(text), PIECE)])

    async def aclose(self) -> None:
        """Nothing to do: the stream is its owner's."""
