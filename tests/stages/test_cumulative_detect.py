"""Resends of everything so far are told from new text, in every mixture that backends send."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tests.feeding import run_items
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import (
    Delta,
    Done,
    Event,
    Extra,
    Finish,
    Gap,
    Phase,
    Revise,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.simulator.text import FOUNDING
from tokenweir.stages import cumulative_detect, delta_extract
from tokenweir.stages.cumulative_detect import HELD_CHARACTERS, HELD_EVENTS, HELD_SECONDS, Mode
from tokenweir.stages.cumulative_track import MEMORY_CHARACTERS

TEXT = "The heron stands in the shallow water, and it waits. When the light is low, it moves."
WORDS = re.findall(r"\S+ ?", TEXT)
LEARNT: list[Mode] = ["auto", "cumulative"]
"""Modes in which a cumulative stream is repaired."""
FINISH = Finish("stop", "stop")
END: list[Event] = [FINISH, Done()]


def grown(words: Sequence[str]) -> list[str]:
    """All the text so far, at each word."""
    return ["".join(words[: count + 1]) for count in range(len(words))]


def through(events: Sequence[Event], mode: Mode = "auto") -> list[Event]:
    """What the two stages make of events: the same one by one and at once."""
    stage = cumulative_detect(mode) | delta_extract()
    out = run_items(stage, events)
    assert run_items(stage, events, range(len(events))) == out
    return out


def answer(events: Sequence[Event], mode: Mode = "auto") -> Assembly:
    """The answer put together."""
    made = Assembly()
    made.feed(through(events, mode))
    return made


def told(chunks: Sequence[str], mode: Mode = "auto", end: Sequence[Event] = END) -> tuple[str, int]:
    """The text that chunks of choice 0 become, and how often it was revised."""
    made = answer([Start("a"), *map(Delta, chunks), *end], mode)
    return made.text(), made.revisions


# --- the founding text ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", LEARNT)
def test_the_founding_text(mode: Mode) -> None:
    """The bug report that this library began with: the final sentence comes out, the one changed word
    and its return are two revisions, and at every step the events give exactly the last snapshot."""
    chunks = [FOUNDING.snapshot(at) for at in range(len(FOUNDING.tokens))]
    core = (cumulative_detect(mode) | delta_extract()).core()
    made = Assembly()
    for chunk in chunks:
        made.feed(core.feed([Delta(chunk)]))
        assert core.deadline() is not None or made.text() == chunk
    made.feed(core.finish())

    assert (made.text(), made.revisions) == (FOUNDING.text, 2)
    assert told(chunks, mode) == (FOUNDING.text, 2)


def test_delta_mode_changes_nothing() -> None:
    """V19, P4: what is declared as deltas is passed on as it is, whatever it looks like."""
    events: list[Event] = [
        *map(Delta, ["", "a", "ab", "abc", "abc", ""]),
        ToolDelta(0, "c", "f", "{}"),
        ToolDelta(0),
        *END,
    ]

    assert through(events, "delta") == events


@pytest.mark.parametrize("mode", ["", "AUTO", None])
def test_no_such_mode(mode: Any) -> None:
    """Options are checked when the stage is made, and the message has the right ones."""
    with pytest.raises(MisuseError, match="delta, cumulative, auto"):
        cumulative_detect(mode)


# --- case 1: deltas, then everything once more ----------------------------------------------------


@pytest.mark.parametrize("mode", LEARNT)
@pytest.mark.parametrize("between", [[], [Usage(1, 2)], [Extra("x", Raw(b"1"), 0), Usage(1, 2)]])
def test_case_1_final_repeat(mode: Mode, between: list[Event]) -> None:
    """PROTOCOLS 8.2.1: a last chunk that repeats everything, with the finish or right before it, is
    dropped; it is no revision."""
    assert told([*WORDS, TEXT], mode, [*between, *END]) == (TEXT, 0)


@pytest.mark.parametrize(
    ("chunks", "end"),
    [
        ([*WORDS, TEXT, " So it goes."], END),
        ([*WORDS, TEXT, TEXT], END),
        ([*WORDS, TEXT + "!"], END),
        ([*WORDS, TEXT], [Done()]),
        ([*WORDS, TEXT], []),
        ([*WORDS, TEXT], [Finish("stop", "stop", 1), Done()]),
        ([*WORDS, TEXT], [Delta("x", index=0), *END]),
        ([*WORDS, TEXT], [ToolDelta(0, "c", "f"), *END]),
        ([TEXT[:40], TEXT[40:], TEXT], END),
        (["Hip ", "hip ", "hurray! ", "Hip hip hurray! "], END),
    ],
)
def test_case_1_a_refrain_is_text(chunks: list[str], end: list[Event]) -> None:
    """PROTOCOLS 8.2.1: a chunk that repeats everything is text where anything but the finish follows,
    where it does not repeat exactly, and where too little or too few chunks came before it."""
    whole = "".join(chunks) + "".join(event.text for event in end if isinstance(event, Delta))

    assert told(chunks, "auto", end) == (whole, 0)


def test_case_1_counts_as_resent() -> None:
    """DESIGN 3: a dropped repeat shows in the figures of amplification, and is no revision."""
    core = (cumulative_detect() | delta_extract()).core()
    core.feed([*map(Delta, [*WORDS, TEXT]), *END])

    assert core.figures()["resent_bytes"] == len(TEXT)
    assert core.figures()["new_bytes"] == len(TEXT)


# --- case 2: no growth ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", LEARNT)
@pytest.mark.parametrize("last", [[""], [TEXT], [TEXT, TEXT, ""], ["", TEXT]])
def test_case_2_last_chunks_identical_or_empty(mode: Mode, last: list[str]) -> None:
    """PROTOCOLS 8.2.2: identical or empty chunks at the end add nothing."""
    assert told(grown(WORDS) + last, mode) == (TEXT, 0)


@pytest.mark.parametrize("mode", LEARNT)
def test_case_2_no_growth_in_the_middle(mode: Mode) -> None:
    """PROTOCOLS 8.2.2: nor do they in the middle, early ones too."""
    chunks = [again for chunk in grown(WORDS) for again in (chunk, chunk, "")]

    assert told(chunks, mode) == (TEXT, 0)


# --- case 3: both in one stream -------------------------------------------------------------------


def test_case_3_deltas_first() -> None:
    """PROTOCOLS 8.2.3, V20: a backend that is declared cumulative may begin with deltas; `auto` never
    makes a delta stream cumulative."""
    chunks = WORDS[:10] + grown(WORDS)[10:]

    assert told(chunks, "cumulative") == (TEXT, 0)
    assert told(chunks, "auto") == ("".join(chunks), 0)


def test_case_3_beyond_memory() -> None:
    """PROTOCOLS 8.2.3, P8: a text too long to be remembered is not compared; nothing of it is lost."""
    piece = "0123456789abcdef" * 64
    deltas = [f"{n:06}" + piece for n in range(MEMORY_CHARACTERS // len(piece) + 2)]
    sent = "start" + "".join(deltas)
    text, _ = told(["start", *deltas, sent + "end"], "cumulative")

    assert text == sent + sent + "end"


# --- cases 4 and 5: each channel by itself --------------------------------------------------------


@pytest.mark.parametrize("mode", LEARNT)
def test_case_4_choices_interleaved(mode: Mode) -> None:
    """PROTOCOLS 8.2.4: state is kept by choice and channel: two cumulative choices, chunk by chunk, each
    with its own text."""
    other = [word.upper() for word in WORDS]
    events = [
        Delta(text, index=index)
        for pair in zip(grown(WORDS), grown(other), strict=True)
        for index, text in enumerate(pair)
    ]
    made = answer([*events, FINISH, Finish("stop", "stop", 1), Done()], mode)

    assert (made.text(0), made.text(1), made.revisions) == (TEXT, TEXT.upper(), 0)


def test_case_4_one_choice_cumulative_one_delta() -> None:
    """PROTOCOLS 8.2.4: `auto` learns each channel by itself."""
    events = [
        Delta(text, index=index)
        for pair in zip(grown(WORDS), WORDS, strict=True)
        for index, text in enumerate(pair)
    ]

    assert [answer([*events, *END]).text(index) for index in (0, 1)] == [TEXT, TEXT]


@pytest.mark.parametrize("first", ["reasoning", "text"])
def test_case_5_one_channel_cumulative_another_delta(first: str) -> None:
    """PROTOCOLS 8.2.5: cursor's text is cumulative and its thinking delta; one may follow the other or
    both come at once."""
    text, thinking = list(map(Delta, grown(WORDS))), [Delta(word, "reasoning") for word in WORDS]
    one_by_one = [*thinking, *text] if first == "reasoning" else [*text, *thinking]
    at_once = [event for pair in zip(text, thinking, strict=True) for event in pair]
    for events in (one_by_one, at_once):
        made = answer([*events, *END])
        assert (made.text(), made.text(channel="reasoning")) == (TEXT, TEXT)


# --- cases 6 and 7: the end of a snapshot ---------------------------------------------------------


@pytest.mark.parametrize("mode", LEARNT)
def test_case_6_trimmed(mode: Mode) -> None:
    """PROTOCOLS 8.2.6: snapshots without the white space at their end, the text's own comes later."""
    words = ["One\n\n", "two  ", "three\n", "four ", "five ", "six ", "seven."]

    assert told([chunk.rstrip() for chunk in grown(words)], mode) == ("".join(words), 0)


