"""The demo runs what it says, and says what came of it."""

import io
import re
import subprocess
import sys
from collections.abc import Sequence

import anyio
import pytest
from rich.console import Console

from tests.cli.shell import run as run_command
from tests.emulator import Terminal, emulate, pseudo_terminal
from tokenweir.cli import demo
from tokenweir.cli.app import READER_LEFT, run
from tokenweir.cli.demo import HASTE, READING, Pace, play, verdict
from tokenweir.pipeline.events import Delta, End, Event, Finish
from tokenweir.simulator.text import FOUNDING

AT_ONCE = Pace(0.02, 2000.0)
STATS = r"Ctx: 19 tk \| Gen: 52 tk \| [\d.]+ tk/s \| [\d.]+s \| amplification {}x"
DOUBLED = "II amI am anI am an intelligentI am an intelligent AI"


def test_in_a_pipe() -> None:
    """P4: one command, one story: the bug, the loading, the text once, the figures, the verdict."""
    code, out, err = run_command("demo")

    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert next(line for line in lines if line.startswith("II")).startswith(DOUBLED)
    assert "7,363 characters for an answer of 266" in lines
    assert "(loading model 1 s)" in lines
    assert lines.count(FOUNDING.text) == 2
    assert [bool(re.fullmatch(STATS.format(r"(27\.7|1\.0)"), line)) for line in lines].count(True) == 2
    assert "✓ Both event streams mean the same" in lines


def test_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, with the revision shown exactly and no trace of the status line."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "300")
    with pseudo_terminal(300, 60) as (_, program):
        terminal = Terminal(program)
        code = anyio.run(play, Console(file=terminal, highlight=False, soft_wrap=True), AT_ONCE)

    screen = emulate(terminal.getvalue(), 300, 60)
    assert code == 0
    assert screen.rows.count(FOUNDING.text) == 2
    assert re.search(STATS.format(r"27\.7"), "\n".join(screen.rows))
    assert "✓ Both event streams mean the same" in screen.rows
    assert not [row for row in screen.rows if "connecting" in row or "loading" in row]


def test_a_reader_that_leaves() -> None:
    """D05: `| head`, even before the first act."""
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE) as gone:
        gone.wait()
        code, _, err = run_command("demo", stdout=gone.stdin)

    assert (code, err) == (READER_LEFT, "")


def test_an_old_encoding_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """D07: the tick becomes a question mark."""
    out = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(out, encoding="latin-1"))
    monkeypatch.setattr(demo, "HASTE", AT_ONCE)

    code = run(["demo"])

    assert code == 0
    assert b"? Both event streams mean the same" in out.getvalue()


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        ([Delta("a"), Delta("b")], [Delta("ab")], 0),
        ([Delta("ab"), Finish("stop"), End("complete")], [Delta("a"), End("complete")], 1),
    ],
)
def test_the_verdict_is_computed(one: list[Event], other: list[Event], code: int) -> None:
    """Streams that differ are told apart, and how."""
    out = io.StringIO()

    assert verdict(Console(file=out), one, other) == code
    assert ("mean the same\n" in out.getvalue()) is (code == 0)


def test_a_difference_is_shown() -> None:
    """Each thing that only one of them said."""
    out = io.StringIO()
    one: Sequence[Event] = [Delta("ab"), Finish("stop")]

    verdict(Console(file=out, soft_wrap=True), list(one), [Delta("a[b]"), Finish("stop")])

    assert "only the first:  Delta(text='ab'" in out.getvalue()
    assert "only the second: Delta(text='a[b]'" in out.getvalue()
    assert "Finish" not in out.getvalue()


def test_it_is_short() -> None:
    """Twelve seconds at the speed of reading; in haste, still longer than the second that shows loading."""
    spoken = len(FOUNDING.tokens)

    assert 2 * READING.load_seconds + 3 * spoken / READING.rate < 12
    assert HASTE.load_seconds > 1
    assert 2 * HASTE.load_seconds + 3 * spoken / HASTE.rate < 4
