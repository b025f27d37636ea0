"""The examination: a few small requests one after the other, each judged, and the profile that follows.

Law of this file: the order of the requests, and when to stop. What is asked stands in questions.py, what
an answer shows in the judges.
"""

from collections.abc import Iterator, Sequence

import anyio

from tokenweir.doctor import judge_request as judge
from tokenweir.doctor.address import Address
from tokenweir.doctor.answer import Answer
from tokenweir.doctor.hearing import Bounds, Heard, hear
from tokenweir.doctor.judge_answer import judge_answer, lacks_finish
from tokenweir.doctor.judging import odd, told, unknown
from tokenweir.doctor.questions import MORE, QUESTIONS, TOKENS, Case, question
from tokenweir.doctor.survey import Place, Tell, source_at, survey
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.connection import Transport
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.models import LOADED_MODEL, Model
from tokenweir.pipeline.sources.connect import connect
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.pipeline.sources.profile import Finding, Profile
from tokenweir.stages.cumulative_detect import Mode

_ASKED_AS = {"lmstudio": "openai-compatible"}
"""Whose requests are made as another provider's: of LM Studio, the face that everyone uses is examined."""

_AGAIN = 0.5
"""Seconds between two tries while a server says that it loads."""

REQUESTS = len(QUESTIONS) + 3
"""How many are made at most: leaving may be tried twice, and someone comes next each time."""


async def examine(
    address: Address,
    tell: Tell,
    *,
    model: str | None = None,
    key: str | None = None,
    may_ask: bool = True,
    bounds: Bounds | None = None,
    transport: Transport | None = None,
) -> Profile | None:
    """Find out what is at an address, and how it behaves; None where nothing is there.

    Each finding is told as it is made. Without `may_ask`, nothing is asked that could cost money.
    `key` is sent to this address and to no other.

    Raises MisuseError where a model has to be chosen first, and for a key that cannot be sent.
    """
    bounds = bounds or Bounds()
    findings: list[Finding] = []

    def keep(finding: Finding) -> None:
        findings.append(finding)
        tell(finding)

    place = await survey(address, key, bounds, keep, transport, may_ask=may_ask)
    if place.server is None:
        return None
    chosen = model or choose(place.models)
    source = _asked_through(place, key, bounds, transport, chosen)
    exam = Examination(source, bounds, keep)
    if not may_ask:
        said = f"not sent: they may cost money. {REQUESTS} at most, with up to {TOKENS} to {MORE} tokens each"
        keep(unknown("requests", said, "--yes sends them"))
    elif chosen is None and (source.model_required or len(place.models) > 1):
        raise MisuseError("which model is to be asked? Choose one with --model")
    else:
        async with source:
            await exam.run()
    return Profile(
        server=str(place.server),
        provider=place.server.provider,
        base_url=address.base_url(place.server.provider),
        model=chosen,
        mode=exam.mode,
        finish_required=exam.finish_required,
        supports_streaming=exam.supports_streaming,
        findings=tuple(findings),
    )


def choose(models: Sequence[Model]) -> str | None:
    """The model to ask: the loaded one, else the smallest that is there, else the only one.

    >>> choose([Model("a", "not_loaded", 9), Model("b", "not_loaded", 3)])
    'b'
    """
    answering = [model for model in models if "embed" not in model.id.casefold()]
    loaded = [model for model in answering if model.state == "loaded"]
    if loaded:
        return loaded[0].id
    if len(answering) == 1:
        return answering[0].id
    sized = [(model.size, model.id) for model in answering if model.size is not None]
    return min(sized)[1] if sized else None


def _asked_through(
    place: Place, key: str | None, bounds: Bounds, transport: Transport | None, model: str | None
) -> HTTPSource:
    source = source_at(place, key, bounds, transport, model)
    instead = _ASKED_AS.get(source.provider)
    if instead is None:
        return source
    made = connect(
        instead, source.base_url, model=model or LOADED_MODEL, api_key=key or "", transport=transport
    )
    assert isinstance(made, HTTPSource)  # noqa: S101 - openai-compatible is one
    return made