@pytest.mark.parametrize("mode", LEARNT)
@pytest.mark.parametrize("rewound", [TEXT[:-1], TEXT[:50], TEXT[:20], "T", TEXT[:60] + "\ufffd"])
def test_case_6_a_rewind_is_no_text(mode: Mode, rewound: str) -> None:
    """PROTOCOLS 8.2.6: a snapshot shorter than before is never shown, in the middle or at the end."""
    chunks = grown(WORDS)

    assert told([*chunks, rewound], mode) == (TEXT, 0)
    assert told([*chunks[:-1], rewound, chunks[-1]], mode) == (TEXT, 0)


@pytest.mark.parametrize("mode", LEARNT)
def test_case_6_a_rewind_and_other_growth(mode: Mode) -> None:
    """PROTOCOLS 8.2.6: growth after a rewind gives the exact text: what was shown behind it is revised."""
    back = TEXT[:60]

    assert told([*grown(WORDS), back, back + "and flies."], mode) == (back + "and flies.", 1)


@pytest.mark.parametrize("mode", LEARNT)
def test_case_6_regrowth_from_the_start(mode: Mode) -> None:
    """PROTOCOLS 8.2.6: the same text all over again is shown once, and goes on."""
    assert told([*grown(WORDS), *grown(WORDS), TEXT + " Then"], mode) == (TEXT + " Then", 0)


