"""What events say, in a form that can be compared, and what is true of any events of any protocol.

Law of this file: it knows the vocabulary and the contract (DESIGN.md section 3), and no protocol.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from tests.contract.cases import chain
from tokenweir.pipeline.events import (
    Delta,
    Done,
    End,
    Event,
    Extra,
    Finish,
    Gap,
    Outcome,
    Revise,
    Snapshot,
    Start,
    ToolDelta,
)
from tokenweir.pipeline.stage import Stage

_typed = msgspec.json.Decoder(list[Event]).decode

LOST_HALF = "\ufffd"
"""What half a surrogate pair is at the place where a body was cut."""


class Meaning(NamedTuple):
    """What was said: text by its place, and facts that come whole or not at all."""

    texts: dict[tuple[Any, ...], str]
    facts: set[tuple[Any, ...]]


def meaning(events: Iterable[Event]) -> Meaning:
    """What the events say of the answer; how it ended is `outcome`."""
    said = Meaning({}, set())
    for event in events:
        match event:
            case Delta(text=text, channel=channel, index=index):
                _add(said, (channel, index), text)
            case ToolDelta(call=call, arguments=arguments, index=index):
                _add(said, ("arguments", index, call), arguments)
                said.facts.update(
                    (kind, index, call, told)
                    for kind, told in (("id", event.id), ("name", event.name))
                    if told is not None
                )
            case Finish(reason=reason, native=native, index=index):
                said.facts.add(("finish", index, reason, native))
            case Start():
                said.facts.add(("start", event.id, event.provider, event.model, event.created))
            case _:
                pass
    return said


def _add(said: Meaning, place: tuple[Any, ...], text: str) -> None:
    said.texts[place] = said.texts.get(place, "") + text


def assert_prefix(part: Meaning, whole: Meaning) -> None:
    """The part says nothing that the whole does not say, each text in its place and from its beginning."""
    for place, text in part.texts.items():
        said = whole.texts.get(place, "")
        assert said.startswith((text, text.removesuffix(LOST_HALF))), (place, text, said)
    assert part.facts <= whole.facts


def outcome(events: Sequence[Event]) -> Outcome:
    """What the pipeline would call these events: no last word at all is truncated."""
    words = [event for event in events if isinstance(event, Done)]
    if not words or (words[0].failure is not None and words[0].failure.kind == "truncated"):
        return "truncated"
    return "error" if words[0].failure else "complete"


def lawful(events: Sequence[Event]) -> None:
    """What is true of any events that a protocol's decoder makes, whatever it was given."""
    kinds = [type(event) for event in events]
    assert not {End, Gap, Snapshot, Revise} & set(kinds), "these are made by others"
    assert Done not in kinds[:-1], "nothing comes after Done"
    content = [at for at, kind in enumerate(kinds) if kind in (Delta, ToolDelta, Finish)]
    starts = [at for at, kind in enumerate(kinds) if kind is Start]
    assert len(starts) <= 1
    assert not content or (starts and starts[0] < content[0]), "Start comes before any content"
    finished = Counter(event.index for event in events if isinstance(event, Finish))
    assert all(count == 1 for count in finished.values()), "a choice ends once"
    assert all(event.text for event in events if isinstance(event, Delta)), "a delta has text"
    _lawful_calls([event for event in events if isinstance(event, ToolDelta)])
    assert _typed(msgspec.json.encode(_sober(events))) == _sober(events), "typed, and in Unicode"
    assert all(_is_json(event.data) for event in events if isinstance(event, Extra))


def _sober(events: Sequence[Event]) -> list[Event]:
    """The events without the raw error beside a failure: msgspec writes `Raw | None` and does not read it."""
    made = [
        Done(msgspec.structs.replace(event.failure, native=None))
        if isinstance(event, Done) and event.failure
        else event
        for event in events
    ]
    assert msgspec.json.encode(events)
    return made


def _lawful_calls(fragments: Sequence[ToolDelta]) -> None:
    """The name of a call stands in its first fragment alone, and its id comes once."""
    seen: set[tuple[int, int]] = set()
    ids: Counter[tuple[int, int]] = Counter()
    for event in fragments:
        call = event.index, event.call
        assert event.name is None or call not in seen, "the name stands in the first fragment"
        assert event.call >= 0
        seen.add(call)
        ids[call] += event.id is not None
    assert all(count <= 1 for count in ids.values()), "an id comes once"


def _is_json(data: msgspec.Raw) -> bool:
    try:
        json.loads(bytes(data))
    except RecursionError:  # deeper than this reader goes; the decoder's own wrote it
        return True
    except ValueError:
        return False
    return True


def told(stage: Stage[Any, Event], batches: Iterable[Sequence[Any]]) -> list[Event]:
    """What a fresh core tells of the batches and of their end, held to the law."""
    core = stage.core()
    out = [event for batch in batches for event in core.feed(batch)] + core.finish()
    assert core.error is None
    lawful(out)
    return out


def read(protocol: str, wire: bytes) -> list[Event]:
    """What bytes say, in one read."""
    return told(chain(protocol), [[wire]])
