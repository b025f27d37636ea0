"""Virtual time for both event loops: waiting takes no time, and the clock shows that it passed.

Law of this file: what an `anyio_backend` fixture needs for it, and nothing else. Never with real
sockets: what arrives over them takes real time.
"""

import asyncio
from typing import Any

from looptime import LoopTimeEventLoop
from trio.testing import MockClock


class VirtualLoop(LoopTimeEventLoop, asyncio.SelectorEventLoop):
    """asyncio's loop, whose timers come as soon as nothing else is to be done."""


def virtual(name: str) -> tuple[str, dict[str, Any]]:
    """The value of an `anyio_backend` fixture."""
    if name == "trio":
        return name, {"clock": MockClock(autojump_threshold=0)}
    return name, {"loop_factory": VirtualLoop}
