"""Every cut of every transcript: what is delivered is a prefix, and only a whole answer is complete."""

import itertools
from typing import Any

import pytest

from tests.reader import Heard, hear
from tests.transcripts import TRANSCRIPTS, Transcript
from tests.virtual import virtual
from tokenweir import Deadlines, Done, Failure, Pipeline
from tokenweir.pipeline.assemble import Assembly
from tokenweir.stages import decode_protocol, sse_decode
from tokenweir.testing import ScriptedSource, Step

pytestmark = pytest.mark.anyio

NAMES = list(TRANSCRIPTS)
FAULT = Failure("truncated", "the connection broke")
HASTY = Deadlines(first_token=5.0, silence=5.0)
CUT_SHORT = {"end of body": "truncated", "fault": "truncated", "rescue": "truncated", "stall": "timeout"}
"""How a body ends -> the outcome where that was too early."""


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


def meaning(answer: Assembly) -> dict[str, str]:
    """All that an answer says, by place."""
    said = {f"text {index}": answer.text(index) for index in range(2)}
    said["reasoning"] = answer.text(channel="reasoning")
    for call in answer.tool_calls():
        said[f"arguments of {call['name']}"] = call["arguments"]
    return said


def full(transcript: Transcript) -> dict[str, str]:
    """What the whole transcript says, as it is written down beside it."""
    said = {
        "text 0": transcript.text,
        "text 1": "".join(transcript.others),
        "reasoning": transcript.reasoning,
    }
    named = zip(("find", "now"), transcript.arguments, strict=False)
    return said | {f"arguments of {name}": arguments for name, arguments in named}


def assert_prefix(answer: Assembly, transcript: Transcript) -> None:
    """Nothing that the transcript does not say, in its place and its order."""
    whole = full(transcript)
    for place, said in meaning(answer).items():
        assert whole[place].startswith(said), (place, said)


def expected(transcript: Transcript, cut: int, cut_short: str = "truncated") -> set[str]:
    """The outcomes that may come of a cut there."""
    if transcript.error is not None:
        return {cut_short, "error"} if cut < len(transcript.body) else {"error"}
    return {"complete"} if cut >= transcript.complete else {cut_short}


@pytest.mark.parametrize("name", NAMES)
def test_every_cut_of_the_cores(name: str) -> None:
    """P1, P2, P3, V01: at every byte, in one read and byte by byte: the same prefix of the meaning, at
    most one last word, and it is a good one exactly from the place on where the answer is whole."""
    transcript = TRANSCRIPTS[name]
    stage = sse_decode() | decode_protocol("openai-chat")
    stepwise = stage.core()
    early = Assembly()
    for cut in range(len(transcript.body) + 1):
        if cut:
            early.feed(stepwise.feed([transcript.body[cut - 1 : cut]]))
        core = stage.core()
        events = core.feed([transcript.body[:cut]]) + core.finish()
        at_once = Assembly()
        at_once.feed(events)
        words = [event for event in events if isinstance(event, Done)]

        assert core.error is None
        assert len(words) <= 1
        assert_prefix(at_once, transcript)
        assert_prefix(early, transcript)
        assert all(
            said.startswith(meaning(early)[place])
            for place, said in meaning(at_once).items()
            if place in meaning(early)
        )
        told = "truncated" if not words else "complete" if words[0].failure is None else "error"
        assert told in expected(transcript, cut), cut


@pytest.mark.parametrize(("name", "ending"), list(itertools.product(NAMES, CUT_SHORT)))
async def test_cuts_through_a_stream(name: str, ending: str) -> None:
    """P1, P2, U06, U07: cut by the end of the body, by a fault (with the last bytes still in the
    transport's hands, or not) and by a stall: a prefix, one End, and its outcome is right."""
    transcript = TRANSCRIPTS[name]
    size = len(transcript.body)
    cuts = {*range(0, size, 31), transcript.complete - 1, transcript.complete, size}
    for cut in sorted(cut for cut in cuts if cut <= size):
        for step in (size, 11) if cut % 5 == 0 else (size,):
            heard = await cut_short(transcript.body[:cut], ending, step)

            assert_prefix(heard.answer, transcript)
            assert heard.end.outcome in expected(transcript, cut, CUT_SHORT[ending]), cut
            if cut == size:
                assert meaning(heard.answer) == full(transcript)
                assert heard.kind == transcript.error


async def cut_short(body: bytes, ending: str, size: int) -> Heard:
    """A stream that gets these bytes and then its end."""
    kept = len(body) - 1 if ending == "rescue" and body else len(body)
    script: list[Step] = [body[at : min(at + size, kept)] for at in range(0, kept, size)]
    rescue = body[kept:]
    if ending == "stall":
        script.append(1000.0)
    elif ending != "end of body":
        script.append(FAULT)
    return await hear(Pipeline(ScriptedSource(script, rescue=rescue, deadlines=HASTY)).stream("hi"))


@pytest.mark.parametrize("name", NAMES)
async def test_the_transcripts_mean_what_they_say(name: str) -> None:
    """P1: uncut, every transcript is told whole."""
    transcript = TRANSCRIPTS[name]
    heard = await hear(Pipeline(ScriptedSource([transcript.body])).stream("hi"))

    assert meaning(heard.answer) == full(transcript)
    assert heard.end.outcome == ("error" if transcript.error else "complete")