@pytest.mark.parametrize("mode", LEARNT)
@pytest.mark.parametrize("halves", ["\ufffd", "\ufffd\ufffd\ufffd"])
def test_case_7_half_characters(mode: Mode, halves: str) -> None:
    """PROTOCOLS 8.2.7: U+FFFD at the cut is held back and replaced; it is no revision."""
    words = ["Grüße ", "aus ", "der ", "Küche: ", "Käse", ", ", "Brötchen ", "und ", "Süßes."]
    chunks = [chunk for before in grown(words) for chunk in (before, before + halves)]

    assert told(chunks[:-1], mode) == ("".join(words), 0)


@pytest.mark.parametrize("mode", LEARNT)
def test_case_7_a_half_that_stays(mode: Mode) -> None:
    """V08, PROTOCOLS 8.2.7: what was held back is given at the end, before the finish."""
    events = through([*map(Delta, [*grown(WORDS), TEXT + "\ufffd"]), *END], mode)

    assert "".join(event.text for event in events if isinstance(event, Delta)) == TEXT + "\ufffd"
    assert events[-2:] == END


@pytest.mark.parametrize(
    "chunks",
    [["\ufffd", "\ufffda", "b"], ["a\ufffd", "b"], ["\ufffd"], ["a\ufffd", "\ufffd"], ["\ufffd", "x"]],
)
def test_case_7_deltas_with_halves(chunks: list[str]) -> None:
    """P4: a delta stream keeps every U+FFFD that its backend sent."""
    assert told(chunks) == ("".join(chunks), 0)


# --- case 8: a revised prefix ---------------------------------------------------------------------

REVISED: dict[str, tuple[list[str], list[str]]] = {
    "punctuation": (
        ["你好,", "我是", "助手,", "很高兴", "认识", "你."],
        ["你好\uff0c", "我是", "助手\uff0c", "很高兴", "认识", "你\u3002"],
    ),
    "placeholder": (
        ["The ", "training ", "data ", "ends ", "in ", "[[date]] ", "or ", "so."],
        ["The ", "training ", "data ", "ends ", "in ", "2023 ", "or ", "so."],
    ),
    "normalisation": (
        ["Here ", "is ", "the ", "cafe\u0301 ", "on ", "the ", "corner."],
        ["Here ", "is ", "the ", "caf\u00e9 ", "on ", "the ", "corner."],
    ),
}


