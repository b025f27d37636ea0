"""One answer as it goes over the wire, written for these tests, and from where on it is whole.

Law of this folder: data; one module per protocol, each with `BODIES`. The contract tests cut, split
and spoil them; nothing here comes from anybody's recording.
"""

from typing import NamedTuple


class Body(NamedTuple):
    """`complete_at` is the offset behind the payload that makes the answer whole: a body cut there, or
    anywhere behind, is `complete`, and before it is not. None where it never becomes so (an error)."""

    name: str
    wire: bytes
    complete_at: int | None


def whole_after(name: str, wire: bytes, last: bytes) -> Body:
    """A body that is whole behind the last place where `last` stands. Raises ValueError without one."""
    return Body(name, wire, wire.rindex(last) + len(last))
