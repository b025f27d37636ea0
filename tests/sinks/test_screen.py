"""A revised answer on a terminal looks as if it had been printed once; pyte is the judge."""

import sys
from collections.abc import Iterable, Iterator, Sequence

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.emulator import COLUMNS, LINES, Emulator, Terminal, emulate, pseudo_terminal, resize
from tokenweir.pipeline.events import Channel, Delta, Revise
from tokenweir.pipeline.visible import visible
from tokenweir.sinks import stdout
from tokenweir.sinks.screen import REVISED, Screen, cells

WORDS = [
    "a",
    "b ",
    "word ",
    " ",
    "\n",
    "\t",
    "漢字",
    "🙂",
    "e\u0301",
    "\x1b[2J",
    "\u202e",
    "0123456789",
    "-" * COLUMNS,
]
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map("".join)
CHANNEL: st.SearchStrategy[Channel] = st.sampled_from(["text", "text", "reasoning"])
DELTA = st.builds(Delta, TEXT, CHANNEL)
REVISE = st.builds(Revise, st.integers(0, 90) | st.integers(0, 3), TEXT | st.just(""), CHANNEL)
EDITS = st.lists(DELTA | DELTA | REVISE, max_size=12)

PROGRAM = -1
"""The terminal's end for programs, while tests run."""

Edit = Delta | Revise
Cells = list[tuple[str, str]]


def edited(edits: Iterable[Edit]) -> Cells:
    """The answer as (channel, character)s: a revision takes its channel's later characters out, and
    puts the new ones where the first of them stood."""
    cells: Cells = []
    for edit in edits:
        own = [at for at, (channel, _) in enumerate(cells) if channel == edit.channel]
        keep = edit.keep if isinstance(edit, Revise) else len(own)
        at = own[keep] if keep < len(own) else len(cells)
        gone = set(own[keep:])
        rest = [cell for place, cell in enumerate(cells) if place >= at and place not in gone]
        cells = [*cells[:at], *((str(edit.channel), char) for char in edit.text), *rest]
    return cells


def printed(cells: Cells) -> str:
    """The final answer printed once: each channel on a new line."""
    out, before = "", ""
    for channel, char in cells:
        if before not in {"", channel} and not out.endswith("\n"):
            out += "\n"
        out, before = out + visible(char), channel
    return out


def written(edits: Sequence[Edit], size: tuple[int, int] | None) -> str:
    """What the stdout sink writes to a terminal of `size`, or to one that does not tell its size."""
    stream = Terminal(PROGRAM)
    resize(PROGRAM, *(size or (0, 0)))

    async def send() -> None:
        await stdout(stream, show=("text", "reasoning")).send(edits)

    anyio.run(send)
    return stream.getvalue()


@pytest.fixture(scope="module", autouse=True)
def terminal() -> Iterator[None]:
    """A real pseudo-terminal that obeys control sequences."""
    with pseudo_terminal() as (_, program), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[__name__], "PROGRAM", program)
        patch.setenv("TERM", "xterm")
        yield


@given(EDITS)
@example([Delta("-" * COLUMNS), Delta("x"), Revise(COLUMNS, "")])
@example([Delta("-" * COLUMNS), Delta("x"), Revise(COLUMNS, "\ny")])
@example([Delta("-" * (COLUMNS - 1) + "漢"), Revise(COLUMNS - 1, "b")])
@example([Delta("one"), Delta("two", "reasoning"), Revise(0, "", "reasoning"), Delta("!")])
@example([Delta("one"), Delta("two", "reasoning"), Revise(0, "2", "reasoning"), Delta("!")])
@example([Delta("one", "reasoning"), Delta("two"), Revise(1, "n", "reasoning"), Delta("!")])
def test_the_screen_is_that_of_the_final_text(edits: list[Edit]) -> None:
    """P4: while all of it is on the screen, cells and cursor are those of the final text printed once."""
    tall = 60
    shown = emulate(written(edits, (COLUMNS, tall)), lines=tall)
    once = emulate(printed(edited(edits)), lines=tall)

    assert shown.scrolled == once.scrolled == []
    assert shown.display == once.display
    assert (shown.cursor.x, shown.cursor.y) == (once.cursor.x, once.cursor.y)
    assert shown.settings == once.settings


def below_marker(screen: Emulator) -> tuple[list[str], bool]:
    """The rows below the last marker, and whether there is one."""
    rows, marked = screen.rows, REVISED.strip() in screen.rows
    return rows[len(rows) - rows[::-1].index(REVISED.strip()) if marked else 0 :], marked


