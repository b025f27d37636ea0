"""What a sink is: where events go.

Law of this file: the contract alone. A sink is any object with these two methods; there is nothing
to inherit from and nothing to register. One that is an async context manager too is entered for as
long as it is used; one with branches tells of them in its `figures`.
"""

from collections.abc import Sequence
from typing import Literal, NoReturn, Protocol

from msgspec import Struct

from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import Event, Failure


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


Fate = Literal["open", "complete", "failed", "left", "disconnected", "cancelled"]
"""`open`: still served. `complete`: took everything, up to the stream's own `End`. `failed`: its sink
raised. `left`: its receiver went away, or who had joined was cancelled. `disconnected`: by its policy.
`cancelled`: the stream was left without an `End`."""


class BranchReport(Struct, frozen=True):
    """What one branch of a fanout did.

    `delivered` counts the events that its sink took, `merged` those that were joined to others
    before, `dropped` those that it never got while it was served. `waited` is the seconds for which
    the others waited for it. `failure` tells why it ended, where that was not complete.
    """

    name: str
    policy: str
    outcome: Fate
    failure: Failure | None = None
    delivered: int = 0
    merged: int = 0
    dropped: int = 0
    waited: float = 0.0


def refuse_snapshot(receiver: str) -> NoReturn:
    """Answer a `Snapshot` that reached `receiver`: raises StageError naming the missing stage."""
    raise StageError(
        f"{receiver} got a Snapshot, which is no new text: put delta_extract() after cumulative_detect()"
    )
