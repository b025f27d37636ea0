"""Neighbouring deltas become one, and nothing else changes."""

from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import Delta, Event, Finish, Phase, Revise, ToolDelta
from tokenweir.sinks.joining import joined

EVENTS = st.one_of(
    st.builds(Delta, st.text(max_size=3), st.sampled_from(["text", "reasoning"]), st.integers(0, 1)),
    st.builds(
        ToolDelta,
        st.integers(0, 1),
        st.sampled_from([None, "id"]),
        st.sampled_from([None, "name"]),
        st.text(max_size=3),
    ),
    st.builds(Revise, st.integers(0, 4), st.text(max_size=3)),
    st.just(Phase("loading")),
)


@given(st.lists(EVENTS, max_size=20))
def test_the_answer_is_the_same(events: list[Event]) -> None:
    """P1: whoever puts the answer together gets the same one, in no more events."""
    whole, fewer = Assembly(), Assembly()
    made = joined(events)
    whole.feed(events)
    fewer.feed(made)

    assert [fewer.text(index, "text") for index in (0, 1)] == [whole.text(index, "text") for index in (0, 1)]
    assert fewer.text(channel="reasoning") == whole.text(channel="reasoning")
    assert fewer.tool_calls() == whole.tool_calls()
    assert fewer.revisions == whole.revisions
    assert joined(made) == made
    assert len(made) <= len(events)


def test_only_neighbours() -> None:
    """Nothing is reordered: what stands between two deltas keeps them apart."""
    events: list[Event] = [
        Delta("a"),
        Delta("b"),
        Finish("stop"),
        Delta("c"),
        Delta("d", "reasoning"),
        Delta("e"),
    ]

    assert joined(events) == [
        Delta("ab"),
        Finish("stop"),
        Delta("c"),
        Delta("d", "reasoning"),
        Delta("e"),
    ]


def test_fragments_of_one_call() -> None:
    """A fragment that names its call begins an event; those that follow are joined to it."""
    events: list[Event] = [
        ToolDelta(0, "a", "f", "{"),
        ToolDelta(0, arguments='"x":'),
        ToolDelta(0, arguments="1}"),
        ToolDelta(1, "b", "g"),
        ToolDelta(1, arguments="{}", index=1),
        ToolDelta(2, "c"),
        ToolDelta(2, name="h"),
    ]

    assert joined(events) == [ToolDelta(0, "a", "f", '{"x":1}'), *events[3:]]


def test_what_stands_alone_is_not_made_anew() -> None:
    """The common batch of one event costs no copy."""
    delta = Delta("a")

    assert joined([delta])[0] is delta
