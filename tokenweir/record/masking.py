"""Secrets taken out of bytes on their way into a recording.

Law of this file: pure; pieces in, the same pieces out, as long as they were, with asterisks where a
secret stood. A secret may begin in one piece and end in another: a piece that could hold the beginning
of one waits for the next.
"""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

from tokenweir.pipeline.recording import Piece

_TELLING = 4
"""Bytes of a secret that are masked too where a body ends inside it."""

_HTML = re.compile(r"[<>&='+]")
_PERCENT = re.compile(r"%..")


def forms(secrets: Iterable[str]) -> list[bytes]:
    r"""Each secret as it is, and as servers write it: in JSON of several writers, and in a URL.

    >>> forms(["a/b="])
    [b'a%2Fb%3D', b'a%2fb%3d', b'a/b=', b'a/b\\u003d', b'a\\/b=']
    """
    made: set[str] = set()
    for secret in filter(None, secrets):
        inside = json.dumps(secret)[1:-1]
        percent = quote(secret, safe="")
        made |= {secret, inside, inside.replace("/", r"\/")}
        made |= {_HTML.sub(lambda found: f"\\u{ord(found[0]):04x}", inside)}
        made |= {percent, _PERCENT.sub(lambda found: found[0].lower(), percent)}
    return sorted(one.encode() for one in made)


class Mask:
    """Masks the pieces of one answer. Held: one piece, and what came after it while all of it could be
    the rest of one secret."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = forms(secrets)
        self._held: list[Piece] = []  # as they came: what is masked may begin the next secret
        self._masked = bytearray()  # the bytes of all of them

    def feed(self, piece: Piece) -> list[Piece]:
        """The pieces that are sure by now, masked, in order."""
        if not self._secrets:
            return [piece]
        data = self._take(piece)
        return self._give(len(data) - max(_begun(data, secret) for secret in self._secrets))

    def finish(self) -> list[Piece]:
        """What was held, when nothing more comes. What may be a secret that was cut is masked too."""
        data = b"".join(held.data for held in self._held)
        begun = max((_begun(data, secret) for secret in self._secrets), default=0)
        if begun >= _TELLING:
            self._masked[len(data) - begun :] = b"*" * begun
        return self._give(len(data))

    def once(self, data: bytes) -> bytes:
        """Bytes that stand alone, masked."""
        masked = bytearray(data)
        self._mark(data, masked)
        return bytes(masked)

    def text(self, text: str) -> str:
        """Text that stands alone, masked."""
        return self.once(text.encode("utf-8", "replace")).decode("utf-8", "replace")

    def _take(self, piece: Piece) -> bytes:
        self._held.append(piece)
        self._masked += piece.data
        data = b"".join(held.data for held in self._held)
        self._mark(data, self._masked)
        return data

    def _mark(self, data: bytes, masked: bytearray) -> None:
        for secret in self._secrets:
            at = data.find(secret)
            while at >= 0:
                masked[at : at + len(secret)] = b"*" * len(secret)
                at = data.find(secret, at + 1)

    def _give(self, sure: int) -> list[Piece]:
        """The held pieces that end within the first `sure` bytes."""
        given: list[Piece] = []
        begin = 0
        for held in self._held:
            end = begin + len(held.data)
            if end > sure:
                break
            given.append(Piece(held.at, bytes(self._masked[begin:end])))
            begin = end
        del self._held[: len(given)], self._masked[:begin]
        return given


def _begun(data: bytes, secret: bytes) -> int:
    """How many bytes at the end of `data` are the beginning of `secret`, and not all of it."""
    at = max(0, len(data) - len(secret) + 1)
    while (at := data.find(secret[:1], at)) >= 0:
        if secret.startswith(data[at:]):
            return len(data) - at
        at += 1
    return 0
