"""branch: a sink of a fanout, with what happens when it cannot keep up.

Law of this file: the options of a branch, and their checks; what is done with them is in
branch_task.py and backlog.py.
"""

from typing import get_args

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.sink import Sink
from tokenweir.sinks.backlog import BATCHES, NBYTES, Backlog, Policy
from tokenweir.sinks.branch_task import Branch


def branch(
    sink: Sink,
    policy: Policy = "disconnect",
    *,
    name: str | None = None,
    patience: float | None = None,
    keeps_alive: bool = True,
    batches: int = BATCHES,
    nbytes: int = NBYTES,
) -> "Branch":
    """A sink of a fanout, and its policy.

    The policy says what happens when more than `batches` batches or `nbytes` bytes wait for it:

    - `wait`: the stream waits for it, `patience` seconds at most (None: without a limit), and then
      disconnects it.
    - `merge`: neighbouring deltas that wait are joined, which loses nothing. Where that makes no room,
      it is disconnected.
    - `drop_oldest`: the oldest events make room, and a `Gap` counts them.
    - `disconnect`: it gets a `Gap` and an `End` of its own, and is closed.

    `patience` is also how long a sink may take nothing once the stream has ended, while something
    waits for it (None: PATIENCE seconds; under `wait` without a limit).

    `keeps_alive=False` is for a branch that looks on, such as a log: when no other is left, the run
    ends. `name` stands in its figures; by default it is the name of the sink.

    Raises MisuseError for what is no sink, and for bounds that are none.
    """
    if not callable(getattr(sink, "send", None)) or not callable(getattr(sink, "aclose", None)):
        raise MisuseError(f"branch({sink!r}): takes a sink; a function becomes one with callback(f)")
    if policy not in get_args(Policy):
        raise MisuseError(f"branch(policy={policy!r}): one of {', '.join(get_args(Policy))}")
    if patience is not None and not patience >= 0:
        raise MisuseError(f"branch(patience={patience!r}): seconds, or None")
    if batches < 2 or nbytes < 1:  # noqa: PLR2004 - a Gap and what comes after it
        raise MisuseError(f"branch(batches={batches}, nbytes={nbytes}): at least 2, and at least 1")
    return Branch(
        sink,
        Backlog(policy, batches, nbytes),
        name or type(sink).__name__.lower().removesuffix("sink"),
        patience=patience,
        keeps_alive=keeps_alive,
    )
