"""Values of another type than the one that is read there: what the model may have said is kept."""

import json

import msgspec
import pytest

from tests.contract.answers import told
from tests.contract.cases import every, items_of
from tests.contract.payload_paths import Path, paths_in, pattern_of, replaced
from tests.contract.test_unknown_keys import NEWS, heard
from tests.dropped_keys import MARKS, OTHER, reviewed
from tests.wire.body import Body
from tokenweir.pipeline.events import SSEEvent
from tokenweir.stages import decode_protocol


def _others(value: object) -> list[object]:
    """Values of other types: text where a container is read, and a container anywhere else."""
    return [NEWS] if isinstance(value, (dict, list)) else [{"brand_new": NEWS}, [NEWS]]


def _is_mark(path: Path) -> bool:
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    return MARKS.fullmatch(key) is not None


@pytest.mark.parametrize(("protocol", "body"), every())
def test_a_value_of_another_type_is_kept(protocol: str, body: Body) -> None:
    """V12: at every place of every payload that is no name, figure or mark, what stands there travels as
    an `Extra` or as text, or stands in the reviewed list."""
    items, stage = items_of(protocol, body.wire), decode_protocol(protocol)
    lost: set[str] = set()
    for at in heard(protocol, items):
        item = items[at]
        assert isinstance(item, SSEEvent)
        payload = json.loads(item.data)
        for path, value in paths_in(payload):
            pattern = pattern_of(payload, path)
            if _is_mark(path) or pattern in lost:
                continue
            for other in _others(value):
                changed = SSEEvent(replaced(payload, path, json.dumps(other).encode()), item.type, item.id)
                events = told(stage, [[*items[:at], changed, *items[at + 1 :]]])
                if NEWS.encode() not in msgspec.json.encode(events):
                    lost.add(pattern)

    assert {pattern for pattern in lost if not reviewed(OTHER, protocol, pattern)} == set()
