"""The judge of everything around one answer: one-shot answers, tools, refusals, loading, speed, leaving.

Law of this file: pure; what was heard in, one finding for each question out.
"""

import msgspec

from tokenweir.doctor.answer import Answer
from tokenweir.doctor.hearing import Heard
from tokenweir.doctor.judging import bad, brief, count, how_ended, odd, ok, seconds, told, unknown
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.sources.profile import Finding

_REFUSED = range(400, 500)
_OK = 200
_SLOWER, _SLOWER_BY = 2.0, 0.3
"""A first answer is one that loaded where it took so many times longer, and so many seconds."""
_LATE, _LATE_BY = 3.0, 0.25
"""The same for an answer that had to wait for the one that was left."""
_SHORT = 0.02
"""Seconds in which no rate can be told."""
_CALLS = ("get_weather", "<tool_call>", "[TOOL_CALLS]", "<function")


def one_shot(answer: Answer, heard: Heard) -> Finding:
    """An answer without a stream."""
    name = "one-shot"
    failure = _failure(answer, heard)
    if failure is not None:
        return bad(name, told(failure), "stream=False ends with that error")
    if not answer.ended_by_itself or answer.content is None:
        return bad(name, f"no whole answer: {how_ended(heard)}", "stream=False ends truncated")
    if heard.body.lstrip()[:1] not in b"{[":
        return odd(name, "it streams all the same", "tokenweir reads that too")
    return ok(name, f"one JSON object, after {seconds(heard.seconds)}")


def tools(answer: Answer, heard: Heard) -> Finding:
    """What a tool call looks like."""
    name = "tools"
    if heard.failure is not None:
        what = "a request with a tool is refused" if heard.status in _REFUSED else "no whole answer"
        return unknown(name, f"{what}: {told(heard.failure)}")
    if not answer.calls:
        text = "".join(answer.chunks.get("text", ()))
        if any(mark in text for mark in _CALLS):
            said = "the call stands in the text"
            return odd(name, said, "tokenweir leaves text as it is: the server's tool parser is off")
        return unknown(name, "the model made no call")
    pieces = len(answer.chunks.get("tool", ()))
    calls = [call for index in answer.clean.choices for call in answer.clean.tool_calls(index)]
    if any(not _is_json(call["arguments"] or "{}") for call in calls):
        return bad(name, "the arguments are no JSON", "they are given as they came")
    if answer.reading("tool") == "cumulative":
        return odd(
            name, f"arguments are resent with each of {pieces} chunks", "tokenweir gives each piece once"
        )
    if answer.finishes and answer.finishes[-1].native == "stop" and not heard.content_type.endswith("ndjson"):
        return odd(name, 'a call, and then the finish reason "stop"', "go by the calls, not by the reason")
    form = f"in {pieces} fragments" if pieces > 1 else "each call in one piece"
    return ok(name, form)


def wrong_model(answer: Answer, heard: Heard) -> Finding:
    """A model that cannot exist."""
    name = "wrong model"
    if heard.status == _OK and answer.content is not None:
        who = f"{answer.clean.model!r} answers" if answer.clean.model else "and it does not say who answers"
        does = "Start.model says who answered, and a stream warns of it"
        return odd(name, f"any name is served: {brief(who)}", does)
    return _refusal(name, answer, heard, "model_not_found")


def wrong_parameter(answer: Answer, heard: Heard) -> Finding:
    """A parameter of the wrong type."""
    name = "bad parameter"
    if heard.status == _OK and answer.content is not None:
        return odd(name, "it is answered as if nothing were wrong", "check what you send: nobody else does")
    return _refusal(name, answer, heard, "bad_request")


def _refusal(name: str, answer: Answer, heard: Heard, wanted: str) -> Finding:
    failure = _failure(answer, heard)
    if heard.status == _OK and failure is not None:
        said = f"status 200, and an error in the body: {told(failure)}"
        return odd(name, said, "tokenweir reads that too, and ends with that error")
    if heard.status == _OK or failure is None:
        said = "status 200, and then nothing" if heard.status == _OK else how_ended(heard)
        return bad(name, said, "a stream ends with an error that cannot say what was wrong")
    if heard.status is None:
        return bad(name, f"no answer: {told(failure)}", "a stream ends with that error")
    shown = f"{heard.status} {told(failure)}"
    if heard.status not in _REFUSED:
        does = "tokenweir takes that for the backend's fault, and may ask again"
        return odd(name, shown, does)
    if failure.kind != wanted:
        return odd(name, shown, f"the kind is not {wanted}")
    return ok(name, shown)


def _failure(answer: Answer, heard: Heard) -> Failure | None:
    return heard.failure or (answer.done.failure if answer.done else None)


def load(first: Answer, second: Answer, refused: int, waited: float) -> Finding:
    """The first answer against the next. It was `refused` so many times before, for `waited` seconds."""
    name = "load"
    if first.content is None or second.content is None:
        return unknown(name, "there are no two answers to compare")
    came = waited + first.content
    both = f"first token after {seconds(came)}, then after {seconds(second.content)}"
    if refused:
        return ok(name, f"{both}; while it loaded, it said so ({count(refused, 'refusal')})")
    if came <= _SLOWER * second.content + _SLOWER_BY:
        return ok(name, both)
    if first.before:
        return ok(name, f"{both}: it loads at the first request, and says so")
    return odd(name, f"{both}: it loads in silence", "Phase(loading) comes once a second")


def speed(answer: Answer) -> Finding:
    """Tokens per second, after the first."""
    name = "speed"
    if answer.content is None or answer.last is None:
        return unknown(name, "no text")
    took, usage = answer.last - answer.content, answer.clean.usage
    if took < _SHORT:
        return ok(name, "after the first token the rest comes at once")
    if usage is not None and usage.output:
        return ok(name, f"{usage.output / took:.1f} tokens/s after the first")
    return ok(name, f"{answer.size / took:.0f} characters/s after the first")


def is_late(after: Answer, usual: Answer) -> bool:
    """Whether an answer came so late that it had to wait for another."""
    if usual.content is None:
        return False
    return after.content is None or after.content > _LATE * usual.content + _LATE_BY


def cancel(left: Heard, after: Answer, heard: Heard, usual: Answer) -> Finding:
    """Whether leaving is noticed. `after` is the answer that was asked for at once after an answer was
    `left`, and `usual` how that one comes otherwise."""
    name = "cancel"
    if left.ended != "left" or usual.content is None:
        return unknown(name, "no answer could be left in the middle")
    came = heard.seconds if after.content is None else after.content
    if is_late(after, usual):
        usually = f"(usually {seconds(usual.content)})"
        said = f"who came next waited {seconds(came)} {usually}: it generates on for nobody"
        return bad(name, said, "tokenweir closes the connection at once; the rest is the backend's")
    return ok(name, f"who came next was answered after {seconds(came)}")


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
