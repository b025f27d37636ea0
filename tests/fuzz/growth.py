"""How time and memory grow with an input: the fuzzer's two oracles that need a large one.

Law of this file: a part of the input is repeated until it is large. A byte may then cost no more than it did
before, and no more may be held than is documented. Both are measured generously: what they find is
quadratic, or kept for ever.
"""

import gc
import sys
from collections.abc import Callable
from random import Random
from time import process_time
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any
from zlib import crc32

import msgspec

from tests.fuzz.oracles import BrokenLawError, demand
from tests.fuzz.targets import SMALL, Make, Target
from tokenweir.stages.cumulative_detect import HELD_EVENTS, CumulativeDetect

FEW, MANY = 1 << 14, 1 << 17
"""Bytes of the two inputs: what is quadratic costs eight times as much a byte in the larger one."""
ENDLESS = 1 << 22
"""Bytes of wire after which a decoder has reached every bound that it has."""
TIMES, LEAST = 4.0, 0.2
"""How much more a byte may cost there, and the seconds below which nobody cares."""
PIECE = 37
"""Bytes, or events, of one read."""
FRAME_ROOM = 16_384
"""Bytes that a frame decoder may hold beyond thrice its limit: it is lines, data, and an unfinished line."""
DECODER_ROOM = 1 << 20
"""Bytes that a protocol decoder may hold (1024 calls, 64 Ki characters of arguments, and odds and ends),
and beyond which it may not grow by an eighth of what comes."""
KEPT = 24
"""Bytes that a stage behind may keep for each byte of text: pieces of one character are the worst."""
_SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, CodeType)


def large(data: bytes, size: int) -> bytes:
    """The input with a part of it, chosen by chance but always the same, repeated to so many bytes."""
    chance = Random(crc32(data))  # noqa: S311 - no secret
    marks = [at + 1 for at, byte in enumerate(data) if byte == ord("\n")] or [len(data)]
    begin, end = sorted((chance.choice([0, *marks]), chance.choice(marks)))
    part = data[begin:end] or data or b"\n"
    return data[:begin] + part * (size // len(part) + 1) + data[end:]


def check_growth(target: Target, data: bytes) -> None:
    """Hold one input, made large, to both laws. Raises BrokenLawError."""
    check_memory(target, data)
    for make, _ in target.makes:
        _linear(make, target, data)


def check_memory(target: Target, data: bytes) -> None:
    """Hold one input, made large, to the bounds of what may be held. Raises BrokenLawError."""
    decodes = target.makes[0][0]().gives == "events" and target.takes_bytes
    size = ENDLESS if decodes else MANY
    given = target.read(large(data, size))
    for make, _ in target.makes[:1] if decodes else target.makes:
        _bounded(make, given, size)


def _linear(make: Make, target: Target, data: bytes) -> None:
    few, many = target.read(large(data, FEW)), target.read(large(data, MANY))
    how = ""
    for _ in range(3):  # a busy machine is no fault
        fast, slow = _seconds(make, few), _seconds(make, many)
        if slow < LEAST or slow / MANY < TIMES * fast / FEW:
            return
        how = f"{fast:.3f} s for {FEW} bytes, {slow:.3f} s for {MANY}"
    raise BrokenLawError("linear time", how)


def _seconds(make: Make, given: Any) -> float:
    batches = [given[at : at + PIECE] for at in range(0, len(given), PIECE)]
    core = make().core()
    gc.disable()
    try:
        began = process_time()
        for batch in batches:
            core.feed([batch] if isinstance(given, bytes) else batch)
        core.finish()
        return process_time() - began
    finally:
        gc.enable()


def _bounded(make: Make, given: Any, size: int) -> None:
    stage = make()
    cores: list[Any] = [part.make() for part in stage.parts]
    half = [0 for _ in cores]
    watch = _watch(cores)
    read = len(given) // 256 + 1
    for number, at in enumerate(range(0, len(given), read)):
        flowing: Any = given[at : at + read]
        flowing = [flowing] if isinstance(given, bytes) else flowing
        for core in cores:
            flowing = list(core.feed(flowing))
        watch()
        if number == 127:
            half = [held(core) for core in cores]
    for part, core, before in zip(stage.parts, cores, half, strict=True):
        now = held(core)
        fits = now <= _room(core, part.takes, size) or (part.takes == "wire" and now - before < size // 16)
        demand("bounded memory", fits, f"{part.name} held {before} bytes, then {now}, of {size}")


def _room(core: Any, takes: str, size: int) -> int:
    if takes == "bytes":
        return 3 * min(getattr(core, "_limit", SMALL), size) + FRAME_ROOM
    return DECODER_ROOM if takes == "wire" else KEPT * size + FRAME_ROOM


def _watch(cores: list[Any]) -> Callable[[], None]:
    """A look at what waits in a cumulative_detect, after each read."""
    detectors = [core for core in cores if isinstance(core, CumulativeDetect)]

    def look() -> None:
        for core in detectors:
            demand("bounded memory", len(core._waiting) <= HELD_EVENTS, f"{len(core._waiting)} events wait")  # pyright: ignore[reportPrivateUsage]

    return look


def held(core: Any) -> int:
    """Bytes of everything that can be reached from a core, without classes and code."""
    seen: set[int] = set()
    stack: list[Any] = [core]
    size = 0
    while stack:
        item = stack.pop()
        if id(item) in seen or isinstance(item, _SHARED):
            continue
        seen.add(id(item))
        raw = isinstance(item, msgspec.Raw)  # getsizeof reads anything there
        size += len(memoryview(item)) if raw else sys.getsizeof(item)
        if isinstance(item, msgspec.Struct):  # made with gc=False: the collector does not look into it
            stack.extend(getattr(item, name) for name in item.__struct_fields__)
        elif not raw:
            stack.extend(gc.get_referents(item))
    return size
