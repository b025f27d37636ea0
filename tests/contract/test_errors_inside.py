"""An error in the middle of a stream: what came before is kept, and nothing afterwards makes it good."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.contract.answers import Meaning, assert_prefix, lawful, meaning, outcome, told
from tests.contract.cases import bodies_of, every, items_of
from tests.contract.faults import SPOKEN
from tests.wire.body import Body
from tokenweir.pipeline.events import Done, Event
from tokenweir.stages import decode_protocol


def spoken_over(protocol: str, items: Sequence[Any]) -> tuple[list[Event], bool]:
    """What payloads say, one a read, and whether the backend's last word was among them."""
    core = decode_protocol(protocol).core()
    out = [event for item in items for event in core.feed([item])]
    return out + core.finish(), any(isinstance(event, Done) for event in out)


@pytest.mark.parametrize(("protocol", "body"), every())
def test_an_error_between_any_two_payloads(protocol: str, body: Body) -> None:
    """P2, V15: in each form that the protocol has for it: the outcome is `error`, what came before is
    told before it; what follows, end marker and all, changes nothing. Behind the backend's last word an
    error is none."""
    items, spoken = items_of(protocol, body.wire), SPOKEN[protocol]
    end = items_of(protocol, spoken.end)
    whole = meaning(told(decode_protocol(protocol), [items]))

    for at in range(len(items) + 1):
        before, over = spoken_over(protocol, items[:at])
        for error in spoken.errors:
            broken, ended = spoken_over(protocol, [*items[:at], *items_of(protocol, error)])
            lawful(broken)
            if over:
                assert broken == before
            else:
                assert outcome(broken) == "error", error
                assert meaning(broken).texts == meaning(before).texts
                assert meaning(broken).facts >= meaning(before).facts
            for rest in (end, items[at:], [*end, *items[at:]]):
                behind, _ = spoken_over(protocol, [*items[:at], *items_of(protocol, error), *rest])
                lawful(behind)
                assert_after(behind, broken, whole, ended=ended)


def assert_after(behind: list[Event], broken: list[Event], whole: Meaning, *, ended: bool) -> None:
    """What comes behind an error changes nothing; where a protocol lets its end marker follow, what that
    brings is told, and the error stays the last word."""
    if ended:
        assert behind == broken
    else:
        assert outcome(behind) == "error"
        assert_prefix(meaning(broken), meaning(behind))
        assert {fact for fact in meaning(behind).facts if fact[0] == "finish"} <= whole.facts


@pytest.mark.parametrize(("protocol", "body"), every())
def test_an_error_says_what_happened(protocol: str, body: Body) -> None:
    """P2, V15: the failure has the backend's own words, and the error as it was sent."""
    items = items_of(protocol, body.wire)
    for error in SPOKEN[protocol].errors:
        events, _ = spoken_over(protocol, [*items[:1], *items_of(protocol, error)])
        words = [event for event in events if isinstance(event, Done)]
        if len(items) > 1 or not spoken_over(protocol, items[:1])[1]:
            assert words
            assert words[0].failure is not None
            assert any(word in words[0].failure.message for word in ("stopped", "overloaded"))
            assert words[0].failure.native is not None


def test_bodies_with_an_error_are_not_only_cut() -> None:
    """A body that never becomes complete tells of an error, or was written as a cut."""
    errors = {
        protocol: {
            outcome(told(decode_protocol(protocol), [items_of(protocol, body.wire)]))
            for body in bodies_of(protocol)
            if body.complete_at is None
        }
        for protocol in SPOKEN
    }

    assert [protocol for protocol, outcomes in errors.items() if outcomes and "error" not in outcomes] == []
