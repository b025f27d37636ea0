"""Any cut of the bytes gives the same events: where the network cuts them says nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.answers import read, told
from tests.contract.cases import WITH_BODIES, bodies_of, chain, chance_for, every
from tests.feeding import pieces
from tests.wire.body import Body

SIZES = (1, 2, 7, 64)
CUTS = 400
"""Cuts of one body into two pieces."""


@pytest.mark.parametrize(("protocol", "body"), every())
def test_pieces_of_one_size(protocol: str, body: Body) -> None:
    """P3, V01: whole, byte by byte, and in pieces of 2, 7 and 64 bytes: the same events."""
    whole = read(protocol, body.wire)

    for size in SIZES:
        cuts = range(size, len(body.wire), size)
        assert told(chain(protocol), ([piece] for piece in pieces(body.wire, cuts))) == whole, size


@pytest.mark.parametrize("protocol", WITH_BODIES)
@given(st.data())
def test_pieces_of_any_size(protocol: str, data: st.DataObject) -> None:
    """P3, V01: cut anywhere, with several pieces in one batch: the same events."""
    body = data.draw(st.sampled_from(bodies_of(protocol)))
    places = st.integers(0, len(body.wire))
    bytewise = list(pieces(body.wire, data.draw(st.lists(places, max_size=12))))
    batches = pieces(bytewise, data.draw(st.lists(st.integers(0, len(bytewise)), max_size=4)))

    assert told(chain(protocol), batches) == read(protocol, body.wire)


@pytest.mark.parametrize(("protocol", "body"), every())
def test_two_pieces(protocol: str, body: Body) -> None:
    """P3, V01: two pieces, cut at every byte of a small body, and at many bytes of a larger one."""
    whole, stage = read(protocol, body.wire), chain(protocol)
    cuts = range(1, len(body.wire))

    for cut in chance_for(protocol, body).sample(cuts, min(CUTS, len(cuts))):
        core = stage.core()
        events = core.feed([body.wire[:cut]]) + core.feed([body.wire[cut:]]) + core.finish()
        assert events == whole, cut
