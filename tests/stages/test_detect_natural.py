# ruff: noqa: RUF001 - some texts are in other scripts: their letters are meant
"""cumulative_detect held against natural texts: a part of what benchmarks/detect_figures.py counts.

Every kind of text, cut in every way: as deltas, and as the cumulative twins of those.
"""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cutting import CUTS, TWINS, cumulated
from tests.decidable import decidable, why_not
from tests.detection import WRAPS, finished, is_right, joined, run, run_at_once
from tests.detection_cases import Case, cases
from tests.natural import KINDS, dice, sample
from tokenweir.pipeline.events import Delta, Event
from tokenweir.stages.cumulative_detect import HELD_CHARACTERS, HELD_EVENTS, cumulative_detect
from tokenweir.stages.delta_extract import delta_extract

SAMPLES = 3
"""Texts of each kind."""

_LINE = "I will not run in the corridor.\n"
_LONG_LINE = "I will not chew gum during the lesson, and I will always listen to Mrs. Quick, my teacher.\n"


def cases_of(kind: str) -> list[Case]:
    """All streams of some texts of one kind."""
    return [case for number in range(SAMPLES) for case in cases(sample(number, kind=kind))]


@pytest.mark.parametrize("kind", KINDS)
def test_auto_alters_no_delta_stream(kind: str) -> None:
    """P4: whatever the text and the cut, what comes out of `auto` are the deltas that went in."""
    deltas = [case for case in cases_of(kind) if case.twin is None]

    altered = [str(case) for case in deltas if not case.is_right(run(case.events()))]

    assert altered == []
    assert len(deltas) == SAMPLES * len(CUTS)


@pytest.mark.parametrize("kind", KINDS)
def test_auto_repairs_what_can_be_known(kind: str) -> None:
    """P4, V18: every cumulative twin that can be told from deltas gives each character once."""
    twins = [case for case in cases_of(kind) if case.twin is not None and case.open_because is None]

    unrepaired = [str(case) for case in twins if not case.is_right(run(case.events()))]

    assert unrepaired == []


@pytest.mark.parametrize("kind", KINDS)
def test_declared_cumulative_repairs_everything(kind: str) -> None:
    """P4, V18: in mode `cumulative` there is no doubt, and no exception."""
    twins = [case for case in cases_of(kind) if case.twin not in (None, "final repeat")]

    unrepaired = [str(case) for case in twins if not case.is_right(run_at_once(case.events(), "cumulative"))]

    assert unrepaired == []
    assert twins


@pytest.mark.parametrize("kind", KINDS)
def test_declared_delta_changes_nothing(kind: str) -> None:
    """P4, V19: in mode `delta` even a stream that grows like a cumulative one is kept, and never held."""
    for case in cases_of(kind):
        outcome = run(WRAPS["finished"](case.chunks, ""), "delta")

        assert outcome.texts.get("text", "") == "".join(case.chunks)
        assert outcome.figures.held == 0


@pytest.mark.parametrize(
    "chunks",
    [
        ["ha", "ha"],
        ["a", "ab", "abc"],
        ["na", " na", " na", " na na na"],
        ["No", "Nooo", "Noooooo", "Nooooooooo", ", he said."],
        ["I", "II", "III", "IV"],
        ["H", "HE", "HEL", "HELL", "HELLO"],
        ["=" * length for length in range(1, 30)],
        [_LINE] * 100,
        [_LINE, _LINE * 2, _LINE * 3],
        [_LINE, _LINE * 2, _LINE * 2, _LINE * 3],
        [_LINE, _LINE * 2, _LINE * 3, "Done."],
        ["Row, row, row your boat\n" * times for times in (1, 2, 4)],
        [_LONG_LINE, _LONG_LINE * 2],
        [_LONG_LINE, _LONG_LINE * 2, "Done."],
        [_LONG_LINE, _LONG_LINE + "That is all.\n"],
        ["\ufffd", "\ufffd", "\ufffd\ufffd", "x"],
        ["", "a", "", "aa", ""],
    ],
    ids=lambda chunks: f"{chunks[0].strip()[:16]!r} x {len(chunks)}",
)
@pytest.mark.parametrize("wrap", ["finished", "usage last", "usage always", "cut off"])
def test_repetition_that_is_meant_survives(chunks: list[str], wrap: str) -> None:
    """P4, V19: laughter, ladders, and a line that somebody asked for again and again, in growing gulps."""
    text = "".join(chunks)

    outcome = run(WRAPS[wrap](chunks, text))

    assert is_right(outcome, text)


