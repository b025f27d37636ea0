"""One answer's place, from backend to backend."""

from collections.abc import Sequence

import pytest

from tests.gateway.configured import backend, loaded
from tokenweir.gateway.live import Answer
from tokenweir.gateway.place import Place
from tokenweir.gateway.refused import Refused
from tokenweir.gateway.setup import Served, Setup
from tokenweir.pipeline.events import Event, Phase

pytestmark = pytest.mark.anyio

LIMITED = {"provider": "openai", "max_concurrent": 1}


def backends() -> tuple[Served, Served]:
    """Two that answer one request at a time, and let one wait."""
    config = {"backends": {"a": LIMITED, "b": LIMITED}, "limits": {"max_queued": 1}}
    made = Setup(loaded({**backend("openai", "http://127.0.0.1:9"), **config})).backends
    return made["a"], made["b"]


def place(told: list[str]) -> Place:
    """The place of a new answer; `told` is what its client hears."""

    async def tell(batch: Sequence[Event]) -> None:
        told.extend(event.name for event in batch if isinstance(event, Phase))

    return Place(Answer("id", "chat", None, "m"), 0.001, tell)


async def test_it_goes_along() -> None:
    """One place at a time, and none in the end."""
    first, second = backends()
    told = list[str]()
    one = place(told)
    for served in (first, first, second):
        await one.take(served)
        assert (served.slots.taken, first.slots.taken + second.slots.taken) == (1, 1)
    one.free()
    one.free()

    assert (first.slots.taken, second.slots.taken, told) == (0, 0, [])


async def test_who_waits_is_told_so_where_there_is_room_to_wait() -> None:
    """P17: a full queue is a refusal without a word before it; so the client has a status."""
    first, _ = backends()
    first.slots.take_now()
    told = list[str]()
    with pytest.raises(Refused, match="queue_timeout_secs"):
        await place(told).take(first)
    assert told == ["queued"]

    full, _ = backends()
    full.slots = type(full.slots)(1, 0)
    full.slots.take_now()
    with pytest.raises(Refused, match="queue"):
        await place(told).take(full)
    assert told == ["queued"]
