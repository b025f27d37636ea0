"""Secrets taken out of bytes on their way into a recording.

Law of this file: pure; pieces in, the same pieces out, as long as they were, with asterisks where a
secret stood, however it was spelled (pipeline/sources/spellings.py). A secret may begin in one piece and
end in another: a piece that could hold the beginning of one waits for the next.
"""

from collections.abc import Iterable

from tokenweir.pipeline.recording import Piece
from tokenweir.pipeline.sources.spellings import finder

_SHORT = 128
"""Bytes that may be the beginning of a secret, and are looked at again with every piece."""

_TELLING = 4
"""Bytes of a secret that are masked too where a body ends inside it."""


class Mask:
    """Masks the pieces of one answer. Held: one piece, and what came after it while all of it could be
    the rest of one secret; of more than _SHORT bytes, up to as much again."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._finders = [finder(secret) for secret in sorted({*secrets} - {""})]
        self._held: list[Piece] = []  # as they came: what is masked may begin the next secret
        self._masked = bytearray()  # the bytes of all of them
        self._due = 0  # how many of them there must be before they are looked at again
        self._begun = 0  # where in them what may be a secret begins; what stands before it is sure

    def feed(self, piece: Piece) -> list[Piece]:
        """The pieces that are sure by now, masked, in order."""
        if not self._finders:
            return [piece]
        self._held.append(piece)
        self._masked += piece.data
        if len(self._masked) < self._due:
            return []
        self._look()
        given = self._give(self._begun)
        held = len(self._masked)
        self._due = 2 * held if held > _SHORT else 0  # so that all looks together are linear in small pieces
        return given

    def finish(self) -> list[Piece]:
        """What was held, when nothing more comes. What may be a secret that was cut is masked too."""
        self._look()
        size = len(self._masked) - self._begun
        if size >= _TELLING:
            self._masked[self._begun :] = b"*" * size
        return self._give(len(self._masked))

    def _look(self) -> None:
        data = b"".join(held.data for held in self._held)
        self._begun = self._mark(data, self._masked, self._begun)

    def once(self, data: bytes) -> bytes:
        """Bytes that stand alone, masked."""
        masked = bytearray(data)
        self._mark(data, masked, 0)
        return bytes(masked)

    def text(self, text: str) -> str:
        """Text that stands alone, masked."""
        return self.once(text.encode("utf-8", "replace")).decode("utf-8", "replace")

    def _mark(self, data: bytes, masked: bytearray, begin: int) -> int:
        """Mask what stands in the data from `begin` on. Gives where what may be a secret begins."""
        begun = len(data)
        for one in self._finders:
            scan = one.scan(data, begin)
            for start, end in scan.found:
                masked[start:end] = b"*" * (end - start)
            begun = min(begun, scan.begun)
        return begun

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
        self._begun -= begin
        return given
