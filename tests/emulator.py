"""A terminal that tests can look at: pyte's emulator on a real pseudo-terminal's size.

Law of this file: what a terminal is, for tests; nothing of tokenweir's.
"""

import fcntl
import io
import os
import struct
import termios
import unicodedata
from collections.abc import Generator
from contextlib import contextmanager

import pyte

COLUMNS, LINES = 20, 6


class Emulator(pyte.Screen):
    """pyte's screen, mended where it differs from every common terminal: a wide character that does
    not fit wraps as a whole, and a combining one joins the last column without wrapping. It keeps
    what scrolls away."""

    def __init__(self, columns: int = COLUMNS, lines: int = LINES) -> None:
        self.scrolled: list[str] = []
        super().__init__(columns, lines)

    def draw(self, data: str) -> None:
        for char in data:
            if unicodedata.combining(char) and self.cursor.x == self.columns:
                cell = self.buffer[self.cursor.y][self.columns - 1]
                joined = unicodedata.normalize("NFC", cell.data + char)
                self.buffer[self.cursor.y][self.columns - 1] = cell._replace(data=joined)
                continue
            if unicodedata.east_asian_width(char) in "WF" and self.cursor.x == self.columns - 1:
                super().draw(" ")
            super().draw(char)

    def index(self) -> None:
        if self.cursor.y == self.lines - 1:
            self.scrolled.append(self.display[0])
        super().index()

    @property
    def rows(self) -> list[str]:
        """Everything that was ever shown and not erased, down to the last row with text."""
        rows = [row.rstrip() for row in (*self.scrolled, *self.display)]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def settings(self) -> tuple[object, ...]:
        """What only a control sequence could have changed."""
        return (
            self.title,
            self.icon_name,
            frozenset(self.mode),
            self.cursor.attrs,
            self.cursor.hidden,
            self.margins,
            self.charset,
            self.g0_charset,
            self.g1_charset,
            tuple(self.savepoints),
        )


def emulate(text: str, columns: int = COLUMNS, lines: int = LINES) -> Emulator:
    """The screen after `text` went through a terminal's line discipline."""
    screen = Emulator(columns, lines)
    pyte.Stream(screen).feed(text.replace("\n", "\r\n"))
    return screen


class Terminal(io.StringIO):
    """A text stream that remembers, in front of a real terminal of a given size."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd


def resize(fd: int, columns: int, lines: int) -> None:
    """Give a terminal its size."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


@contextmanager
def pseudo_terminal(columns: int = COLUMNS, lines: int = LINES) -> Generator[tuple[int, int]]:
    """Both ends of a real pseudo-terminal: what reads the screen, and what programs write to."""
    screen, program = os.openpty()
    resize(program, columns, lines)
    try:
        yield screen, program
    finally:
        os.close(screen)
        os.close(program)
