"""One channel, by itself: which reading holds, and what a chunk means in it."""

import tracemalloc

import pytest

from tokenweir.pipeline.events import Delta, Done, Event, Snapshot, ToolDelta
from tokenweir.stages.cumulative_track import MEMORY_CHARACTERS, State, Track, text_of

TEXT = "The heron stands in the shallow water, and it waits."


def track(*, declared: bool = False, tool: bool = False) -> Track:
    """A channel of choice 0."""
    return Track(None if tool else "text", 0, 0 if tool else None, declared=declared)


def test_states() -> None:
    """DESIGN 4: open until something settles it; declared cumulative from the start; deltas for good."""
    open_, declared = track(), track(declared=True)

    assert (open_.state, declared.state) == (State.OPEN, State.CUMULATIVE)
    assert open_.new
    assert open_.first("The") == [Snapshot("The")]
    assert not open_.new
    assert open_.test("The heron") is State.OPEN
    assert open_.test(" stands") is State.DELTA
    assert open_.settle(State.DELTA) == []
    assert open_.state is State.DELTA


def test_cumulative_is_convinced_in_the_end() -> None:
    """DESIGN 4: resends that say enough settle it in mid-stream."""
    one = track()
    one.first("The")
    states = [one.test(TEXT[:cut]) for cut in range(9, len(TEXT), 5)]

    assert states[0] is State.OPEN
    assert State.DELTA not in states
    assert states[-1] is State.CUMULATIVE


@pytest.mark.parametrize("tool", [False, True])
def test_events_of_a_channel(tool: bool) -> None:  # noqa: FBT001 - a table, not called
    """DESIGN 3: snapshots and deltas carry the channel's own names."""
    one = track(tool=tool)
    first: list[Event] = one.first("a")
    one.settle(State.DELTA)

    assert first == [Snapshot("a", "tool", 0, 0) if tool else Snapshot("a")]
    assert one.delta("b") == [ToolDelta(0, None, None, "b") if tool else Delta("b")]


def test_half_of_the_first_chunk() -> None:
    """PROTOCOLS 8.2.7: half a character at the end of the first chunk is given to whichever reading wins."""
    as_deltas, as_snapshots = track(), track()
    assert as_deltas.first("a\ufffd") == as_snapshots.first("a\ufffd") == [Snapshot("a")]

    assert as_deltas.settle(State.DELTA) == [Delta("\ufffd")]
    assert as_snapshots.settle(State.CUMULATIVE) == []
    assert as_snapshots.cumulative("aé") == [Snapshot("aé")]


def test_a_restart_keeps_what_was_sent() -> None:
    """PROTOCOLS 8.2.9: snapshots after a restart stand on the base of everything before it."""
    one = track(declared=True)
    one.cumulative(TEXT)

    assert one.cumulative("New") == [Snapshot(TEXT + "New")]
    assert one.state is State.OPEN
    assert one.settle(State.CUMULATIVE) == []
    assert one.cumulative("New text") == [Snapshot(TEXT + "New text")]


def test_less_than_half_in_common_is_a_restart() -> None:
    """PROTOCOLS 8.3, the exit rule: from half on it is a revision."""
    for shared, restarted in ((5, False), (4, True)):
        one = track(declared=True)
        one.cumulative("0123456789")
        (event,) = one.cumulative("0123456789"[:shared] + "abcdefgh")

        assert text_of(event) == ""
        assert isinstance(event, Snapshot)
        assert event.text.startswith("0123456789") is restarted


def test_memory_is_bounded() -> None:
    """P8: a delta channel remembers no more than its bound, and then recognises no repeat."""
    one = track()
    one.settle(State.DELTA)
    chunks = [f"{number:016}" * 1024 for number in range(10 * MEMORY_CHARACTERS // 16_384)]
    tracemalloc.start()
    try:
        for chunk in chunks:
            one.delta(chunk)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 5 * MEMORY_CHARACTERS
    assert not one.repeats("".join(chunks))
    assert not one.repeats("".join(chunks)[:MEMORY_CHARACTERS])


def test_a_batch_is_its_chunks() -> None:
    """P3: ordinary new text taken as a batch leaves the channel as its chunks one by one would."""
    batch = [Delta("a "), Delta("heron "), Delta(""), Delta("stands in the shallow water.")]
    at_once, one_by_one = track(), track()
    for one in (at_once, one_by_one):
        one.settle(State.DELTA)
    assert at_once.takes(batch)
    for event in batch:
        one_by_one.delta(event.text)
    whole = "".join(event.text for event in batch)

    assert at_once.repeats(whole)
    assert one_by_one.repeats(whole)


@pytest.mark.parametrize(
    "batch",
    [
        [Delta("a", "reasoning")],
        [Delta("a", index=1)],
        [Delta("a"), Done()],
        [Delta("a" * 40)],
        [ToolDelta(0, None, None, "a")],
    ],
)
def test_a_batch_that_is_not_plain(batch: list[Event]) -> None:
    """P3: anything else is looked at event by event."""
    one = track()
    one.settle(State.DELTA)

    assert not one.takes(batch)
    assert not track(tool=True).takes(batch)