@given(EDITS, st.booleans())
@example(edits=[Delta("\n".join("abcdefgh")), Revise(7, ""), Revise(1, "!")], obeys=True)
@example(edits=[Delta("\n".join("abcdefgh")), Revise(7, ""), Delta("\n" * 4), Revise(7, "!")], obeys=True)
def test_what_scrolled_away_comes_again(edits: list[Edit], obeys: bool) -> None:  # noqa: FBT001 - drawn
    """P4: on a small screen, and on one that obeys no controls, the rows below the last marker are
    the last rows of the final text; without a marker all rows are."""
    shown = emulate(written(edits, (COLUMNS, LINES) if obeys else None))
    once = emulate(printed(edited(edits)))
    rows, marked = below_marker(shown)

    assert rows == (once.rows[-len(rows) :] if marked and rows else [] if marked else once.rows)


def rows_after(edits: Sequence[Edit], size: tuple[int, int] | None = (COLUMNS, LINES)) -> list[str]:
    """All rows of a small screen, those that scrolled away too."""
    return emulate(written(edits, size)).rows


def test_a_marker_stands_above_the_corrected_line() -> None:
    """P4: what left the screen is not rewritten; its whole line comes again, corrected."""
    poem = "".join(f"line {at}\n" for at in range(9))

    assert rows_after([Delta(poem), Revise(len(poem) - 2, "!\n")]) == [*poem.split("\n")[:8], "line !"]
    assert rows_after([Delta(poem), Revise(5, "zero\nend")]) == [
        *poem.split("\n")[:9],
        "[revised]",
        "line zero",
        "end",
    ]


@pytest.mark.parametrize("row", range(12))
def test_every_row_of_a_long_text(row: int) -> None:
    """P4: a row is rewritten in place as long as it is on the screen, and not one row longer."""
    rows = [f"line {at}" for at in range(12)]
    after = rows_after([Delta("\n".join(rows)), Revise(sum(len(line) + 1 for line in rows[:row]) + 1, "X")])

    assert after == ([*rows[:row], "lX"] if row >= 12 - LINES else [*rows, "[revised]", "lX"])


def test_what_stands_above_a_marker_is_not_rewritten() -> None:
    """P4: the text above a marker stands apart; a revision of it comes below a marker of its own."""
    edits: list[Edit] = [Delta("one\ntwo\nthree\nfour\nfive\nsix\nseven\n"), Revise(4, "2"), Revise(1, "1")]

    assert rows_after(edits)[7:] == ["[revised]", "2", "[revised]", "o1"]


EIGHT = Delta("\n".join("abcdefgh"))  # rows 0 to 7, of which 0 and 1 have left the screen
A, C, D, F, G = 0, 4, 6, 10, 12


@pytest.mark.parametrize(
    ("edits", "rows"),
    [
        ([Revise(F, "f"), Delta("\nx\ny"), Revise(C, "C")], "a b C"),
        ([Revise(G, "g\nH"), Revise(C, "C")], "a b C"),
        ([Revise(F, "f"), Revise(C, "C")], "a b C"),
        ([Revise(F, "f"), Revise(C - 2, "B")], "a b c d e f [revised] B"),
        ([Revise(D, "d\ne"), Revise(C - 2, "B")], "a b c d e [revised] B"),
        ([Revise(C, "c"), Revise(A, "A\nx\ny"), Revise(A + 2, "Z")], "a b c [revised] A Z"),
        ([Revise(C, "c"), Revise(A, "A"), Delta("\nx\ny"), Revise(A + 2, "Z")], "a b c [revised] A Z"),
    ],
)
def test_after_the_text_has_shrunk(edits: list[Edit], rows: str) -> None:
    """P4: text that became shorter leaves the screen scrolled; what is still on it, no more and no
    less, is rewritten in place."""
    assert rows_after([EIGHT, *edits]) == rows.split()


def test_a_channel_that_vanishes() -> None:
    """P4: where all of a channel is taken back, the line that it had broken is whole again."""
    edits: list[Edit] = [Delta("A"), Delta("B", "reasoning"), Delta("\nC"), Revise(0, "", "reasoning")]

    assert rows_after(edits, None) == ["A", "B", "", "C", "[revised]", "A", "C"]
    assert rows_after(edits) == ["A", "C"]


def test_a_terminal_without_controls_gets_lines() -> None:
    """P28: not one control sequence, only a marker and the corrected line."""
    out = written([Delta("first\nsecnd"), Revise(9, "ond"), Delta(" line")], None)

    assert out == "first\nsecnd\n[revised]\nsecond line"


@pytest.mark.parametrize("text", ["", "a\nb", "x" * 10_000])
def test_a_revision_of_nothing_is_new_text(text: str) -> None:
    """P4: keeping everything erases nothing."""
    screen = Screen(visible)
    if text:
        screen.add("text", text)

    assert screen.revise("text", len(text), "more", (COLUMNS, LINES)) is None


def test_widths() -> None:
    """East Asian Width counts, and what joins the character before it takes no column."""
    widths = {
        char: cells(char) for char in ("a", "é", "漢", "\uff21", "🙂", "\u0301", "\u200d", "\u1160", "\xad")
    }

    assert list(widths.values()) == [1, 1, 2, 2, 2, 0, 0, 0, 1]
