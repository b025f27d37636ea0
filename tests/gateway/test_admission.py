"""How many answers may go on at once."""

import pytest

from tests.gateway.configured import backend, loaded
from tokenweir.config.schema import Limits
from tokenweir.gateway.admission import check_room, enter
from tokenweir.gateway.gateway import Gateway, Phase
from tokenweir.gateway.live import Answer
from tokenweir.gateway.refused import Refused

pytestmark = pytest.mark.anyio


def answer(key: str | None = None) -> Answer:
    """One that begins."""
    return Answer("id", "chat", key, None)


def a_gateway() -> Gateway:
    """One where nothing is under way."""
    gateway = Gateway(loaded(backend("openai", "http://127.0.0.1:9")))
    gateway.phase = Phase.READY
    return gateway


async def test_nothing_begins_in_a_drain() -> None:
    """P19: though its request had begun to come before."""
    gateway = a_gateway()
    gateway.phase = Phase.DRAINING

    with pytest.raises(Refused) as refused:
        enter(gateway, answer(), Limits())
    assert (refused.value.status, refused.value.failure.kind) == (503, "shutting_down")
    assert refused.value.headers["Connection"] == "close"
    assert len(gateway.live) == 0


async def test_so_many_and_no_more() -> None:
    """P17: refused at once, with a time to come again; whoever is there stays, and a place that is free is
    given away."""
    gateway, limits = a_gateway(), Limits(max_streams=2)
    live = gateway.live
    first, second = answer(), answer()
    enter(gateway, first, limits)
    enter(gateway, second, limits)

    with pytest.raises(Refused, match=r"limits\.max_streams") as refused:
        enter(gateway, answer(), limits)
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "1"})
    assert list(live) == [first, second]

    live.leave(first)
    enter(gateway, answer(), limits)
    assert len(live) == 2


async def test_one_key_does_not_take_all_places() -> None:
    """S17: the others are let in beside it, and those without a key are nobody's account."""
    gateway, limits = a_gateway(), Limits(max_streams=4, max_streams_per_key=1)
    live = gateway.live
    enter(gateway, answer("greedy"), limits)

    with pytest.raises(Refused, match=r"limits\.max_streams_per_key") as refused:
        enter(gateway, answer("greedy"), limits)
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})

    for key in ("modest", None, None):
        enter(gateway, answer(key), limits)
    assert len(live) == 4


def test_websockets_have_the_same_bounds() -> None:
    """X06: so many, and so many of one key; those of nobody's key have the first bound alone."""
    limits = Limits(max_streams=3, max_streams_per_key=1)
    check_room([None, "modest"], "greedy", limits)
    check_room([None, None], None, limits)

    with pytest.raises(Refused, match=r"1 websockets open.*limits\.max_streams_per_key") as refused:
        check_room(["greedy"], "greedy", limits)
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})
    with pytest.raises(Refused, match=r"3 websockets open.*limits\.max_streams\b") as refused:
        check_room([None, None, "modest"], "greedy", limits)
    assert refused.value.status == 503
