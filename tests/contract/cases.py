"""What the contract is held against: every registered protocol, and the bodies written for each.

Law of this folder: what is true of every protocol alike, for every body, every cut and every fault. A
protocol joins by its line in PROTOCOLS and its module of `tests/wire`; what is true of one protocol
alone stands with its own tests.

Law of this file: it finds the bodies, and makes the chain that reads them.
"""

from functools import cache
from importlib import import_module
from random import Random
from typing import Any

import pytest

from tests.wire.body import Body
from tokenweir.pipeline.events import Event, WireItem
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.decode_protocol import PROTOCOLS, decode_frames, decode_protocol

NAMES = sorted(PROTOCOLS)


def module_of(protocol: str) -> str:
    """The name of the modules that belong to a protocol."""
    return protocol.replace("-", "_")


@cache
def bodies_of(protocol: str) -> tuple[Body, ...]:
    """The bodies written for a protocol; none where nobody has written any, which is a test of its own."""
    name = f"tests.wire.{module_of(protocol)}"
    try:
        found: tuple[Body, ...] = import_module(name).BODIES
    except ModuleNotFoundError as missing:
        if missing.name != name:
            raise
        return ()
    return found


WITH_BODIES = [name for name in NAMES if bodies_of(name)]


def every(*, whole: bool = False) -> list[Any]:
    """A parameter for each body of each protocol; with `whole`, for those that are answered in full."""
    return [
        pytest.param(protocol, body, id=f"{protocol}: {body.name}")
        for protocol in NAMES
        for body in bodies_of(protocol)
        if body.complete_at is not None or not whole
    ]


@cache
def chain(protocol: str) -> Stage[bytes, Event]:
    """From bytes to events, as a source that sends deltas has it."""
    return decode_frames(protocol) | decode_protocol(protocol)


@cache
def items_of(protocol: str, wire: bytes) -> tuple[WireItem, ...]:
    """The payloads that bytes hold."""
    core = decode_frames(protocol).core()
    return tuple(core.feed([wire]) + core.finish())


def chance_for(protocol: str, body: Body) -> Random:
    """The same chance in every run, and another one for each body."""
    return Random(f"{protocol}: {body.name}")  # noqa: S311 - chance for tests
