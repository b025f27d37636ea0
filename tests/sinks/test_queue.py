"""queue sends each event into an anyio object stream."""

from typing import Any, cast

import anyio
import pytest

from tokenweir.pipeline.errors import MisuseError, ReceiverLeftError, SinkError, StageError
from tokenweir.pipeline.events import Delta, End, Event, Finish, Snapshot
from tokenweir.sinks import queue

pytestmark = pytest.mark.anyio

BATCH: list[Event] = [Delta("a"), Finish("stop"), End("complete")]


async def test_every_event_in_order() -> None:
    """P1: a reader in another task gets each event once, and the stream stays open for its owner."""
    sending, receiving = anyio.create_memory_object_stream[Event](10)
    with sending, receiving:
        sink = queue(sending)
        await sink.send(BATCH)
        await sink.aclose()
        await sink.aclose()

        got = [receiving.receive_nowait() for _ in BATCH]
        await sending.send(Delta("still open"))

    assert got == BATCH


async def test_a_full_stream_is_back_pressure() -> None:
    """P13: `send` waits until the reader has taken what is there; nothing is dropped meanwhile."""
    sending, receiving = anyio.create_memory_object_stream[Event](1)
    log: list[object] = []
    with sending, receiving:
        async with anyio.create_task_group() as tasks:

            async def send() -> None:
                await queue(sending).send(BATCH)
                log.append("sent")

            tasks.start_soon(send)
            await anyio.wait_all_tasks_blocked()
            log.append("full")
            for _ in BATCH:
                log.append(await receiving.receive())
                await anyio.wait_all_tasks_blocked()

    assert log == ["full", *BATCH[:2], "sent", BATCH[2]]


async def test_a_reader_that_leaves() -> None:
    """D12, D13: a closed receiving end is a receiver that left: typed, quiet, and no fault."""
    sending, receiving = anyio.create_memory_object_stream[Event](10)
    receiving.close()
    with sending, pytest.raises(ReceiverLeftError) as left:
        await queue(sending).send(BATCH)

    assert isinstance(left.value, SinkError)
    assert (left.value.failure.kind, left.value.__suppress_context__) == ("cancelled", True)


async def test_an_owner_that_closes_its_own_end() -> None:
    """A sink lets its own faults out as they are: writing to what one has closed is a bug."""
    sending, receiving = anyio.create_memory_object_stream[Event](10)
    with receiving:
        sending.close()
        with pytest.raises(anyio.ClosedResourceError):
            await queue(sending).send(BATCH)


async def test_a_reader_that_never_comes_can_be_left() -> None:
    """P10: waiting for the reader is cancellable."""
    sending, receiving = anyio.create_memory_object_stream[Event](0)
    with sending, receiving:
        with anyio.move_on_after(0) as scope:
            await queue(sending).send(BATCH)

        assert scope.cancelled_caught
        assert receiving.statistics().current_buffer_used == 0


async def test_misuse() -> None:
    """A Snapshot names the missing stage; the receiving end is not the sending one."""
    sending, receiving = anyio.create_memory_object_stream[Event](10)
    with sending, receiving:
        with pytest.raises(MisuseError, match="takes the sending end"):
            queue(cast("Any", receiving))
        with pytest.raises(StageError, match="queue got a Snapshot"):
            await queue(sending).send([Snapshot("ab")])