@pytest.mark.parametrize("mode", LEARNT)
@pytest.mark.parametrize(("before", "after"), REVISED.values(), ids=REVISED)
def test_case_8_revised_prefix(mode: Mode, before: list[str], after: list[str]) -> None:
    """PROTOCOLS 8.2.8, V18: what was sent is rewritten when the next piece comes; `Revise` says so, and
    the text is the last snapshot exactly."""
    lead = "Well, this is a longer beginning that settles the reading: "
    chunks = [lead[:12], lead[:30], lead[:45], lead]
    chunks += [lead + "".join(after[:at]) + before[at] for at in range(len(before))]
    text, revisions = told([*chunks, lead + "".join(after)], mode)

    assert text == lead + "".join(after)
    assert revisions >= 1


# --- cases 9 and 10: restarts ---------------------------------------------------------------------

SECOND = [
    "Later ",
    "on, ",
    "nothing ",
    "of ",
    "it ",
    "was ",
    "left ",
    "but ",
    "rings ",
    "in ",
    "the ",
    "water.",
]


@pytest.mark.parametrize("mode", LEARNT)
def test_case_9_a_restart_is_text(mode: Mode) -> None:
    """PROTOCOLS 8.2.9, V20: a new, shorter text is neither cut by its length nor lost; it may be
    cumulative again, or go on as deltas."""
    assert told([*grown(WORDS), *grown(SECOND)], mode) == (TEXT + "".join(SECOND), 0)
    assert told([*grown(WORDS), *SECOND], mode) == (TEXT + "".join(SECOND), 0)


@pytest.mark.parametrize("mode", LEARNT)
def test_case_9_a_restart_that_begins_alike(mode: Mode) -> None:
    """PROTOCOLS 8.2.9: deltas after a restart, the first of which the old text begins with too."""
    assert told([*grown(WORDS), "The ", "fish ", "do ", "not."], mode) == (TEXT + "The fish do not.", 0)


@pytest.mark.parametrize("mode", LEARNT)
@pytest.mark.parametrize(
    "second",
    [SECOND, ["The ", "fish ", "swim ", "on."], ["The ", "fish ", "sw"], ["The ", "fish."], ["The "]],
)
def test_case_10_reset_after_a_tool_call(mode: Mode, second: list[str]) -> None:
    """PROTOCOLS 8.2.10: after a tool call the snapshots begin again, at once cumulative, though the new
    text may be short and begin like the old one."""
    calls = [ToolDelta(0, "c", "f", "{}")]
    made = answer([*map(Delta, grown(WORDS)), *calls, *map(Delta, grown(second)), *END], mode)

    assert made.text() == TEXT + "".join(second)
    assert made.tool_calls() == [{"id": "c", "name": "f", "arguments": "{}"}]


@pytest.mark.parametrize("mode", LEARNT)
def test_case_10_no_reset_after_a_tool_call(mode: Mode) -> None:
    """PROTOCOLS 8.2.10: where the backend goes on with the whole text, or shows it trimmed, nothing is
    doubled."""
    calls = [ToolDelta(0, "c", "f", "{}")]
    more = [TEXT[:-1], TEXT + " And", TEXT + " And then."]

    assert (
        answer([*map(Delta, grown(WORDS)), *calls, *map(Delta, more), *END], mode).text()
        == TEXT + " And then."
    )


# --- PROTOCOLS 8.3: delta streams that look cumulative --------------------------------------------

TRAPS = [
    ["ha", "haha"],
    ["ha", "haha", "hahaha"],
    ["a", "aa"],
    ["a", "a", "a", "aa", "aaa"],
    ["\n", "\n\n"],
    [" ", "    x"],
    [" ", "  ", "    ", "        return x"],
    ["-", "--"],
    ["=", "==", "====", "========"],
    ["I", "It"],
    ["I", "It", "'s"],
    ["1", "10"],
    ["1", "10", "100", "1000"],
    ["na", " na", " na"],
    ["na", "na", "na", "na"],
    ["na", "nana", " Batman"],
    ["No", "Nooo", "Noooooo"],
    ["I", "II", "III", "IV"],
    ["#", "##", "### Title"],
    ["the", "the", " end"],
    ["A", "AB", "ABC"],
    ["{", "{{", "{{x}}"],
    ["0", "00", "000", "0000", "00000"],
]


