"""Somebody at a terminal: types, and waits for what appears.

Law of this file: the real command with a controlling terminal of its own, so that Ctrl-C goes the way
of a real key; no claim about what a command does.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.cli.shell import PATIENCE, Output
from tests.emulator import emulate, pseudo_terminal

COLUMNS, LINES = 80, 24
CTRL_C, CTRL_D, UP, ENTER = "\x03", "\x04", "\x1b[A", "\r"

_PROGRAM = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from tokenweir.__main__ import main
sys.exit(main())
"""


class Talker:
    """A running command, and what its terminal has shown."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.seen = ""
        self._process = process
        self._terminal = terminal
        self._read_up_to = 0

    @property
    def rows(self) -> list[str]:
        """What the terminal shows, and what scrolled away."""
        return emulate(self.seen, COLUMNS, LINES).rows

    def type(self, keys: str) -> None:
        """Press keys."""
        self.press(keys.encode())

    def press(self, keys: bytes) -> None:
        """Send what no keyboard may."""
        os.write(self._terminal, keys)

    def interrupt(self) -> None:
        """Press Ctrl-C once the command waits for a key: readline misses a signal that comes just before
        it waits, which no finger is fast enough for."""
        state = Path(f"/proc/{self._process.pid}/stat")
        while state.exists() and state.read_text().rpartition(")")[2].split()[0] == "R":
            os.sched_yield()
        self.type(CTRL_C)

    def expect(self, text: str) -> None:
        """Wait until `text` appears behind what was expected before."""
        while (at := self.seen.find(text, self._read_up_to)) < 0:
            assert select.select([self._terminal], [], [], PATIENCE)[0], f"no {text!r} in {self.seen!r}"
            self.seen += self._read()
        self._read_up_to = at + len(text)

    def say(self, text: str, answer: str) -> None:
        """Type a line at the prompt, and wait for this in the answer."""
        self.expect("> ")
        self.type(text + ENTER)
        self.expect(answer)

    def leave(self) -> int:
        """Wait for the end; the exit code."""
        while select.select([self._terminal], [], [], 0.05)[0] or self._process.poll() is None:
            if select.select([self._terminal], [], [], 0.05)[0]:
                self.seen += self._read()
        return self._process.wait(PATIENCE)

    def _read(self) -> str:
        return os.read(self._terminal, 65536).decode("utf-8", "replace")


@contextmanager
def talker(*arguments: str, stdout: Output = None, env: Mapping[str, str] | None = None) -> Generator[Talker]:
    """The command at a terminal; standard output may go elsewhere. It is ended with the block."""
    command = [sys.executable, "-W", "error", "-c", _PROGRAM, *arguments]
    settings = {**os.environ, "TERM": "xterm", "COLUMNS": str(COLUMNS), "LINES": str(LINES), **(env or {})}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pseudo_terminal(COLUMNS, LINES) as (screen, program):
        try:
            process = subprocess.Popen(
                command,
                stdin=program,
                stdout=program if stdout is None else stdout,
                stderr=program,
                env=settings,
                start_new_session=True,
            )
        finally:
            signal.signal(signal.SIGINT, before)
        with process:
            try:
                yield Talker(process, screen)
            finally:
                process.kill()
