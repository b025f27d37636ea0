"""What waits for one branch of a fanout: bounded, and with one answer to being full.

Law of this file: pure bookkeeping, with no await and no clock; waiting and leaving are branch.py's.
Full means so many batches or so many bytes; a batch that is alone is taken whatever its size, since
nothing would ever flow otherwise.
"""

import sys
from collections import deque
from collections.abc import Sequence
from typing import Literal

from tokenweir.pipeline.events import (
    Delta,
    Event,
    Extra,
    Finish,
    Gap,
    Revise,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.sink import refuse_snapshot
from tokenweir.sinks.joining import joined

Policy = Literal["wait", "merge", "drop_oldest", "disconnect"]

BATCHES = 64
NBYTES = 1024 * 1024
GULP = 64 * 1024
"""Bytes that are taken at once: a branch that is behind catches up in few, larger batches."""

_EVENT = 64  # an event without its text, and its place in a list
_OTHER = 512  # one that is rare: an End with its figures, a Phase with its detail


def weigh(batch: Sequence[Event]) -> int:
    """About how many bytes of memory a batch holds. Raises StageError at a `Snapshot`."""
    size = 0
    for event in batch:
        if isinstance(event, Delta):
            size += _EVENT + sys.getsizeof(event.text)
        else:
            size += _weigh(event)
    return size


def _weigh(event: Event) -> int:
    match event:
        case ToolDelta():
            return _EVENT + sys.getsizeof(event.arguments)
        case Revise():
            return _EVENT + sys.getsizeof(event.text)
        case Extra():
            return _EVENT + memoryview(event.data).nbytes
        case Snapshot():
            refuse_snapshot("fanout")
        case _:
            pass
    return _OTHER


class Backlog:
    """Batches that wait, at most so many of them and so many bytes.

    `merged` counts the events that were joined to others under the policy `merge`, `dropped` those
    that `drop_oldest` took away.
    """

    def __init__(self, policy: Policy, batches: int = BATCHES, nbytes: int = NBYTES) -> None:
        self.policy: Policy = policy
        self.nbytes = 0
        self.merged = 0
        self.dropped = 0
        self._most = batches
        self._most_bytes = nbytes
        self._queue: deque[tuple[Sequence[Event], int]] = deque()

    def __len__(self) -> int:
        return len(self._queue)

    def offer(self, batch: Sequence[Event], weight: int) -> bool:
        """Take a batch, or say that there is no room for it."""
        if not self.fits(weight):
            if self.policy == "drop_oldest":
                self._drop(weight)
            elif self.policy != "merge" or not self._merge(weight):
                return False
        self.push(batch, weight)
        return True

    def fits(self, weight: int) -> bool:
        """Whether there is room as it stands."""
        return not self._queue or (len(self._queue) < self._most and self.nbytes + weight <= self._most_bytes)

    def push(self, batch: Sequence[Event], weight: int) -> None:
        """Take a batch beyond the bounds."""
        self._queue.append((batch, weight))
        self.nbytes += weight

    def take(self) -> list[Event]:
        """What comes next: a batch, or several up to GULP; empty where nothing waits."""
        taken: list[Event] = []
        size = 0
        while self._queue and (not taken or size + self._queue[0][1] <= GULP):
            batch, weight = self._queue.popleft()
            taken.extend(batch)
            size += weight
        self.nbytes -= size
        return taken

    def clear(self) -> int:
        """Drop all that waits; how many events it was."""
        lost = sum(_count(event) for batch, _ in self._queue for event in batch)
        self._queue.clear()
        self.nbytes = 0
        return lost

    def _merge(self, weight: int) -> bool:
        """All that waits as one batch; whether that made room."""
        before = [event for batch, _ in self._queue for event in batch]
        after = joined(before)
        self.merged += len(before) - len(after)
        self._queue.clear()
        self.nbytes = 0
        self.push(after, weigh(after))
        return self.fits(weight)

    def _drop(self, weight: int) -> None:
        """Make room from the oldest on. What comes once stays (`Start`, `Finish`, the last `Usage`), and
        stands before a `Gap` that counts the rest."""
        kept: dict[object, Event] = {}
        gone = earlier = 0
        while self._queue and (len(self._queue) > self._most - 2 or self.nbytes + weight > self._most_bytes):
            batch, size = self._queue.popleft()
            self.nbytes -= size
            for event in batch:
                key = _kept_by(event)
                if isinstance(event, Gap):
                    earlier += event.dropped
                elif key is None or key in kept:
                    gone += 1
                if key is not None:
                    kept[key] = event
        self.dropped += gone
        front = list(kept.values())
        if gone or earlier:
            front.append(Gap(gone + earlier))
        self._queue.appendleft((front, size := weigh(front)))
        self.nbytes += size


def _kept_by(event: Event) -> object:
    """What tells events apart of which the last is kept; None for those that can be dropped."""
    match event:
        case Start() | Usage():
            return type(event)
        case Finish(index=index):
            return index
        case _:
            return None


def _count(event: Event) -> int:
    return event.dropped if isinstance(event, Gap) else 1