@pytest.mark.parametrize("chunks", TRAPS, ids=" ".join)
@pytest.mark.parametrize("mode", ["auto", "delta"])
@pytest.mark.parametrize("more", [[], [" and more text"], ["\n", "Then", " it", " ends."]])
def test_traps(mode: Mode, chunks: list[str], more: list[str]) -> None:
    """V19, P4: what natural text does by chance is text, decided or cut off, long or short."""
    for end in (END, [], [Usage(5, 3), *END], [*END[:1], Usage(5, 3), Done()]):
        assert told([*chunks, *more], mode, end) == ("".join(chunks + more), 0)


@given(st.lists(st.text(alphabet="ab ", max_size=3), max_size=12))
def test_delta_streams_are_never_shortened_much(chunks: list[str]) -> None:
    """P4: whatever `auto` makes of a stream, its text ends as the stream does, and holds all of its last
    chunk."""
    text, revisions = told(chunks)
    last = next((chunk for chunk in reversed(chunks) if chunk), "")

    assert text.endswith(last)
    assert revisions == 0


# --- what waits, and for how long -----------------------------------------------------------------


def test_nothing_waits_without_a_match() -> None:
    """DESIGN 4: the first chunk goes out at once, and so does every chunk that does not begin with the
    whole text so far; `deadline` tells when something waits."""
    core = cumulative_detect().core()
    for word in WORDS:
        assert len(core.feed([Delta(word)])) == 1
        assert core.deadline() is None
    core.feed([Delta("a", index=1)])
    assert core.feed([Delta("ab", index=1)]) == []

    assert core.deadline() == HELD_SECONDS


def test_a_misfit_settles_at_once() -> None:
    """DESIGN 4: the chunk that does not fit gives everything free, in order."""
    core = (cumulative_detect() | delta_extract()).core()
    core.feed([Delta("a")])
    assert core.feed([Delta("ab"), Extra("x", Raw(b"1")), Delta("r", "reasoning", 1), Delta("abc")]) == []

    assert core.feed([Delta("x")]) == [
        Delta("ab"),
        Extra("x", Raw(b"1")),
        Delta("r", "reasoning", 1),
        Delta("abc"),
        Delta("x"),
    ]


def marked(events: Sequence[Event]) -> list[Event]:
    """A numbered mark before each event and after the last one."""
    marks: list[Event] = [Extra("mark", Raw(b"%d" % at)) for at in range(len(events) + 1)]
    return [*(event for pair in zip(marks, events, strict=False) for event in pair), marks[-1]]


PIECES = st.builds(
    Delta,
    st.sampled_from(["a", "ab", "abc", "abcd e", "x", "\ufffd"]),
    st.sampled_from(["text", "reasoning"]),
    st.integers(0, 1),
)
CALLS = st.builds(
    ToolDelta,
    st.integers(0, 1),
    st.sampled_from([None, "i"]),
    st.none(),
    st.sampled_from(["", "{", "{a", "{a}"]),
)
REST = st.sampled_from(
    [Usage(1, 2), Usage(input=1), Phase("prefill"), Gap(1), Finish("stop"), Finish("stop", None, 1)]
)


@given(st.lists(PIECES | CALLS | REST, max_size=25), st.sampled_from(LEARNT))
def test_order_while_holding(events: list[Event], mode: Mode) -> None:
    """P1: whatever waits, nothing is reordered: between two marks comes what came there, if anything."""
    out = run_items(cumulative_detect(mode), marked(events))
    places: list[list[Event]] = [[]]
    for event in out:
        if isinstance(event, Extra):
            places.append([])
        else:
            places[-1].append(event)

    assert [event for event in out if isinstance(event, Extra)] == marked(events)[::2]
    for sent, came in zip(events, places[1:], strict=False):
        if isinstance(sent, (Delta, ToolDelta)):
            assert all(
                isinstance(event, (Delta, Snapshot, ToolDelta)) and event.index == sent.index
                for event in came
            )
        else:
            assert [event for event in came if not isinstance(event, (Delta, Snapshot, ToolDelta))] == [sent]


