"""Objects in bytes that are cut anywhere."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.json_scan import JSONScan

_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_OBJECTS = st.lists(st.dictionaries(st.text(), _VALUES, max_size=3), max_size=4)


def scan(data: bytes, step: int) -> list[Any]:
    """The objects found in `data`, fed `step` bytes at a time."""
    core, found = JSONScan(), list[bytes]()
    for at in range(0, len(data), step):
        found += core.feed(data[at : at + step])
    return [json.loads(one) for one in found]


@given(_OBJECTS, st.sampled_from(["\n", "", ",\n", " , ", "\r\n"]), st.booleans(), st.integers(1, 9))
def test_objects_are_found_whatever_stands_between(
    objects: list[Any], between: str, wrapped: object, step: int
) -> None:
    """P3, V24: one a line, several on a line, over lines, or in an array; cut anywhere."""
    text = between.join(json.dumps(one, ensure_ascii=False, indent=None) for one in objects)
    data = (f"[{text}]" if wrapped else text).encode()

    assert scan(data, step) == objects


@given(_OBJECTS)
def test_pretty_printed_objects_are_whole(objects: list[Any]) -> None:
    """V24: an object over several lines is one object."""
    data = "\n".join(json.dumps(one, indent=2) for one in objects).encode()

    assert scan(data, 5) == objects


def test_what_is_held_is_told() -> None:
    """P8: the size of the unfinished object, for the bound of who asks."""
    core = JSONScan()

    found = core.feed(b' , {"a": "' + b"x" * 100)

    assert (found, core.held) == ([], 107)
    assert core.feed(b'"}') == [b'{"a": "' + b"x" * 100 + b'"}']
    assert core.held == 0


def test_an_escape_before_an_empty_read() -> None:
    """P3: a read without bytes changes nothing."""
    core = JSONScan()

    assert [core.feed(data) for data in (b'{"a\\', b"", b'"":1}')] == [[], [], [b'{"a\\"":1}']]