class Examination:
    """The requests to one backend; what they showed stands in the attributes afterwards."""

    def __init__(self, source: HTTPSource, bounds: Bounds, tell: Tell) -> None:
        self.supports_streaming = True
        self._source = source
        self._bounds = bounds
        self._tell = tell
        self._answers: list[Answer] = []
        self._refused = 0
        self._waited = 0.0

    @property
    def mode(self) -> Mode | None:
        """How the backend's text is to be read; None where that did not show."""
        readings: set[Mode] = {reading for answer in self._answers for reading in answer.readings}
        if any(answer.repeats for answer in self._answers) or len(readings) > 1:
            return "auto"
        return next(iter(readings), None)

    @property
    def finish_required(self) -> bool:
        """False where every answer ended by its marker alone."""
        return not self._answers or not all(map(lacks_finish, self._answers))

    async def run(self) -> None:
        """Ask everything that is worth asking."""
        first, heard = await self._first()
        if first.content is None:
            await self._without_stream(first, heard)
            return
        self._answers.append(first)
        self._say(judge_answer(first, heard, self._source.protocol))
        if heard.ended == "late":
            self._tell(unknown("the rest", "not asked: it would fall silent again"))
            return
        second, _ = await self._ask("second")
        self._answers.append(second)
        self._tell(judge.load(first, second, self._refused, self._waited))
        self._tell(judge.speed(first))
        self._tell(judge.one_shot(*await self._ask("one-shot")))
        self._tell(judge.tools(*await self._ask("tools")))
        self._tell(judge.wrong_model(*await self._ask("wrong model")))
        self._tell(judge.wrong_parameter(*await self._ask("bad parameter", leave=True)))
        self._tell(await self._cancel(second))

    def _say(self, findings: Iterator[Finding]) -> None:
        for finding in findings:
            self._tell(finding)

    async def _ask(self, case: Case, *, leave: bool = False) -> tuple[Answer, Heard]:
        answer = Answer(self._source.protocol)
        heard = await hear(self._source, question(self._source, case), self._bounds, answer, leave=leave)
        answer.finish(heard.seconds)
        return answer, heard

    async def _first(self) -> tuple[Answer, Heard]:
        """The first answer; while the server says that it loads, it is asked again."""
        clock = running_clock()
        began = clock()
        while True:
            self._waited = clock() - began
            answer, heard = await self._ask("first")
            loads = heard.failure is not None and heard.failure.kind == "model_loading"
            if not loads or clock() - began > self._bounds.first:
                return answer, heard
            self._refused += 1
            await anyio.sleep(_AGAIN)

    async def _without_stream(self, first: Answer, heard: Heard) -> None:
        """It gave no text: perhaps it can only answer whole."""
        whole, once = await self._ask("one-shot")
        if heard.ended == "whole" and whole.content is not None and whole.ended_by_itself:
            self.supports_streaming = False
            does = "tokenweir asks for whole answers, with the profile (supports_streaming)"
            self._tell(odd("answer", f"it does not stream: {told(heard.failure)}", does))
            self._tell(judge.one_shot(whole, once))
        else:
            self._say(judge_answer(first, heard, self._source.protocol))

    async def _cancel(self, usual: Answer) -> Finding:
        """Leave in the middle, and see how long the next answer takes. Where it is late, once more: a
        server may be late for a reason of its own."""
        left, after, heard = await self._leave()
        if left.ended == "left" and judge.is_late(after, usual):
            left, after, heard = await self._leave()
        return judge.cancel(left, after, heard, usual)

    async def _leave(self) -> tuple[Heard, Answer, Heard]:
        _, left = await self._ask("long", leave=True)
        return left, *await self._ask("second")
