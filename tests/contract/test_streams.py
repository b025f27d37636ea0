"""The same through a real stream: a scripted connection, a pipeline, and the one `End`."""

from random import Random
from typing import Any

import pytest

from tests.contract.answers import Meaning, assert_prefix, meaning, outcome, read
from tests.contract.cases import NAMES, chance_for, every
from tests.contract.faults import SPOKEN
from tests.reader import Heard, hear
from tests.virtual import virtual
from tests.wire.body import Body
from tokenweir import Deadlines, Done, Failure, Pipeline
from tokenweir.pipeline.sources.base import Source
from tokenweir.stages.decode_protocol import FRAMING
from tokenweir.testing import ScriptedSource, Step

pytestmark = pytest.mark.anyio

FAULT = Failure("truncated", "the connection broke")
HASTY = Deadlines(first_token=5.0, silence=5.0)
ENDINGS: dict[str, Step] = {"end of body": b"", "fault": FAULT, "stall": 1000.0}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


def scripted(protocol: str, script: list[Step]) -> Source:
    """A source that speaks a protocol and answers so."""

    class Scripted(ScriptedSource):
        """Its protocol is all that is its own."""

    Scripted.protocol = protocol
    return Scripted(script, deadlines=HASTY)


async def heard(protocol: str, wire: bytes, size: int, ending: Step = b"") -> Heard:
    """A stream that gets these bytes, so many a read, and then its end."""
    script: list[Step] = [wire[at : at + size] for at in range(0, len(wire), size)]
    return await hear(Pipeline(scripted(protocol, [*script, ending])).stream("hi"))


def said(told: Heard) -> Meaning:
    """What it says, without the name of the provider, which the decoder alone does not know."""
    found = meaning(told.events)
    starts = {(*fact[:2], None, *fact[3:]) for fact in found.facts if fact[0] == "start"}
    return Meaning(found.texts, {fact for fact in found.facts if fact[0] != "start"} | starts)


def cuts_of(body: Body, chance: Random) -> list[int]:
    """Every place that matters, and a few more."""
    size = len(body.wire)
    near = set[int]() if body.complete_at is None else {body.complete_at - 1, body.complete_at}
    return sorted({1, size - 1, size, *near, *chance.sample(range(size), min(6, size))})


@pytest.mark.parametrize(("protocol", "body"), every())
async def test_cuts_through_a_stream(protocol: str, body: Body) -> None:
    """P1, P2, U06, U07: cut by the end of the body, by a fault of the connection and by silence: what was
    decoded is delivered, then one `End`, which is `complete` exactly where the answer is whole."""
    whole = meaning(read(protocol, body.wire))
    chance = chance_for(protocol, body)
    for cut in cuts_of(body, chance):
        ending = chance.choice(list(ENDINGS))
        told = await heard(protocol, body.wire[:cut], chance.choice([1, 7, 64, 5000]), ENDINGS[ending])
        alone = read(protocol, body.wire[:cut])

        assert said(told) == meaning(alone), cut
        assert_prefix(said(told), whole)
        if body.complete_at is not None and cut >= body.complete_at:
            assert told.end.outcome == "complete"
        elif outcome(alone) == "error":
            assert told.end.outcome == "error"
        else:
            waits = ending == "stall" and not any(isinstance(event, Done) for event in alone)
            assert told.end.outcome == ("timeout" if waits else "truncated")


@pytest.mark.parametrize("protocol", NAMES)
async def test_a_body_without_an_answer(protocol: str) -> None:
    """P2: an empty 200, white space, signs of life and a close: truncated, with no text."""
    for wire in (b"", b"\n\n", b"".join(SPOKEN[protocol].alive) * 3):
        told = await heard(protocol, wire, 7)

        assert told.end.outcome == "truncated"
        assert (told.kind, said(told)) == ("truncated", Meaning({}, set()))


@pytest.mark.parametrize("protocol", NAMES)
async def test_an_error_first(protocol: str) -> None:
    """P2, V16: an error in the place of an answer, and text and an end marker behind it: an error, and
    nothing else."""
    spoken = SPOKEN[protocol]
    for error in spoken.errors:
        comma = b"," if FRAMING[protocol] == "ndjson" and protocol.endswith("array") else b""
        told = await heard(protocol, error + comma + spoken.late + comma + spoken.end, 5000)

        assert told.end.outcome == "error"
        assert said(told).texts == {}
