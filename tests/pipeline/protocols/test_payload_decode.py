"""What readers of plain event streams do alike."""

from collections.abc import Mapping
from typing import Any

import pytest

from tokenweir.pipeline.events import Comment, Delta, Done, Event, Failure, Phase, SSEEvent, Start
from tokenweir.pipeline.protocols.payload_decode import PayloadDecode


class Echo(PayloadDecode):
    """A protocol of one field, `say`; `end` ends it."""

    def take_object(self, fields: Mapping[str, Any], kind: str, out: list[Event]) -> None:
        self.start(fields.get("model"), out)
        if fields.get("deep"):
            raise RecursionError
        if fields.get("many"):
            raise OverflowError("too many")
        if "say" in fields:
            self._said = True
            self._mended.take([Delta(fields["say"])], out)
        if "end" in fields or kind == "end":
            self.end(None, out)


def read(*payloads: bytes | Comment | Done, kind: str = "message") -> list[Event]:
    """All events of a body, to its end."""
    core = Echo("p")
    items = [SSEEvent(one, kind) if isinstance(one, bytes) else one for one in payloads]
    return [*core.feed(items), *core.finish()]


def failure(*payloads: bytes | Comment | Done, kind: str = "message") -> Failure:
    """The failure that a body ends with."""
    done = read(*payloads, kind=kind)[-1]
    assert isinstance(done, Done)
    assert done.failure is not None
    return done.failure


def test_an_answer() -> None:
    """P1: Start once, halves of a pair joined, nothing after the end."""
    halves = [rb'{"model":"m","say":"\ud83d"}', rb'{"model":"other","say":"\ude42"}']

    assert read(*halves, b'{"end":1}', b'{"say":"late"}', Done()) == [
        Start(None, "p", "m"),
        Delta("🙂"),
        Done(),
    ]


def test_a_body_that_is_cut() -> None:
    """P2: no last word is made up; half a pair is told as what it is."""
    assert read(rb'{"say":"a\ud83d"}') == [Start(None, "p"), Delta("a"), Delta("\ufffd")]


def test_signs_of_life() -> None:
    """V07, P16: a phase before the first content, unless it was said just before; then only counted."""
    core = Echo()
    before = core.feed([Comment("keepalive 1/2"), Comment("keepalive 1/2"), SSEEvent(b" ")])
    behind = core.feed([SSEEvent(b'{"say":"a"}'), Comment("keepalive 2/2")])

    assert before == [Phase("prefill", 0.5, "keepalive 1/2"), Phase("prefill")]
    assert behind[1:] == [Delta("a")]
    assert core.figures() == {"chunks": 1, "keep_alives": 4}


@pytest.mark.parametrize(
    ("payload", "kind", "message"),
    [
        (b"[DONE]", "truncated", "a [DONE] came before the answer was whole"),
        (b"{", "protocol", "a payload is not JSON: {"),
        (b"7", "protocol", "a payload is not a JSON object but a int"),
        (b'[{"error":"boom"}]', "upstream", "boom"),
        (b'{"deep":1}', "protocol", "a payload is nested too deeply"),
        (b'{"many":1}', "limit", "too many"),
    ],
)
def test_what_cannot_be_read(payload: bytes, kind: str, message: str) -> None:
    """V10, V12: told as a failure, after what came before it."""
    found = failure(b'{"say":"a"}', payload)

    assert (found.kind, found.message) == (kind, message)


def test_an_error_that_is_no_object() -> None:
    """V15: an event that is named an error is one, whatever it holds."""
    assert failure(b"the engine stopped", kind="error").message == "the engine stopped"
    assert failure(b'"the engine stopped"', kind="error").message == "the engine stopped"


def test_what_is_no_wire_item_passes() -> None:
    """DESIGN 4: a core passes what it does not know, in order."""
    passed: Any = Delta("from a stage before")

    assert Echo().feed([SSEEvent(b'{"say":"a"}'), passed])[1:] == [Delta("a"), passed]


def test_the_frames_own_failure_is_the_last_word() -> None:
    """V13: what the framing could not read ends the answer."""
    assert failure(b'{"say":"a"}', Done(Failure("limit", "too large"))).message == "too large"
