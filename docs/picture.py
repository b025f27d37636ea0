"""Draw docs/demo.svg: `tokenweir demo`, run in a real terminal of 96 columns, as it looks at its end.

    make picture

The command runs in a pseudo-terminal; pyte, a terminal emulator, reads what it writes; rich turns the
emulated screen into an SVG file. Nothing in the picture is written by hand.
"""

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

COLUMNS, ROWS = 96, 44
COLOURS = {"brown": "yellow"} | {name: name for name in ("red", "green", "blue", "magenta", "cyan", "white")}
COLOURS |= {
    f"bright{name}": f"bright_{name}" for name in ("black", "red", "green", "blue", "magenta", "cyan")
}
PICTURE = Path(__file__).parent / "demo.svg"


def run(command: list[str]) -> pyte.Screen:
    """The screen after `command` has ended."""
    screen = pyte.Screen(COLUMNS, ROWS)
    emulator = pyte.ByteStream(screen)
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS=str(COLUMNS), LINES=str(ROWS))
        os.execvp(command[0], command)  # noqa: S606 - our own command, without a shell
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    while True:
        try:
            data = os.read(terminal, 65_536)
        except OSError:  # the other side is closed
            break
        emulator.feed(data)
    os.waitpid(child, 0)
    return screen


def line(cells: dict[int, pyte.screens.Char]) -> Text:
    """One line of the screen, with its colours."""
    text = Text()
    for column in range(COLUMNS):
        cell = cells[column]
        text.append(cell.data, Style(color=COLOURS.get(cell.fg), bold=cell.bold, italic=cell.italics))
    text.rstrip()
    return text


def main() -> None:
    """Run the demo, draw the picture."""
    screen = run([str(Path(sys.executable).parent / "tokenweir"), "demo"])
    console = Console(record=True, width=COLUMNS, file=Path(os.devnull).open("w"), force_terminal=True)  # noqa: SIM115 - ends with us
    lines = [line(screen.buffer[row]) for row in range(ROWS)]
    while lines and not lines[-1].plain.strip():
        lines.pop()
    for text in [Text("$ tokenweir demo", Style(bold=True)), *lines]:
        console.print(text)
    drawn = console.export_svg(title="tokenweir demo")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # rich asks a web host for its font
    PICTURE.write_text(drawn, "utf-8")


if __name__ == "__main__":
    main()
