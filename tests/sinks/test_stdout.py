"""stdout shows the answer, and lets nothing else through."""

import io
import os
import sys
from typing import Any, cast

import anyio
import pyte
import pytest

from tests.emulator import COLUMNS, Emulator, Terminal, pseudo_terminal, resize
from tests.sinks.showing import show
from tokenweir.pipeline.errors import MisuseError, StageError
from tokenweir.pipeline.events import Delta, End, Event, Finish, Phase, Revise, Start, ToolDelta
from tokenweir.sinks import stdout

END = End("complete")


def test_raw() -> None:
    """P28: only who asks for it gets the text as it is."""
    assert show(io.StringIO(), [Delta("\x1b[1mbold\x1b[m\r"), END], raw=True) == "\x1b[1mbold\x1b[m\r\n"


def test_on_a_real_terminal(steering: None) -> None:
    """P28, P4: attack, revision and wide text through a kernel's line discipline."""
    del steering
    screen, seen = Emulator(), bytearray()
    with pseudo_terminal() as (reader, program), os.fdopen(program, "w", closefd=False) as stream:

        async def send() -> None:
            sink = stdout(stream, show=("reasoning", "text"))
            await sink.send([Delta("so", "reasoning"), Delta("\x1b]0;x\x07 漢字漢字 wrld\nand")])
            await sink.send([Revise(13, "orld\nend"), END])

        anyio.run(send)
        while not seen.endswith(b"end\r\n"):
            seen += os.read(reader, 1000)
    pyte.ByteStream(screen).feed(bytes(seen))

    assert screen.rows == ["so", r"\x1b]0;x\x07 漢字漢", "字 world", "end"]
    assert screen.settings == Emulator().settings


def test_revisions_follow_the_terminal_size(program: int, steering: None) -> None:
    """P4: rows are counted with the width that the terminal has now."""
    del steering
    text = "x" * (2 * COLUMNS) + "y"
    wide = show(Terminal(program), [Delta(text), Revise(2 * COLUMNS, "z")])
    resize(program, 100, 6)
    one_row = show(Terminal(program), [Delta(text), Revise(2 * COLUMNS, "z")])
    resize(program, 0, 0)
    unknown = show(Terminal(program), [Delta(text), Revise(2 * COLUMNS, "z")])
    resize(program, COLUMNS, 6)

    assert "\x1b[1A\r\x1b[J" in wide
    assert one_row.partition("\r\x1b[J")[2] == "x" * (2 * COLUMNS) + "z"
    assert unknown == text + "\n[revised]\n" + "x" * (2 * COLUMNS) + "z"


