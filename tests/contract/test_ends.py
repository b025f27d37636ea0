"""How a body may end, or not begin: markers, silence, and more text than there should be."""

import pytest

from tests.contract.answers import meaning, outcome, read, told
from tests.contract.cases import NAMES, chain, every
from tests.contract.faults import LATE, SPOKEN
from tests.wire.body import Body
from tokenweir.pipeline.events import Done, Event, Phase

GAP = b"\n\n"
"""Between a body and what comes behind it: a body that is one JSON object may have no line end."""


def body_over(protocol: str, *reads: bytes) -> tuple[list[Event], bool]:
    """What bytes say, and whether the backend's last word was among them, before the body ended."""
    core = chain(protocol).core()
    out = [event for wire in reads for event in core.feed([wire])]
    return out + core.finish(), any(isinstance(event, Done) for event in out)


@pytest.mark.parametrize("protocol", NAMES)
def test_a_body_without_an_answer(protocol: str) -> None:
    """P2, V07: nothing at all, white space, signs of life: truncated, and nothing is said of an answer."""
    alive = SPOKEN[protocol].alive
    for wire in (b"", b"\n", b" \n\n \t\r\n", b"\xef\xbb\xbf", *alive, b"".join(alive) * 9):
        events = read(protocol, wire)

        assert outcome(events) == "truncated", wire
        assert [event for event in events if not isinstance(event, Phase)] == [], wire


@pytest.mark.parametrize("protocol", NAMES)
def test_bytes_of_something_else(protocol: str) -> None:
    """P2, U20, V08, V10: a page of HTML, plain text, halves of things: never complete, never an exception."""
    for wire in (b"<html><body>502 Bad Gateway</body></html>\n", b"Not Found", b"\xff\xfe\x00", b"{", b"["):
        assert outcome(read(protocol, wire)) in ("truncated", "error"), wire
    for wire in (b"null\n", b"[]\n", b"data: [1, 2]\n\n", b"data: 7\n\n", b'data: "x"\n\n', b"{}\n", b"[[]]"):
        assert outcome(read(protocol, wire)) in ("truncated", "error"), wire


@pytest.mark.parametrize("protocol", [name for name in NAMES if SPOKEN[name].end.startswith(b"data: [DONE]")])
def test_the_marker_alone_is_not_enough(protocol: str) -> None:
    """P2: where `[DONE]` is no finish, a stream that has nothing else was cut."""
    spoken = SPOKEN[protocol]

    assert outcome(read(protocol, spoken.end)) == "truncated"
    assert outcome(read(protocol, spoken.late + spoken.end)) == "truncated"


@pytest.mark.parametrize(("protocol", "body"), every())
def test_signs_of_life_around_an_answer(protocol: str, body: Body) -> None:
    """P15, P16, V07: before the first payload and behind the last one they change nothing of the answer."""
    whole = read(protocol, body.wire)
    for alive in SPOKEN[protocol].alive:
        before = read(protocol, alive * 3 + body.wire)
        behind = read(protocol, body.wire + GAP + alive * 3)

        assert [event for event in before if not isinstance(event, Phase)] == [
            event for event in whole if not isinstance(event, Phase)
        ]
        assert behind == whole


@pytest.mark.parametrize(("protocol", "body"), every())
def test_text_behind_the_end(protocol: str, body: Body) -> None:
    """U26, V17: behind the backend's last word nothing counts; where a protocol has none, text behind the
    finish is told once, and the answer stays complete."""
    whole, over = body_over(protocol, body.wire)
    with_more, _ = body_over(protocol, body.wire + GAP, SPOKEN[protocol].late)

    if over:
        assert with_more == whole
    else:
        texts, more = meaning(whole).texts, meaning(with_more).texts
        assert "".join(more.values()).count(LATE) <= 1
        assert {place: text.replace(LATE, "") for place, text in more.items() if text != LATE} == texts
        assert outcome(with_more) == outcome(whole)


@pytest.mark.parametrize(("protocol", "body"), every())
def test_the_end_twice(protocol: str, body: Body) -> None:
    """V17: an end marker once more, or the whole body once more, gives no second answer."""
    whole, over = body_over(protocol, body.wire)

    if over:
        assert read(protocol, body.wire + GAP + SPOKEN[protocol].end) == whole
        assert read(protocol, body.wire + GAP + body.wire) == whole
    elif body.complete_at is not None:
        again = read(protocol, body.wire + GAP + SPOKEN[protocol].end)
        assert (meaning(again).texts, outcome(again)) == (meaning(whole).texts, "complete")


@pytest.mark.parametrize("protocol", NAMES)
def test_finish_is_told_once(protocol: str) -> None:
    """DESIGN 4: a core that is finished says nothing more."""
    core = chain(protocol).core()
    core.feed([SPOKEN[protocol].late])
    core.finish()

    assert told(chain(protocol), [[b""]]) == []
    assert (core.finish(), core.feed([SPOKEN[protocol].end])) == ([], [])
