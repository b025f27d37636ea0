"""Places at a backend: first come, first served, and none is lost (fault X05)."""

import anyio
import pytest

from tokenweir.gateway.refused import Refused
from tokenweir.gateway.slots import Slots

pytestmark = pytest.mark.anyio


def test_without_a_limit_everybody_has_a_place() -> None:
    """A backend that serves in parallel needs no queue."""
    slots = Slots(None, 0)

    assert all(slots.take_now() for _ in range(1000))
    assert (slots.taken, slots.waiting) == (1000, 0)


async def test_who_waits_longest_is_next() -> None:
    """And nobody who comes later goes before."""
    slots, order = Slots(1, 5), list[int]()
    assert slots.take_now()

    async def wait(number: int) -> None:
        await slots.take(60)
        order.append(number)
        slots.free()

    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(wait, number)
            await anyio.wait_all_tasks_blocked()
        assert slots.waiting == 3
        assert not slots.take_now()
        slots.free()

    assert order == [0, 1, 2]
    assert (slots.taken, slots.waiting) == (0, 0)


async def test_a_full_queue_refuses_at_once() -> None:
    """P17: with a status that says when to come again."""
    slots = Slots(1, 0)
    slots.take_now()

    with pytest.raises(Refused) as refused:
        await slots.take(60)

    assert refused.value.status == 503
    assert refused.value.headers["Retry-After"] == "1"


async def test_nobody_waits_longer_than_allowed() -> None:
    """And who gives up leaves no hole in the queue."""
    slots = Slots(1, 1)
    slots.take_now()

    with pytest.raises(Refused, match=r"queue_timeout_secs"):
        await slots.take(0.001)

    assert slots.waiting == 0
    slots.free()
    assert slots.take_now()


@pytest.mark.parametrize("given", [False, True], ids=["waiting", "given"])
async def test_a_client_that_leaves_the_queue_loses_no_place(*, given: bool) -> None:
    """R20: also where its turn has come in the same moment."""
    slots = Slots(1, 5)
    slots.take_now()

    async def visit() -> None:
        await slots.take(60)
        slots.free()

    async with anyio.create_task_group() as group:
        group.start_soon(visit)
        await anyio.wait_all_tasks_blocked()
        if given:
            slots.free()
        group.cancel_scope.cancel()

    if not given:
        slots.free()
    assert (slots.taken, slots.waiting) == (0, 0)
