"""A body cut off at any byte: what came is a prefix of the answer, and only a whole answer is complete."""

import pytest

from tests.contract.answers import assert_prefix, lawful, meaning, outcome, read
from tests.contract.cases import WITH_BODIES, bodies_of, chain, every
from tests.wire.body import Body


@pytest.mark.parametrize(("protocol", "body"), every())
def test_every_offset(protocol: str, body: Body) -> None:
    """P1, P2, V03: at every byte before `complete_at` text, reasoning, arguments and finishes are a prefix
    of the whole answer, which is not complete; from there on it is, and nothing of it is missing (some
    backends send more text behind the finish)."""
    whole, stage = meaning(read(protocol, body.wire)), chain(protocol)
    size = len(body.wire)
    complete_at = size + 1 if body.complete_at is None else body.complete_at
    enough = meaning(read(protocol, body.wire[:complete_at]))

    for cut in range(size + 1):
        core = stage.core()
        events = core.feed([body.wire[:cut]]) + core.finish()
        lawful(events)
        assert core.error is None
        assert (outcome(events) == "complete") == (cut >= complete_at), cut
        assert_prefix(meaning(events), whole)
        if cut >= complete_at:
            assert_prefix(enough, meaning(events))


@pytest.mark.parametrize("protocol", WITH_BODIES)
def test_most_answers_are_whole_where_they_finish(protocol: str) -> None:
    """P2: nothing but figures comes behind the finish of most answers."""
    bodies = [body for body in bodies_of(protocol) if body.complete_at is not None]
    early = [
        body.name
        for body in bodies
        if meaning(read(protocol, body.wire[: body.complete_at])) != meaning(read(protocol, body.wire))
    ]

    assert len(early) < len(bodies) / 2, early


@pytest.mark.parametrize(("protocol", "body"), every())
def test_what_came_early_stays(protocol: str, body: Body) -> None:
    """P1: byte by byte, what has been told is told: each further byte only adds to it."""
    whole, core = meaning(read(protocol, body.wire)), chain(protocol).core()
    events = [event for at in range(len(body.wire)) for event in core.feed([body.wire[at : at + 1]])]

    assert_prefix(meaning(events), whole)
    assert meaning(events + core.finish()) == whole


@pytest.mark.parametrize(("protocol", "body"), every(whole=True))
def test_a_clean_close_behind_the_finish(protocol: str, body: Body) -> None:
    """P2, V17: a body that ends where its answer is whole is complete, with or without an end marker; one
    byte before it is not."""
    assert body.complete_at is not None
    assert outcome(read(protocol, body.wire[: body.complete_at])) == "complete"
    assert outcome(read(protocol, body.wire[: body.complete_at - 1])) == "truncated"
