"""What a sink is: where events go.

Law of this file: the contract alone. A sink is any object with these two methods; there is nothing
to inherit from and nothing to register.
"""

from collections.abc import Sequence
from typing import NoReturn, Protocol

from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import Event


class Sink(Protocol):
    """A receiver of events.

    A sink may rely on: batches come one at a time, in order, none of them empty; it sees exactly one
    `End`, as the last event of the last batch, also where the stream was cancelled.

    A sink must: hold its caller in `send` for as long as it cannot take more (waiting is the
    back-pressure); answer a `Snapshot` through `refuse_snapshot`; never open what it did not create,
    nor close it; let its own faults out as they are (the run turns them into a failure of kind
    `sink`); be cancellable wherever it waits.
    """

    async def send(self, batch: Sequence[Event]) -> None:
        """Take the events of one read. Returns when the next batch may come."""
        ...

    async def aclose(self) -> None:
        """No event will follow. May be called more than once, and from within `send`."""
        ...


def refuse_snapshot(receiver: str) -> NoReturn:
    """Answer a `Snapshot` that reached `receiver`: raises StageError naming the missing stage."""
    raise StageError(
        f"{receiver} got a Snapshot, which is no new text: put delta_extract() after cumulative_detect()"
    )