@pytest.mark.parametrize(
    "pieces",
    [
        "I| am| an| intelligent| AI| assistant",
        "The| answer| is| 42|.",
        "今|天|天|气|很|好|，|我|们|去|公|园|吧|。",
        "今天|天气|很好|，|我们|去公园|吧。",
        "모|르|겠|습|니|다|.",
        "Once upon a time |there was a king |who had three sons.",
        '{|"city"|: "|Paris|", "|unit|": "|c|"}',
        "    |if| x|:\n        |return| y",
    ],
)
@pytest.mark.parametrize("twin", [name for name in TWINS if name != "final repeat"])
@pytest.mark.parametrize("wrap", ["finished", "usage last", "usage always", "cut off", "after reasoning"])
def test_short_answers_are_repaired(pieces: str, twin: str, wrap: str) -> None:
    """P4, V18: what can be known of a short answer is known when it ends, whatever its backend adds."""
    deltas = pieces.split("|")
    chunks = TWINS[twin](deltas, dice(0, 0, twin))

    outcome = run(WRAPS[wrap](chunks, "".join(deltas)))

    assert decidable(chunks)
    assert is_right(outcome, "".join(deltas))


@given(st.lists(st.text("ab \n", max_size=4), min_size=2, max_size=12))
def test_deltas_once_means_deltas_for_good(chunks: list[str]) -> None:
    """V20: after one chunk that does not begin with the text so far, whatever follows is new text."""
    first = "The beginning, "
    events = finished([first, "no resend: ", *cumulated(chunks)], "")

    outcome = run(events)

    assert outcome.texts["text"] == first + "no resend: " + "".join(cumulated(chunks))


@settings(deadline=None)  # some texts are long
@given(st.integers(0, 10_000), st.lists(st.integers(1, 30), min_size=1))
def test_batches_are_invisible(number: int, sizes: list[int]) -> None:
    """P3: however the events are batched, the text and its revisions are the same."""
    case = next(case for turn, case in enumerate(cases(sample(number))) if turn >= number % len(CUTS))
    events = case.events()
    core = (cumulative_detect("auto") | delta_extract()).core()
    out: list[Event] = []
    edges = [sum(sizes[:count]) for count in range(len(sizes) + 1)] + [len(events)]
    for low, high in pairwise(sorted(min(edge, len(events)) for edge in edges)):
        out += core.feed(events[low:high])

    alone = run(events)

    assert joined(out + core.finish()) == (alone.texts, alone.revisions)


def test_what_is_held_is_bounded() -> None:
    """P4, P8: a delta stream that goes on repeating itself is let go, by number and by size."""
    many = run([Delta("=") for _ in range(1_000)])
    large = run([Delta("=" * 3_000) for _ in range(40)])

    assert 0 < many.figures.longest < HELD_EVENTS
    assert 0 < large.figures.waiting <= HELD_CHARACTERS + 3_000


def test_the_rule_of_what_can_be_known() -> None:
    """The judge's own rule: refrains, ladders and single growths are open, sentences are not."""
    assert why_not(["Hello"]) is None
    assert why_not(["hello", "hello"]) == "no growth"
    assert why_not(["Hello", "Hello you there"]) == "one growth"
    assert why_not([_LINE, _LINE * 2, _LINE * 3]) == "refrain"
    assert why_not(["H", "HE", "HEL", "HELL", "HELLO"]) == "few bits"
    assert (
        why_not([*("=" * length for length in range(1, 60)), "=" * 60 + " Now the text begins"])
        == "not in time"
    )
    assert why_not([_LINE[:length] for length in range(1, 20)]) is None
