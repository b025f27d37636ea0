"""What a terminal shows of an answer, and how to show a revised one.

Law of this file: pure; text in, text out. A revision goes back to the start of the screen row in
which the first changed character stands, clears from there and shows the rest anew. Whole rows,
since a row's start is the one place where neither a pending wrap nor half a wide character matters.

It relies on: the answer began at the start of a row, and nobody else writes in between. Widths are
those of East Asian Width; a terminal that measures some emoji otherwise may end up a row off.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tokenweir.pipeline.assemble import Text
from tokenweir.pipeline.events import Channel

REVISED = "[revised]\n"
"""Stands above the corrected line where the old one cannot be reached any more."""

_TAB = 8

Styled = tuple[Channel | None, str]
"""Text to write as it is, and the channel that it belongs to (None: our own)."""


@dataclass(slots=True)
class _Run:
    """Neighbouring text of one channel."""

    channel: Channel
    text: Text = field(default_factory=Text)


class Screen:
    """The answer as it was written to a terminal, in runs by channel, one below the other.

    `shown` maps the model's text to what is written, character by character. Held: the whole text
    shown, since a revision may reach back to its first character.
    """

    def __init__(self, shown: Callable[[str], str]) -> None:
        self._shown = shown
        self._runs: list[_Run] = []
        # Where in the shown text the last fresh line began: what is above stands apart by a marker.
        self._floor = 0
        # Where the last row of the last revision began, and how many rows below it had been written
        # before: the screen may have scrolled by that much more than the text now tells.
        self._row, self._below = 0, 0

    @property
    def channel(self) -> Channel | None:
        """The channel that was written last."""
        return self._runs[-1].channel if self._runs else None

    def add(self, channel: Channel, text: str) -> None:
        """Note what is being written."""
        if self.channel != channel:
            self._runs.append(_Run(channel))
        self._runs[-1].text.add(text)

    def revise(
        self, channel: Channel, keep: int, text: str, size: tuple[int, int] | None
    ) -> list[Styled] | None:
        """Apply a revision; give what to write.

        `size` is (columns, lines) of a terminal that obeys cursor movements, else None. Where the
        first changed row has left the screen, or cannot be reached, the corrected line comes again
        on a fresh row below `REVISED`. None: nothing shown changes, `text` is merely new.
        """
        old = _flat(self._runs, self._shown)
        changed = self._apply(channel, keep, text)
        if changed is None:
            return None
        new, flat = list(_styled(self._runs, self._shown)), _flat(self._runs, self._shown)
        row = self._row_of(old, changed, size) if size else None
        if size is None or row is None:
            self._floor, self._below = flat.rfind("\n", 0, changed) + 1, 0
            fresh = REVISED if old.endswith("\n") else "\n" + REVISED
            return [(None, fresh), *_after(self._floor, new)]
        start, up, below = row
        rows = _row_starts(flat[start:], size[0])
        self._row, self._below = start + rows[-1], max(below - len(rows) + 1, 0)
        return [(None, (f"\x1b[{up}A" if up else "") + "\r\x1b[J"), *_after(start, new)]

    def _apply(self, channel: Channel, keep: int, text: str) -> int | None:
        """Where in the shown text the change begins."""
        at, keep = self._find(channel, keep)
        if at is None:
            return None
        run = self._runs[at]
        run.text.revise(keep, "")
        kept = self._runs[: at + 1] if keep else self._runs[:at]
        changed = len(_flat(kept, self._shown))
        run.text.add(text)
        later = [other for other in self._runs[at + 1 :] if other.channel != channel]
        self._runs[at:] = [run, *later] if run.text.size else later
        return changed

    def _find(self, channel: Channel, keep: int) -> tuple[int | None, int]:
        """The run in which the first `keep` characters of a channel end, and how many are its own."""
        for at, run in enumerate(self._runs):
            if run.channel == channel:
                if keep < run.text.size:
                    return at, keep
                keep -= run.text.size
        return None, keep

    def _row_of(self, old: str, changed: int, size: tuple[int, int]) -> tuple[int, int, int] | None:
        """The row to begin anew from, if it is on the screen: its start, how many rows above the
        cursor it stands, and how many above the lowest row ever written."""
        if changed < self._floor:
            return None
        columns, lines = size
        # After a full row the cursor waits on that row, not on the next; a newline ends the waiting.
        anchor = changed if old[changed - 1 : changed] == "\n" else max(changed - 1, self._floor)
        line = max(old.rfind("\n", 0, anchor) + 1, self._floor)
        starts = _row_starts(old[line:], columns)
        row = bisect_right(starts, anchor - line) - 1
        up = len(starts) - 1 - row
        grown = len(_row_starts(old[self._row :], columns)) - 1 if self._below else 0
        below = up + max(self._below - grown, 0)
        return (line + starts[row], up, below) if below < lines else None


def _flat(runs: Sequence[_Run], shown: Callable[[str], str]) -> str:
    return "".join(text for _, text in _styled(runs, shown))


def _styled(runs: Sequence[_Run], shown: Callable[[str], str]) -> Iterator[Styled]:
    """The runs as they are written: each on a new line."""
    before = "\n"
    for at, run in enumerate(runs):
        if at and run.channel != runs[at - 1].channel and before != "\n":
            yield None, "\n"
        text = shown(str(run.text))
        before = text[-1:]
        yield run.channel, text


def _after(start: int, pieces: Sequence[Styled]) -> Iterator[Styled]:
    for channel, text in pieces:
        if start < len(text):
            yield channel, text[start:]
        start = max(start - len(text), 0)


def _row_starts(text: str, columns: int) -> list[int]:
    """Where each screen row begins. A newline belongs to the row that it ends."""
    starts: list[int] = []
    base = 0
    for line in text.split("\n"):
        if line.isascii() and "\t" not in line:
            starts.extend(range(base, base + max(len(line), 1), columns))
        else:
            starts.extend(base + start for start in _wrap(line, columns))
        base += len(line) + 1
    return starts


def _wrap(line: str, columns: int) -> list[int]:
    starts, column = [0], 0
    for at, char in enumerate(line):
        if char == "\t":
            column = min((column // _TAB + 1) * _TAB, columns - 1)
            continue
        width = cells(char)
        if column + width > columns:
            starts.append(at)
            column = 0
        column += width
    return starts


def cells(char: str) -> int:
    """How many columns a character takes: 0 (it joins the one before), 1 or 2."""
    if unicodedata.east_asian_width(char) in "WF":
        return 2
    joins = unicodedata.category(char) in {"Mn", "Me", "Cf"} or "\u1160" <= char <= "\u11ff"
    return 0 if joins and char != "\xad" else 1
