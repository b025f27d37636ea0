"""Every registered protocol is held to the contract: it has its framing, its bodies and its faults."""

import pytest

from tests.contract.answers import outcome, read
from tests.contract.cases import NAMES, bodies_of, every, module_of
from tests.contract.faults import SPOKEN
from tests.wire.body import Body
from tokenweir.stages.decode_protocol import FRAMING, PROTOCOLS

SMALL = 4000
"""Bytes: what is larger could not be cut everywhere."""


def test_every_protocol_has_its_row_in_each_table() -> None:
    """A protocol that stands in one table alone would be read without being framed, or without being
    spoiled."""
    assert FRAMING.keys() == PROTOCOLS.keys()
    assert PROTOCOLS.keys() <= SPOKEN.keys()


@pytest.mark.parametrize("protocol", NAMES)
def test_every_protocol_has_bodies(protocol: str) -> None:
    """P1, P2: an answer, an answer with an error in it, and no name twice; each small enough to be cut
    everywhere."""
    bodies = bodies_of(protocol)
    assert bodies, f"tests/wire/{module_of(protocol)}.py has no BODIES: {protocol} would go unproved"

    ends = {body.complete_at is None for body in bodies}
    assert ends == {True, False}, "bodies that become complete, and one that does not"
    assert len({body.name for body in bodies}) == len(bodies)
    assert [body.name for body in bodies if len(body.wire) > SMALL] == []


@pytest.mark.parametrize(("protocol", "body"), every())
def test_a_body_is_what_it_says(protocol: str, body: Body) -> None:
    """P2: uncut, it is complete exactly where its writer says that it becomes so, and its events are
    lawful: Start first, one Finish a choice, nothing after Done."""
    events = read(protocol, body.wire)

    assert events
    assert (outcome(events) == "complete") == (body.complete_at is not None)
