"""Nothing that a backend sent is dropped unseen: every value of every recorded payload has an effect.

Law of this file: no knowledge of any protocol. A value counts as seen where the events become others
when it is another one; what has no effect at all must stand in the reviewed list of dropped_keys.py,
with its reason, and nothing else may stand there.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import pytest

from tests.contract.cases import items_of
from tests.contract.payload_paths import Path, paths_in, pattern_of, value_at
from tests.dropped_keys import DROPPED, reviewed
from tests.recorded import Trace, beside, traces
from tokenweir.pipeline.events import Event, SSEEvent
from tokenweir.stages import decode_protocol
from tokenweir.stages.decode_protocol import PROTOCOLS

pytestmark = beside

KNOWN = [trace for trace in traces() if trace.protocol in PROTOCOLS]
RECORDED = sorted({trace.protocol for trace in KNOWN})
PLACES = 6
"""Places of one pattern in one trace that are tried: the first of them, and those at the end."""


def other(value: object, number: int) -> object:
    """Another value of the same type; None where there is none."""
    match value:
        case bool():
            return not value
        case int():
            return value + 7 + number
        case float():
            return value + 7.5 + number
        case str() if value:
            return f"{value}~{number}"
        case _:
            return None


class Recording:
    """The payloads of one trace, and what comes of them where some values are others."""

    def __init__(self, trace: Trace) -> None:
        self.protocol = trace.protocol
        self.items = items_of(trace.protocol, trace.body)
        self.payloads: list[Any] = [
            json.loads(item.data) if isinstance(item, SSEEvent) and _is_object(item.data) else None
            for item in self.items
        ]
        self.events = self.told(self.items)

    def told(self, items: Iterable[Any]) -> list[Event]:
        core = decode_protocol(self.protocol).core()
        return core.feed(list(items)) + core.finish()

    def places(self) -> dict[str, list[tuple[int, Path]]]:
        """Every place that carries a value, by its pattern."""
        found: dict[str, list[tuple[int, Path]]] = {}
        for at, payload in enumerate(self.payloads):
            for path, value in paths_in(payload):
                if other(value, 0) is not None:
                    found.setdefault(pattern_of(payload, path), []).append((at, path))
        return found

    def changed(self, at: int, path: Path, number: int) -> list[Any]:
        """The items, with another value there."""
        copy = json.loads(json.dumps(self.payloads[at]))
        value_at(copy, path[:-1])[path[-1]] = other(value_at(copy, path), number)
        item = self.items[at]
        assert isinstance(item, SSEEvent)
        changed = SSEEvent(json.dumps(copy).encode(), item.type, item.id)
        return [*self.items[:at], changed, *self.items[at + 1 :]]

    def is_seen(self, places: Sequence[tuple[int, Path]]) -> bool:
        """Whether the events change with a value at one of the places."""
        some = [*places[: PLACES // 2], *places[-PLACES // 2 :]]
        return any(
            self.told(self.changed(at, path, number)) != self.events for number, (at, path) in enumerate(some)
        )


def _is_object(data: bytes) -> bool:
    return data.lstrip().startswith((b"{", b"[{"))


@cache
def unseen(protocol: str) -> dict[str, str]:
    """The patterns whose values have no effect in some trace, with the name of one such trace."""
    found: dict[str, str] = {}
    for trace in KNOWN:
        if trace.protocol == protocol:
            recording = Recording(trace)
            for pattern, places in recording.places().items():
                if pattern not in found and not recording.is_seen(places):
                    found[pattern] = trace.name
    return found


@pytest.mark.parametrize("protocol", RECORDED)
def test_every_value_has_an_effect(protocol: str) -> None:
    """DESIGN 3: what no event shows and no code looks at stands in the reviewed list."""
    lost = {
        pattern: trace
        for pattern, trace in unseen(protocol).items()
        if not reviewed(DROPPED, protocol, pattern)
    }

    assert lost == {}


@pytest.mark.parametrize("protocol", RECORDED)
def test_the_reviewed_list_is_no_longer_than_it_must_be(protocol: str) -> None:
    """An entry that nothing needs any more goes."""
    used = {reviewed(DROPPED, protocol, pattern) for pattern in unseen(protocol)}

    assert DROPPED.get(protocol, {}).keys() - used == set()
