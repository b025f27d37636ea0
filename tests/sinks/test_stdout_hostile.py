"""No control sequence from a model reaches a terminal through stdout; pyte is the judge."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator import Emulator, Terminal, emulate
from tests.sinks.showing import show
from tokenweir.pipeline.events import Delta, End, Event, Revise

END = End("complete")
ATTACKS = {
    "title": "\x1b]0;owned\x07",
    "clipboard": "\x1b]52;c;cm0gLXJm\x07",
    "link": "\x1b]8;;http://evil.test\x1b\\click\x1b]8;;\x1b\\",
    "colour": "\x1b[31;1;5m",
    "clear": "\x1b[2J\x1b[H",
    "alternate": "\x1b[?1049h\x1b[?25l",
    "reset": "\x1bc",
    "device control": "\x1bP1$r0m\x1b\\",
    "report": "\x1b[6n\x1b[c\x05",
    "8-bit": "\x9b31m\x9d0;owned\x9c\x90q\x9c\x85\x8d",
    "overwrite": "rm -rf\rls -la\x08\x08\x7f",
    "bells": "\x07\x07\x07",
    "charset": "\x0e\x1b(0qqq",
    "bidi": "\u202egnp.exe\u2066\u2069\u200f\u061c",
    "margins": "\x1b[2;3r\x1b7\x1b[?6h",
    "vertical": "\x0b\x0c\x00\x1a\x18",
}
HOSTILE = st.lists(
    st.sampled_from([*ATTACKS.values(), "\x1b", "\x1b[", "\x1b]", "\x9b", ";", "1", "m", "\n", "\t"])
    | st.text(st.characters(max_codepoint=0xFF), max_size=4),
    max_size=8,
).map("".join)


def split(text: str, at: int) -> list[Sequence[Event]]:
    """A text in two chunks, each from a network read of its own."""
    return [[Delta(text[:at])], [Delta(text[at:])], [END]]


def inert(out: str) -> bool:
    """Whether a terminal that got `out` shows every character of it and has changed nothing else."""
    screen, fresh = emulate(out, 400, 40), Emulator(400, 40)
    shown = [line.expandtabs() for line in out.split("\n")]
    return screen.settings == fresh.settings and [row.rstrip() for row in screen.display] == [
        row.rstrip() for row in (*shown, *[""] * (40 - len(shown)))
    ]


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_inert_wherever_they_are_cut(name: str, program: int, steering: None) -> None:
    """P28, S08, D08: an attack shows as harmless text, the same for every cut; so it does in a pipe."""
    del steering
    attack = f"before {ATTACKS[name]} after"
    whole = show(Terminal(program), *split(attack, 0))

    assert inert(whole)
    assert whole.startswith("before ")
    assert whole.endswith(" after\n")
    assert show(io.StringIO(), *split(attack, 0)) == whole
    for at in range(1, len(attack)):
        assert show(Terminal(program), *split(attack, at)) == whole


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HOSTILE, st.integers(0, 60))
def test_any_hostile_text_is_inert(program: int, steering: None, text: str, at: int) -> None:
    """P28, D08: title, modes, attributes and charsets of the terminal stay; only text appears."""
    del steering

    assert inert(show(Terminal(program), *split(text, at)))


def test_a_hostile_revision_is_inert(program: int, steering: None) -> None:
    """P28: what a revision brings is as harmless as a delta; only our own way back is a control."""
    del steering
    out = show(Terminal(program), [Delta("ok")], [Revise(1, "\x1b[2J\x9b5m"), END])

    assert out == "ok\r\x1b[Jo\\x1b[2J\\x9b5m\n"