def test_a_dumb_terminal_gets_no_controls(program: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """P28: where TERM says dumb, a revision is lines alone, and nothing is dimmed."""
    monkeypatch.setenv("TERM", "dumb")
    events: list[Event] = [Delta("hm", "reasoning"), Delta("teh"), Revise(1, "he"), END]

    out = show(Terminal(program), events, show=("reasoning", "text"))

    assert out == "hm\nteh\n[revised]\nthe\n"


def test_a_refusal_is_shown() -> None:
    """P2: a model that refuses has said something: its reader sees it, and not an empty answer."""
    stream = io.StringIO()

    events: list[Event] = [Delta("hm", "reasoning"), Delta("I won't.", "refusal"), END]
    anyio.run(stdout(stream).send, events)

    assert stream.getvalue() == "I won't.\n"


@pytest.mark.parametrize("raw", [False, True])
def test_a_pipe_cannot_take_text_back(raw: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """P4: the missing stage is named, after what came before has been written."""
    stream = io.StringIO()

    with pytest.raises(StageError, match=r"put append_only\(\) before it"):
        show(stream, [Delta("a"), Revise(0, "b"), Delta("c")], raw=raw)
    assert stream.getvalue() == "a"


def test_raw_text_on_a_terminal_cannot_be_taken_back(program: int) -> None:
    """P4: where raw text left the cursor, nobody knows."""
    with pytest.raises(StageError, match="append_only"):
        show(Terminal(program), [Delta("a"), Revise(0, "b")], raw=True)


def test_what_is_not_shown_is_not_there() -> None:
    """Only choice 0's text: no other choice, channel or event, nor a revision of one of those."""
    hidden: list[Event] = [
        Start("x"),
        Phase("loading"),
        Delta("other", index=1),
        Delta("hmm", "reasoning"),
        Delta(""),
        ToolDelta(0, "id", "f", "{}"),
        Revise(0, "o", index=1),
        Revise(0, "h", "reasoning"),
        Revise(0, "{", "tool", call=0),
        Finish("stop"),
    ]

    assert show(io.StringIO(), [*hidden, Delta("a"), *hidden, Delta("b"), END]) == "ab\n"


def test_channels_begin_on_a_new_line(program: int, steering: None) -> None:
    """Reasoning is dim on a terminal, piece by piece, so that no moment leaves the terminal dim."""
    del steering
    events: list[Event] = [Delta("hm", "reasoning"), Delta("hm", "reasoning"), Delta("a\n"), Delta("b")]
    options = {"show": ("reasoning", "text")}

    assert show(io.StringIO(), [*events, END], **options) == "hmhm\na\nb\n"
    assert show(io.StringIO(), [Delta("hm\n", "reasoning"), Delta("a\n")], **options) == "hm\na\n"
    dim = "\x1b[2mhm\x1b[22m"
    assert show(Terminal(program), [*events, END], **options) == f"{dim}{dim}\na\nb\n"


def test_long_dimmed_text_is_dimmed_by_the_piece(program: int, steering: None) -> None:
    """P28: each write of a long text opens and closes its own dimming."""
    del steering
    out = show(Terminal(program), [Delta("x" * 5000, "reasoning")], show=("reasoning",))
    pieces = out.removeprefix("\x1b[2m").removesuffix("\x1b[22m").split("\x1b[22m\x1b[2m")

    assert "".join(pieces) == "x" * 5000
    assert len(pieces) > 1


@pytest.mark.parametrize(
    ("events", "out"),
    [
        ([], ""),
        ([Delta("a")], "a\n"),
        ([Delta("a\n")], "a\n"),
        ([Delta("a"), Delta("")], "a\n"),
        ([Delta("a"), Delta("\n\n")], "a\n\n"),
    ],
)
def test_the_last_newline(events: list[Event], out: str) -> None:
    """The prompt that follows stands on its own line, and no empty line comes of it."""
    assert show(io.StringIO(), events, [END]) == out


def test_no_newline_after_all_was_taken_back(program: int, steering: None) -> None:
    """P4: an answer that was revised to nothing leaves the terminal as it was."""
    del steering
    assert show(Terminal(program), [Delta("a"), Revise(0, ""), END]) == "a\r\x1b[J"


def test_a_revision_that_only_adds(program: int, steering: None) -> None:
    """P4: keeping everything is new text; adding nothing is nothing."""
    del steering
    events: list[Event] = [Revise(0, "a"), Revise(1, "b"), Revise(9, ""), END]

    assert show(Terminal(program), events) == "ab\n"


def test_the_default_is_todays_sys_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    """sys.stdout is looked up when the sink is made, so that redirection works."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    sink = stdout()
    monkeypatch.undo()

    anyio.run(sink.send, [Delta("here")])

    assert stream.getvalue() == "here"
    assert not stream.closed


def test_an_ascii_stream() -> None:
    """D07: emoji and accents become escapes, and nothing crashes."""
    out = io.BytesIO()
    stream = io.TextIOWrapper(out, encoding="ascii", newline="")
    batch: list[Event] = [Delta("naïve 🙂\x1b"), END]

    anyio.run(stdout(stream).send, batch)

    assert out.getvalue() == b"na\\xefve \\U0001f642\\x1b\n"


def test_misuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong options are answered when the sink is made, with the right use."""
    for wrong in ("text", (), ("tool",)):
        with pytest.raises(MisuseError, match=r"a tuple of channels"):
            stdout(io.StringIO(), show=cast("Any", wrong))
    with pytest.raises(MisuseError, match="takes a text stream"):
        stdout(cast("Any", io.BytesIO()))
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(MisuseError, match="takes a text stream"):
        stdout()