@pytest.mark.parametrize("mode", LEARNT)
def test_usage_and_extras_on_every_chunk(mode: Mode) -> None:
    """PROTOCOLS 8.3: continuous figures and log probabilities between the chunks stay where they were."""
    events: list[Event] = [
        one
        for text in grown(WORDS)
        for one in (Delta(text), Extra("logprobs", Raw(b"1"), 0), Usage(9, len(text)))
    ]
    out = through([*events, *END], mode)

    assert [type(event) for event in out] == [*([Delta, Extra, Usage] * len(WORDS)), Finish, Done]
    assert "".join(event.text for event in out if isinstance(event, Delta)) == TEXT


def test_held_events_are_bounded() -> None:
    """P8: at most HELD_EVENTS wait, then the reading is taken; every event comes, in order."""
    core = (cumulative_detect() | delta_extract()).core()
    core.feed([Delta("a"), Delta("ab")])
    extras = [Extra("x", Raw(b"%d" % at)) for at in range(HELD_EVENTS)]
    out = [made for extra in extras for made in core.feed([extra])]

    assert core.deadline() is None
    assert out == [Delta("ab"), *extras]


def test_held_characters_are_bounded() -> None:
    """P8: at most HELD_CHARACTERS of a channel wait; text that says nothing new is then read as deltas."""
    core = (cumulative_detect() | delta_extract()).core()
    chunks = ["ha" * (1000 * at) for at in range(1, 8)]
    fed, out = 0, list[Event]()
    for chunk in chunks:
        out += core.feed([Delta(chunk)])
        fed += len(chunk)
        assert core.deadline() is None or fed <= HELD_CHARACTERS

    assert core.deadline() is None
    assert "".join(event.text for event in out if isinstance(event, Delta)) == "".join(chunks)


def test_held_seconds_are_bounded() -> None:
    """P8, DESIGN 4: at most HELD_SECONDS; time is told, and moves the reading of all that waits."""
    core = (cumulative_detect() | delta_extract()).core()
    core.tick(100.0)
    core.feed([Delta("a"), Delta("ab"), Delta("x", index=1), Delta("xy", index=1)])

    assert core.deadline() == 100.0 + HELD_SECONDS
    assert core.tick(100.0 + HELD_SECONDS - 0.1) == []
    assert core.tick(100.0 + HELD_SECONDS) == [Delta("ab"), Delta("x", index=1), Delta("xy", index=1)]
    assert core.deadline() is None


def test_a_repeat_is_held_no_longer_either() -> None:
    """P8: a repeat of everything that nothing follows is text when the time is over."""
    core = (cumulative_detect() | delta_extract()).core()
    core.tick(5.0)
    core.feed([*map(Delta, WORDS), Delta(TEXT)])

    assert core.deadline() == 5.0 + HELD_SECONDS
    assert core.tick(5.0 + HELD_SECONDS) == [Delta(TEXT)]


def test_held_is_counted() -> None:
    """DESIGN 4: how often something waited is a figure of its own."""
    core = cumulative_detect().core()
    core.feed([Delta("a"), Delta("ab"), Delta("abc"), Delta("x"), Delta("y")])

    assert core.figures()["held"] == 3


# --- undecided at the end -------------------------------------------------------------------------


@pytest.mark.parametrize("end", [END, [Done()], [], [Usage(9, 4), *END], [FINISH, Usage(9, 4), Done()]])
def test_undecided_and_telling(end: list[Event]) -> None:
    """DESIGN 4: a short answer that was resent twice and says something was cumulative."""
    chunks = ["The", "The answer", "The answer is", "The answer is 4"]

    assert told(chunks, "auto", end) == (chunks[-1], 0)


@pytest.mark.parametrize("end", [END, [Done()], [], [FINISH]])
def test_undecided_and_silent(end: list[Event]) -> None:
    """DESIGN 4: where nothing tells, it reads as deltas; nothing is lost."""
    assert told(["ab", "abc"], "auto", end) == ("ababc", 0)


def test_the_next_channel_settles_the_one_before() -> None:
    """DESIGN 4: when the answer begins, the thoughts are over: what is undecided of them is settled."""
    core = (cumulative_detect() | delta_extract()).core()
    core.feed([Delta("H", "reasoning"), Delta("Hm", "reasoning")])

    assert core.feed([Delta("Yes")]) == [Delta("Hm", "reasoning"), Delta("Yes")]


