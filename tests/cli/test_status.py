"""The status line shows what is going on, and leaves no trace."""

from collections.abc import Iterator, Sequence

import pytest
from rich.console import Console

from tests.emulator import Terminal, emulate, pseudo_terminal
from tokenweir.cli.status import Beside, Status
from tokenweir.pipeline.events import Delta, Event, Phase, Revise, ToolDelta
from tokenweir.sinks import memory

pytestmark = pytest.mark.anyio
COLUMNS = 30


@pytest.fixture
def anyio_backend() -> str:
    """The command line runs on asyncio."""
    return "asyncio"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A text stream in front of a terminal that can redraw lines."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    with pseudo_terminal(COLUMNS, 6) as (_, program):
        yield Terminal(program)


def drawn(status: Status, terminal: Terminal) -> list[str]:
    """What the terminal shows once the line has been drawn anew: not waiting for its thread to do so."""
    status._live.refresh()  # pyright: ignore[reportPrivateUsage] - a test may look inside
    return rows(terminal)


def rows(terminal: Terminal) -> list[str]:
    """What the terminal shows."""
    return emulate(terminal.getvalue(), COLUMNS, 6).rows


async def test_it_follows_the_stream_and_goes(terminal: Terminal) -> None:
    """Each phase in its turn, on one row; nothing stays, and the cursor is there again."""
    with Status(Console(file=terminal), shared=True) as status:
        first = drawn(status, terminal)
        status.see([Phase("loading", 0.4)])
        second = drawn(status, terminal)
    left = emulate(terminal.getvalue(), COLUMNS, 6)

    assert [row[2:] for row in first] == ["connecting"]
    assert [row[2:] for row in second] == ["loading model 40 %"]
    assert (left.rows, left.cursor.x, left.cursor.y, left.cursor.hidden) == ([], 0, 0, False)


@pytest.mark.parametrize("first", [Delta("Hi"), Revise(0, "Hi")])
async def test_it_is_gone_before_shared_text(first: Event, terminal: Terminal) -> None:
    """The text's terminal is the line's: it clears itself when text is about to come, for good."""
    with Status(Console(file=terminal), shared=True) as status:
        drawn(status, terminal)
        status.see([Phase("prefill", 1.0), first])
        cleared = rows(terminal)
        terminal.write("Hi")
        status.see([Delta(" there")])
    left = rows(terminal)

    assert (cleared, left) == ([], ["Hi"])


@pytest.mark.parametrize(
    ("shared", "batch", "words"),
    [
        (True, [Delta("Hm", "reasoning")], "thinking"),
        (True, [ToolDelta(0, "id", "look")], "calling a tool"),
        (True, [Delta("another choice", index=1)], "writing"),
        (False, [Delta("Hi")], "writing"),
    ],
)
async def test_it_stays_while_nothing_is_shown(
    shared: bool,  # noqa: FBT001 - a case of the table
    batch: Sequence[Event],
    words: str,
    terminal: Terminal,
) -> None:
    """Thinking shows no text, nor does text that goes elsewhere."""
    with Status(Console(file=terminal), shared=shared) as status:
        status.see(batch)
        shown = drawn(status, terminal)

    assert [row[2:] for row in shown] == [words]
    assert rows(terminal) == []


async def test_a_long_line_stays_one_row(terminal: Terminal) -> None:
    """A backend's long detail is cut at the terminal's width."""
    with Status(Console(file=terminal), shared=True) as status:
        status.see([Phase("connecting", None, "word " * 40)])
        shown = drawn(status, terminal)

    assert len(shown) == 1
    assert shown[0].endswith("…")


async def test_an_old_encoding_gets_a_plain_line(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """D07: no character that the terminal's encoding lacks."""
    monkeypatch.setattr(Terminal, "encoding", "ascii", raising=False)
    with Status(Console(file=terminal), shared=True) as status:
        shown = drawn(status, terminal)

    assert len(shown) == 1
    assert terminal.getvalue().isascii()


async def test_beside_tells_the_line_first(terminal: Terminal) -> None:
    """A sink behind the line gets everything, after the line has made room."""
    kept = memory()
    order: list[str] = []

    class Watched(Status):
        def see(self, batch: Sequence[Event]) -> None:
            order.append(f"seen before {len(kept.events)}")
            super().see(batch)

    with Watched(Console(file=terminal), shared=True) as status:
        sink = Beside(status, kept)
        await sink.send([Phase("loading"), Delta("Hi")])
        await sink.send([Delta("!")])
        await sink.aclose()

    assert kept.text == "Hi!"
    assert order == ["seen before 0", "seen before 2"]
