"""Payloads with anything anywhere: never an exception, one end at most, in bounded time."""

import json
from collections.abc import Iterator, Sequence
from time import process_time

import msgspec
import pytest

from tests.contract.answers import told
from tests.contract.cases import NAMES, bodies_of, chance_for, every, items_of
from tests.contract.payload_paths import paths_in, replaced, written
from tests.wire.body import Body
from tokenweir.pipeline.events import SSEEvent, WireItem
from tokenweir.stages import decode_protocol

DEEP = 100_000
VALUES = {
    "null": b"null",
    "true": b"true",
    "negative": b"-1",
    "fraction": b"0.5",
    "huge": b"9" * 5000,
    "large": b"18446744073709551616",
    "infinite": b"1e999",
    "not a number": b"NaN",
    "empty text": b'""',
    "text": b'"[DONE]"',
    "half": rb'"\ud83d"',
    "other half": rb'"\ude00x\ud800"',
    "key half": rb'{"\ud83d": "\ude00"}',
    "empty list": b"[]",
    "list": b'[null, 1, "x", [], {}]',
    "list of lists": b"[[[]], [[{}]]]",
    "empty object": b"{}",
    "object": b'{"type": "text", "text": 7, "error": [], "id": {}, "index": "0", "": null}',
    "deep": b'{"a":[' * 60 + b"1" + b"]}" * 60,
    "too deep": b"[" * DEEP + b"]" * DEEP,
    "too deep objects": b'{"a":' * 5000 + b"1" + b"}" * 5000,
}
SAMPLE = 500
"""Payloads that are spoiled for each body; the same ones in every run."""
PATIENCE = 1.0
"""Seconds of CPU for one spoiled answer of a few kilobytes: a hundred times what it takes."""


def spoiled(protocol: str, body: Body) -> Iterator[tuple[str, list[SSEEvent]]]:
    """The answer's payloads, with one value in one of them replaced: a sample of all ways to do so."""
    items = [item for item in items_of(protocol, body.wire) if isinstance(item, SSEEvent)]
    places = [(at, path, name) for at, path in _places(items) for name in VALUES]
    chance = chance_for(protocol, body)
    for at, path, name in chance.sample(places, min(SAMPLE, len(places))):
        data = replaced(json.loads(items[at].data), path, VALUES[name])
        other = SSEEvent(data, items[at].type, items[at].id)
        yield f"{path} of payload {at} is {name}", [*items[:at], other, *items[at + 1 :]]


def _places(items: list[SSEEvent]) -> Iterator[tuple[int, tuple[str | int, ...]]]:
    for at, item in enumerate(items):
        if item.data.lstrip().startswith((b"{", b"[{")):
            yield from ((at, path) for path, _ in paths_in(json.loads(item.data)))


@pytest.mark.parametrize(("protocol", "body"), every())
def test_any_value_anywhere(protocol: str, body: Body) -> None:
    """V08, V09, V10, V11, V12, V13: null, lists, objects, huge numbers, nesting that no stack holds and
    half surrogates, in the place of any value: no exception, lawful events in valid Unicode, and the
    payloads before the spoiled one say what they said."""
    stage, seen = decode_protocol(protocol), 0
    for what, items in spoiled(protocol, body):
        began = process_time()
        events = told(stage, [items])
        assert process_time() - began < PATIENCE, what
        assert msgspec.json.encode(events), what
        seen += 1

    assert seen >= min(SAMPLE, 20)


@pytest.mark.parametrize("protocol", NAMES)
def test_a_payload_that_is_anything(protocol: str) -> None:
    """V10, V11: anything in the place of a whole payload, at every place of every body."""
    stage = decode_protocol(protocol)
    for body in bodies_of(protocol):
        items = items_of(protocol, body.wire)
        for at in range(len(items) + 1):
            for data in (*VALUES.values(), b"", b"{", b"\xff", b'{"type":'):
                told(stage, [[*items[:at], SSEEvent(data), *items[at + 1 :]]])


@pytest.mark.parametrize(("protocol", "body"), every())
def test_any_key_missing(protocol: str, body: Body) -> None:
    """V12: any key, or any entry of a list, left out: no exception, lawful events."""
    stage = decode_protocol(protocol)
    items = [item for item in items_of(protocol, body.wire) if isinstance(item, SSEEvent)]
    for at, path in _places(items):
        payload = json.loads(items[at].data)
        place = payload
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]
        told(stage, [[*items[:at], SSEEvent(written(payload), items[at].type), *items[at + 1 :]]])


@pytest.mark.parametrize(("protocol", "body"), every())
def test_payloads_in_any_order(protocol: str, body: Body) -> None:
    """V12, V13: payloads that come twice, not at all, or in another order: no exception, lawful events."""
    stage, items = decode_protocol(protocol), list(items_of(protocol, body.wire))
    chance = chance_for(protocol, body)
    for _ in range(60):
        told(stage, [chance.choices(items, k=len(items) + 2)])


FEW, MANY = 150, 1200


@pytest.mark.parametrize("protocol", NAMES)
def test_linear_time(protocol: str) -> None:
    """P9, V14: a payload that comes again and again costs the same each time, however often it came."""
    for body in bodies_of(protocol):
        items = items_of(protocol, body.wire)
        for at in range(len(items)):
            few, many = (cost(protocol, [*items[:at], *[items[at]] * count]) for count in (FEW, MANY))
            assert many / MANY < 4 * few / FEW + 2e-6, (body.name, items[at])


def cost(protocol: str, items: Sequence[WireItem]) -> float:
    """Seconds of CPU for feeding payloads one by one; the less of two times."""
    return min(_once(protocol, items) for _ in range(2))


def _once(protocol: str, items: Sequence[WireItem]) -> float:
    core = decode_protocol(protocol).core()
    began = process_time()
    for item in items:
        core.feed([item])
    core.finish()
    return process_time() - began
