"""What other people's servers really sent, where it lies beside this checkout.

Law of this file: the data is in a folder beside the checkout, `../shared`, and is no part of the
project; where it is missing, the tests that ask for it are skipped. Nothing here knows a single trace
by its name.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

SHARED = Path(__file__).parents[2] / "shared"
TRACES = SHARED / "traces"

beside = pytest.mark.skipif(not TRACES.is_dir(), reason="there are no traces beside this checkout")


class Trace(NamedTuple):
    """A recorded body, which protocol it speaks, and what it means."""

    name: str
    protocol: str
    path: Path
    meaning: dict[str, Any]

    @property
    def body(self) -> bytes:
        """The bytes as they were sent."""
        return self.path.read_bytes()


def traces(folder: str = "wire") -> list[Trace]:
    """All traces of a folder, in the order of their names."""
    found: list[Trace] = []
    for path in sorted((TRACES / folder).glob("*.expect.json")):
        meaning: dict[str, Any] = json.loads(path.read_text("utf-8"))
        name = path.name.removesuffix(".expect.json")
        protocol = meaning.get("protocol_detail") or meaning["protocol"]
        found.append(Trace(name, protocol, path.with_name(f"{name}.wire"), meaning))
    return found
