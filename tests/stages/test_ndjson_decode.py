"""Bytes of JSON objects become events, one for each object, in whatever way servers write them."""

import json
import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.feeding import CUTS, run_bytes
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Done, SSEEvent, WireItem
from tokenweir.stages import ndjson_decode

VALUES = st.recursive(
    st.none() | st.integers(-9, 9) | st.text('a"\\{}[], \n\u2028é🙂', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text("ab", max_size=2), VALUES, max_size=3)


def decode(body: bytes, *cuts: int, limit: int = 1 << 20) -> list[WireItem]:
    """What comes of a body."""
    return run_bytes(ndjson_decode(limit=limit), body, cuts)


def objects(items: list[WireItem]) -> list[Any]:
    """The objects among the items."""
    return [json.loads(item.data) for item in items if isinstance(item, SSEEvent)]


def failure(items: list[WireItem]) -> tuple[str, str] | None:
    """Kind and message of the failure that they end with."""
    done = [item for item in items if isinstance(item, Done)]
    assert len(done) <= 1
    assert not done or items[-1] is done[0]
    return (done[0].failure.kind, done[0].failure.message) if done and done[0].failure else None


def written(values: list[Any], separator: str, indent: int | None, *, escape: bool) -> bytes:
    """One way in which servers write several objects."""
    return separator.join(
        [json.dumps(value, indent=indent, ensure_ascii=escape) for value in values]
    ).encode()


@given(
    st.lists(OBJECTS, max_size=5),
    st.sampled_from(["\n", "\r\n", "\n\n", " ", ""]),
    st.sampled_from([None, 2]),
    st.booleans(),
    CUTS,
)
@example(values=[{"a": "}"}, {"a": "\\"}], separator="", indent=None, escape=False, cuts=[5])
def test_every_way_of_writing(
    values: list[Any],
    separator: str,
    indent: int | None,
    escape: bool,  # noqa: FBT001 - a hypothesis argument
    cuts: list[int],
) -> None:
    """P3, V01, V24: a line each, several on a line, one over several lines, cut anywhere."""
    body = written(values, separator, indent, escape=escape)

    assert objects(decode(body, *cuts)) == values
    assert failure(decode(body, *cuts)) is None


@given(st.lists(OBJECTS, min_size=1, max_size=4), st.sampled_from([None, 1]), CUTS)
def test_an_array_around_all_of_them(values: list[Any], indent: int | None, cuts: list[int]) -> None:
    """V24: as Gemini streams without SSE: each object comes when it is whole."""
    assert objects(decode(json.dumps(values, indent=indent).encode(), *cuts)) == values


def test_an_object_is_given_as_soon_as_it_is_whole() -> None:
    """Its line end need not have come."""
    core = ndjson_decode().core()

    assert core.feed([b'{"a":1}']) == [SSEEvent(b'{"a":1}')]
    assert core.feed([b'\n{"b"', b":2}"]) == [SSEEvent(b'{"b":2}')]
    assert core.finish() == []


def test_bytes_stay_as_they_are() -> None:
    """V08: what is between the brackets is for the protocol to read."""
    assert decode(b'{"a":"\xff\\ud83d"}\n{"b":1}\n')[0] == SSEEvent(b'{"a":"\xff\\ud83d"}')


@pytest.mark.parametrize("cut", range(1, 8))
def test_an_unfinished_object_is_given_up(cut: int) -> None:
    """U07: the answer was cut, which its protocol notices; what came before it is there."""
    assert decode(b'{"a":1}\n' + b'{"b":2}'[: cut if cut < 7 else 6]) == [SSEEvent(b'{"a":1}')]


@pytest.mark.parametrize("body", [b"", b"\n\r\n  \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_nothing(body: bytes) -> None:
    """V24: blank lines are nothing, and neither is a byte order mark."""
    assert decode(body) == []


@pytest.mark.parametrize("body", [b"<html>busy</html>\n", b"upstream\x1b[31m timeout", b"true\n"])
def test_no_objects_at_all(body: bytes) -> None:
    """V10, U20, P28: the message shows how the body begins, with nothing that steers a terminal."""
    found = failure(decode(body, 3))

    assert found is not None
    assert found[0] == "protocol"
    assert ascii(body.decode().strip())[1:-1][:10] in found[1]
    assert found[1].isprintable()


def test_too_large() -> None:
    """P8, V05: what came before an object that is too large is there, and nothing after it."""
    small, large = b'{"a":1}\n', b'{"a":"' + b"x" * 200 + b'"}\n'
    for body in (small + large + small, small + large[:-3]):
        for cuts in ((), range(8, 200, 7)):
            out = decode(body, *cuts, limit=100)
            assert out[0] == SSEEvent(small.strip())
            assert failure(out) == (
                "limit",
                "one object is larger than 100 bytes (the limit of ndjson_decode)",
            )
            assert len(out) == 2


@pytest.mark.parametrize("cuts", [(), (3,), range(1, 9)])
def test_the_limit_is_exact(cuts: Sequence[int]) -> None:
    """V05: an object of exactly the limit passes, in its line or without one; one byte more does not.
    What is not whole at the limit may still be: the body's end does not make it too large."""
    for end in (b"\n", b"", b" "):
        assert decode(b'{"a":1}' + end, *cuts, limit=7) == [SSEEvent(b'{"a":1}')]
        assert failure(decode(b'{"a":1}' + end, *cuts, limit=6)) is not None
    assert decode(b'{"a":12', *cuts, limit=7) == []
    assert failure(decode(b'{"a":123', *cuts, limit=7)) is not None


def test_memory_is_bounded() -> None:
    """P8: an endless object is not kept."""
    core = ndjson_decode(limit=10_000).core()
    tracemalloc.start()
    core.feed([b'{"a":"'])
    for _ in range(2000):
        core.feed([b"x" * 1000])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 200_000


@pytest.mark.parametrize("cuts", [(), (150,), range(0, 1000, 7)])
def test_the_beginning_is_shown(cuts: Sequence[int]) -> None:
    """P28: so much of it and no more, however it came; bytes that are no UTF-8 are shown too (V08)."""
    assert failure(decode(b"\xff" + b"x" * 999, *cuts)) == (
        "protocol",
        r"the body is no stream of JSON objects; it begins: \ufffd" + "x" * 199,
    )


def test_what_flows() -> None:
    """Bytes in, wire events out."""
    stage = ndjson_decode(limit=1)

    assert (stage.name, stage.takes, stage.gives) == ("ndjson_decode", "bytes", "wire")


def test_a_wrong_limit() -> None:
    """The message says what the number is."""
    with pytest.raises(MisuseError, match="number of bytes"):
        ndjson_decode(limit=0)
