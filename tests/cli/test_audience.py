"""What those who watch the demo see: on a terminal, and in a pipe."""

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from tests.emulator import Terminal, emulate, pseudo_terminal
from tokenweir.cli.audience import SAMPLE, Audience, Phases, Sample
from tokenweir.pipeline.events import Delta, End, Event, Finish, Phase, Revise

pytestmark = pytest.mark.anyio
COLUMNS, LINES = 40, 8
BATCHES: tuple[list[Event], ...] = (
    [Phase("connecting")],
    [Phase("loading", 0.5)],
    [Delta("in order listing all files")],
    [Revise(13, "ening all files at"), Revise(13, "ing all files at once")],
    [Finish("stop"), End("complete")],
)
TEXT = "in order listing all files at once"


@pytest.fixture
def anyio_backend() -> str:
    """The command line runs on asyncio."""
    return "asyncio"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A text stream in front of a terminal that can redraw lines."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    with pseudo_terminal(COLUMNS, LINES) as (_, program):
        yield Terminal(program)


async def show(console: Console) -> list[Event]:
    """Everything, batch by batch; the events kept."""
    with Audience(console) as audience:
        for batch in BATCHES:
            await audience.send(batch)
        await audience.aclose()
    return audience.events


async def test_a_terminal_shows_the_answer_alone(terminal: Terminal) -> None:
    """P28: the line is gone, and a revision is applied exactly."""
    kept = await show(Console(file=terminal))

    assert emulate(terminal.getvalue(), COLUMNS, LINES).rows == [TEXT]
    assert kept == [event for batch in BATCHES for event in batch]


async def test_a_pipe_gets_lines() -> None:
    """Each phase is a line; what went out is not taken back; the events are kept as they came."""
    out = io.StringIO()

    kept = await show(Console(file=out))

    assert out.getvalue() == f"(connecting)\n(loading model 50 %)\n{TEXT}\n"
    assert kept == [event for batch in BATCHES for event in batch]


async def test_a_terminal_that_cannot_redraw_gets_lines(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dumb one has no line that comes and goes."""
    monkeypatch.setenv("TERM", "dumb")

    await show(Console(file=terminal))

    assert "\x1b" not in terminal.getvalue()
    assert terminal.getvalue().startswith("(connecting)\n(loading model 50 %)\n")


async def test_phases_are_told_as_they_come() -> None:
    """Content says nothing here."""
    out = io.StringIO()
    phases = Phases(Console(file=out))

    phases.see([Phase("prefill", 0.1), Delta("Hi"), Phase("prefill", 0.2)])

    assert out.getvalue().count("\n") == 2


async def test_a_sample_is_how_it_begins() -> None:
    """Enough to see it, then how much it was."""
    out = io.StringIO()
    sample = Sample(Console(file=out, soft_wrap=True))

    for text in ("", "ab" * 150, "cd" * 150, "ef" * 600):
        sample.show(text)
    sample.end(1234)

    silence, text, size = out.getvalue().splitlines()
    assert silence == "(0.0 s of silence, then:)"
    assert text == ("ab" * 150 + "cd" * 150)[:SAMPLE] + "…"
    assert size == "1,800 characters for an answer of 1,234"
