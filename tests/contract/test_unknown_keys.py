"""Keys that nobody knows yet: what they carry is kept, and nothing else changes."""

import json
from collections.abc import Sequence

import msgspec
import pytest

from tests.contract.answers import meaning, outcome, told
from tests.contract.cases import every, items_of
from tests.contract.payload_paths import objects_in, pattern_of, with_key
from tests.dropped_keys import UNKNOWN, reviewed
from tests.wire.body import Body
from tokenweir.pipeline.events import Done, SSEEvent, WireItem
from tokenweir.stages import decode_protocol

KEY, NEWS = "brand_new", "what nobody models yet"


def heard(protocol: str, items: Sequence[WireItem]) -> list[int]:
    """The places of the payloads that are read: those behind the backend's last word are not."""
    core, places = decode_protocol(protocol).core(), list[int]()
    for at, item in enumerate(items):
        if isinstance(item, SSEEvent) and item.data.lstrip().startswith(b"{"):
            places.append(at)
        if any(isinstance(event, Done) for event in core.feed([item])):
            break
    return places


@pytest.mark.parametrize(("protocol", "body"), every())
def test_an_unknown_key_is_kept(protocol: str, body: Body) -> None:
    """V12: in every object of every payload, a key that nobody knows travels as an `Extra`, or stands in
    the reviewed list; the answer stays what it was."""
    items, stage = items_of(protocol, body.wire), decode_protocol(protocol)
    whole = told(stage, [items])
    lost: set[str] = set()
    for at in heard(protocol, items):
        item = items[at]
        assert isinstance(item, SSEEvent)
        payload = json.loads(item.data)
        for path in objects_in(payload):
            other = SSEEvent(with_key(payload, path, KEY, NEWS), item.type, item.id)
            events = told(stage, [[*items[:at], other, *items[at + 1 :]]])
            pattern = pattern_of(payload, (*path, "*"))
            if NEWS.encode() not in msgspec.json.encode(events):
                lost.add(pattern)
            if path and _is_free(path):
                continue
            assert (meaning(events), outcome(events)) == (meaning(whole), outcome(whole)), pattern

    assert {pattern for pattern in lost if not reviewed(UNKNOWN, protocol, pattern)} == set()


def _is_free(path: tuple[str | int, ...]) -> bool:
    """Whether an object is the model's own: the arguments of a call, which any key belongs to."""
    return bool({"arguments", "args", "input"} & {step for step in path if isinstance(step, str)})