def test_another_choice_settles_nothing() -> None:
    """PROTOCOLS 8.2.4: other choices wait behind the undecided one and are given in order."""
    core = (cumulative_detect() | delta_extract()).core()
    core.feed([Delta("H"), Delta("Hm")])

    assert core.feed([Delta("Yes", index=1), Finish("stop", None, 1)]) == []
    assert core.feed([FINISH, Done()]) == [
        Delta("Hm"),
        Delta("Yes", index=1),
        Finish("stop", None, 1),
        FINISH,
        Done(),
    ]


# --- tool arguments -------------------------------------------------------------------------------

ARGUMENTS = '{"path": "/tmp/heron.txt", "text": "stands in the water"}'


def arguments(chunks: Sequence[str], mode: Mode = "auto") -> tuple[str, int]:
    """What the arguments of a call become, and how often they were revised."""
    parts = [ToolDelta(0, None, None, chunk) for chunk in chunks]
    made = answer([ToolDelta(0, "c", "save"), *parts, Finish("tool_calls"), Done()], mode)
    (call,) = made.tool_calls()
    assert (call["id"], call["name"]) == ("c", "save")
    return call["arguments"], made.revisions


@pytest.mark.parametrize("mode", LEARNT)
def test_cumulative_arguments(mode: Mode) -> None:
    """PROTOCOLS 8.1, 8.2.4: Qianfan's and cursor's arguments so far, in each chunk."""
    cuts = [3, 8, 10, 20, 30, 41, len(ARGUMENTS)]

    assert arguments([ARGUMENTS[:cut] for cut in cuts], mode) == (ARGUMENTS, 0)


@pytest.mark.parametrize("mode", LEARNT)
def test_arguments_once_more_at_the_end(mode: Mode) -> None:
    """PROTOCOLS 8.3: whole JSON cannot go on with another object: the same one again is a resend, long
    or short."""
    pieces = [ARGUMENTS[at : at + 5] for at in range(0, len(ARGUMENTS), 5)]

    assert arguments([*pieces, ARGUMENTS], mode) == (ARGUMENTS, 0)
    assert arguments(["{", '"a":', "1}", '{"a":1}'], mode) == ('{"a":1}', 0)
    assert arguments(['{"a"', ":1}", '{"a":1}', '{"a":1}'], mode) == ('{"a":1}', 0)


def test_arguments_replaced() -> None:
    """PROTOCOLS 8.3, V18: another object after a whole one replaces it, and that is a revision."""
    assert arguments(["{", '"a":', "1}", '{"a":2}']) == ('{"a":2}', 1)
    assert arguments(["{", '"a":', "1}", '{"a', '":2', "}"]) == ('{"a":2}', 1)


@pytest.mark.parametrize(
    "chunks",
    [
        ["{", '"a":', "{", '"b":', "{", "}}", "}"],
        ['{"a":"', "{", "}", '{"}'],
        ['{"a":"\\', '"}', '{"}'],
        ["[", "{", "}", ",", "{", "}", "]"],
        ["{}x", "{", "}"],
        ['"{}"', "{"],
        ["{", "{", "{"],
        ["1", "{"],
    ],
)
def test_arguments_with_braces(chunks: list[str]) -> None:
    """P4: braces inside an unfinished value, or behind what is no JSON, are text like any other."""
    assert arguments(chunks) == ("".join(chunks), 0)


def test_arguments_of_two_calls() -> None:
    """PROTOCOLS 8.2.4: each call's arguments are a channel of their own."""
    events: list[Event] = [ToolDelta(0, "a", "f"), ToolDelta(1, "b", "g")]
    cuts = [3, 8, 10, 20, 30, 41, len(ARGUMENTS)]
    for cut, word in zip(cuts, [ARGUMENTS[i:j] for i, j in zip([0, *cuts], cuts, strict=False)], strict=True):
        events += [ToolDelta(0, None, None, ARGUMENTS[:cut]), ToolDelta(1, None, None, word)]
    made = answer([*events, Finish("tool_calls"), Done()])

    assert [call["arguments"] for call in made.tool_calls()] == [ARGUMENTS, ARGUMENTS]


# --- snapshots and revisions of others ------------------------------------------------------------


def test_what_others_marked_passes() -> None:
    """DESIGN 4: events that are not this stage's pass unchanged and in order."""
    events: list[Event] = [Start("a"), Phase("loading"), Revise(1, "x"), Snapshot("s"), Gap(1), *END]

    assert run_items(cumulative_detect(), events) == events
