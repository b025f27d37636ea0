"""Halves of surrogate pairs become whole characters, across any number of deltas."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeding import CUTS, pieces
from tokenweir.pipeline.events import Delta, Event, Phase, ToolDelta
from tokenweir.pipeline.protocols.unicode_halves import Halves, MendedEvents, whole

UNITS = st.lists(
    st.sampled_from(["\ud83d", "\ude00", "\udbff", "\udc00", "a", "é", "\ufeff", "😀", "\ufffd"])
)
"""Text in pieces of one UTF-16 unit or one character."""


def by_hand(text: str) -> str:
    """The pairs joined and the lone halves replaced, by the definition of UTF-16."""
    joined = re.sub(
        "([\ud800-\udbff])([\udc00-\udfff])",
        lambda pair: chr(0x10000 + (ord(pair[1]) - 0xD800) * 0x400 + ord(pair[2]) - 0xDC00),
        text,
    )
    return re.sub("[\ud800-\udfff]", "\ufffd", joined)


@given(UNITS)
def test_whole(units: list[str]) -> None:
    """P5, V09: pairs are joined, lone halves are U+FFFD, everything else stays, U+FEFF too."""
    assert whole("".join(units)) == by_hand("".join(units))


@given(UNITS, CUTS)
def test_any_cut(units: list[str], cuts: list[int]) -> None:
    """V09: text cut anywhere comes out as if it had come at once; what is given is always valid, and
    at most one half is held."""
    halves = Halves()
    out: list[str] = []
    for piece in pieces(units, cuts):
        out.append(halves.mend("key", "".join(piece)))
        assert out[-1] == out[-1].encode().decode()
    out += [text for _, text in halves.flush()]

    assert "".join(out) == by_hand("".join(units))
    assert not halves


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [("\ud800", "\udc00", "\U00010000"), ("\udbff", "\udfff", "\U0010ffff")],
)
def test_the_first_and_the_last_pair(first: str, second: str, joined: str) -> None:
    """V09: every high half waits for its low one, from the first of them to the last."""
    halves = Halves()

    assert (halves.mend("key", first), bool(halves)) == ("", True)
    assert (halves.mend("key", second), bool(halves)) == (joined, False)


@pytest.mark.parametrize("lone", ["\ud7ff", "\udc00", "\ue000"])
def test_only_a_high_half_waits(lone: str) -> None:
    """P5: the neighbours of the high halves are told at once."""
    halves = Halves()

    assert halves.mend("key", lone) == by_hand(lone)
    assert not halves


def test_keys_stand_apart() -> None:
    """V09: the halves of two channels are never joined, in whatever order they come."""
    halves = Halves()
    told = [
        halves.mend((0, "text"), "a\ud83d"),
        halves.mend((1, "text"), "b\ud83d"),
        halves.mend((0, "reasoning"), "\ude00"),
        halves.mend((0, "text"), "\ude00c"),
        halves.mend((1, "text"), "d"),
    ]

    assert told == ["a", "b", "\ufffd", "😀c", "\ufffdd"]
    assert not halves


def test_some_may_end_before_others() -> None:
    """V09: what one choice still holds when it ends is given then; the other choices go on."""
    halves = Halves()
    for key in (0, 1, 2):
        halves.mend((key, "text"), "\ud83d")

    assert halves.flush(lambda key: key == (1, "text")) == [((1, "text"), "\ufffd")]
    assert halves.flush() == [((0, "text"), "\ufffd"), ((2, "text"), "\ufffd")]
    assert (halves.flush(), bool(halves)) == ([], False)


@given(st.text())
def test_valid_text_is_untouched(text: str) -> None:
    """P4: what is valid already comes out as it went in, at once."""
    halves = Halves()

    assert halves.mend(0, text) == text
    assert not halves


HIGH, LOW = "\ud83d", "\ude00"


def mended(*events: Event) -> tuple[MendedEvents, list[Event]]:
    """What comes of events, and what still holds a half."""
    mending, out = MendedEvents(), list[Event]()
    mending.take(events, out)
    return mending, out


def test_events_of_other_channels_calls_and_choices_stand_apart() -> None:
    """V09: a pair is joined where it began, with whatever comes between its halves."""
    mending, out = mended(
        Delta("a" + HIGH, "text", 1),
        Delta("b" + HIGH, "reasoning", 1),
        ToolDelta(0, "x", "f", "c" + HIGH, 1),
        ToolDelta(3, "y", "g", "d" + HIGH, 1),
        Phase("prefill"),
        ToolDelta(3, None, None, LOW, 1),
        ToolDelta(0, None, None, LOW, 1),
        Delta(LOW, "reasoning", 1),
        Delta(LOW, "text", 1),
    )

    assert not mending
    assert out == [
        Delta("a", "text", 1),
        Delta("b", "reasoning", 1),
        ToolDelta(0, "x", "f", "c", 1),
        ToolDelta(3, "y", "g", "d", 1),
        Phase("prefill"),
        ToolDelta(3, None, None, "😀", 1),
        ToolDelta(0, None, None, "😀", 1),
        Delta("😀", "reasoning", 1),
        Delta("😀", "text", 1),
    ]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (Delta(HIGH, "text", 1), []),
        (ToolDelta(2, None, None, HIGH, 1), []),
        (ToolDelta(2, "x", None, HIGH, 1), [ToolDelta(2, "x", None, "", 1)]),
        (ToolDelta(2, None, "f", HIGH, 1), [ToolDelta(2, None, "f", "", 1)]),
    ],
)
def test_a_delta_of_half_a_pair(event: Event, told: list[Event]) -> None:
    """V09: nothing is left of it to tell, but the id or the name of a call."""
    mending, out = mended(event)

    assert out == told
    assert mending


def test_a_held_half_is_told_where_its_choice_ends() -> None:
    """P1, V09: nothing held is lost: a choice that ends gives its own, and the end gives what is left."""
    mending, _ = mended(
        Delta(HIGH, "text", 0),
        ToolDelta(2, None, None, HIGH, 1),
        Delta(HIGH, "reasoning", 1),
        Delta(HIGH, "text", 2),
    )
    of_one, rest = list[Event](), list[Event]()
    mending.flush(of_one, 1)
    assert mending
    mending.flush(rest)

    assert of_one == [ToolDelta(2, None, None, "\ufffd", 1), Delta("\ufffd", "reasoning", 1)]
    assert rest == [Delta("\ufffd", "text", 0), Delta("\ufffd", "text", 2)]
    assert not mending
