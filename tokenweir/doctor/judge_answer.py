"""The judge of a streamed answer: how its text comes, and how it ends.

Law of this file: pure; an Answer and how it was heard in, one finding for each question out. A finding
says what was seen, and what tokenweir does about it.
"""

from collections.abc import Iterator, Mapping

from tokenweir.doctor.answer import Answer
from tokenweir.doctor.hearing import Heard
from tokenweir.doctor.judging import bad, count, how_ended, odd, ok, seconds, told, unknown
from tokenweir.pipeline.sources.profile import Finding

MARKERS: Mapping[str, str] = {
    "anthropic": "message_stop",
    "lmstudio-v1": "chat.end",
    "ollama-chat": "done: true",
    "openai-chat": "[DONE]",
    "openai-responses": "response.completed",
}
"""Protocol -> what a whole answer ends with; gemini has nothing but the end of the body."""

_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
_TAGS = ("<think>", "</think>", "<thinking>")
_SILENCE = 1.0
"""Seconds of waiting from which on a sign of life is worth a word."""


def judge_answer(answer: Answer, heard: Heard, protocol: str) -> Iterator[Finding]:
    """All that one streamed answer shows."""
    yield first_words(answer, heard)
    if answer.content is None:
        return
    yield text(answer)
    yield repeat(answer)
    yield encoding(answer)
    yield end(answer, heard, protocol)
    yield after_the_end(answer, heard)
    yield finish(answer)
    yield usage(answer)
    yield reasoning(answer)
    yield keep_alives(answer)


def first_words(answer: Answer, heard: Heard) -> Finding:
    """Whether it answers at all."""
    name = "answer"
    if answer.content is not None:
        return ok(name, f"{heard.status}, first token after {seconds(answer.content)}")
    failure = heard.failure or (answer.done.failure if answer.done else None)
    if failure is not None:
        return bad(name, f"no text: {told(failure)}", "that is the error that a stream ends with")
    if heard.ended == "late":
        said = f"no text within {seconds(heard.seconds)}"
        return bad(name, said, "a stream ends with a timeout; Deadlines(first_token=...) allows more")
    if answer.ended_by_itself:
        return bad(name, "a whole answer without any text", "a stream gives just that, and says complete")
    return bad(name, f"status {heard.status}, and then nothing", "a stream ends truncated")


def text(answer: Answer) -> Finding:
    """Deltas, or everything so far with each chunk."""
    name, channel = "text", answer.spoken
    sent = answer.chunks.get(channel, [])
    reading = answer.reading(channel)
    size = f"{count(len(sent), 'chunk')}, {answer.size} characters"
    if len(answer.readings) > 1:
        return odd(
            name, f"some channels are deltas, some are resent ({size})", "tokenweir reads each by itself"
        )
    if reading == "cumulative":
        return odd(
            name, f"cumulative: each chunk resends everything ({size})", "tokenweir gives each piece once"
        )
    if reading == "delta":
        return ok(name, f"deltas ({size})")
    if len(sent) == 1 and answer.ended_by_itself:
        return odd(name, "everything in one piece", "tokenweir gives it as it comes: late, and whole")
    return unknown(name, f"too few chunks to tell: {len(sent)}")


def repeat(answer: Answer) -> Finding:
    """The whole text once more at the end."""
    name = "repeat"
    if answer.repeats:
        return odd(name, "one last chunk repeats everything", 'mode "auto" takes it out')
    if answer.closing and answer.closing == "".join(answer.chunks.get("text", ())):
        return odd(name, "the last chunk's `message` repeats everything", "tokenweir leaves it out")
    return ok(name, "nothing is said again at the end")


def encoding(answer: Answer) -> Finding:
    """Bytes that are no text."""
    name = "encoding"
    if answer.not_utf8:
        said = f"{count(answer.not_utf8, 'chunk')} of bytes that are not UTF-8"
        return odd(name, said, "what is no character becomes U+FFFD")
    if answer.halves:
        return odd(
            name,
            f"half a character in {count(answer.halves, 'chunk')}",
            "tokenweir joins the halves that fit",
        )
    return ok(name, "UTF-8, whole characters")


def end(answer: Answer, heard: Heard, protocol: str) -> Finding:
    """The end marker, or what came in its place."""
    name, marker = "end", MARKERS.get(protocol)
    failure = answer.done.failure if answer.done else None
    if failure is not None and not lacks_finish(answer):
        return bad(name, f"it breaks off: {told(failure)}", "a stream gives what came, then that error")
    if answer.done is None:
        if heard.ended == "whole":
            said = "neither a finish nor an end marker: a cut looks just like it"
            return bad(name, said, "a stream ends truncated")
        return bad(name, f"in the middle: {how_ended(heard)}", "a stream gives what came, then that error")
    if not answer.marked and marker is not None:
        return odd(name, f"{marker} never comes", "tokenweir goes by the finish reason")
    return ok(name, marker or "the body ends, as it does in this protocol")


def lacks_finish(answer: Answer) -> bool:
    """Whether the backend said that it is done, and nothing of why."""
    failure = answer.done.failure if answer.done else None
    return failure is not None and failure.kind == "truncated" and not answer.finishes and answer.marked


def after_the_end(answer: Answer, heard: Heard) -> Finding:
    """What comes when all has been said."""
    name = "after the end"
    if answer.over is None or not (answer.ended_by_itself or lacks_finish(answer)):
        return unknown(name, "it had no end")
    if answer.after:
        return odd(name, count(answer.after, "more chunk"), "tokenweir ignores them")
    if heard.ended == "open":
        return odd(name, "the body stays open", "tokenweir closes the connection a quarter of a second later")
    return ok(name, "nothing")


def finish(answer: Answer) -> Finding:
    """The reason why it ended."""
    name = "finish"
    if lacks_finish(answer):
        said = "the end marker comes without a finish reason"
        return odd(
            name, said, "tokenweir takes that for a cut; with the profile (finish_required) it is whole"
        )
    if not answer.finishes:
        return unknown(name, "it did not come to its end")
    last = answer.finishes[-1]
    if last.reason == "other":
        return odd(name, f"{last.native!r}", 'the reason is "other", and Finish.native has the word')
    return ok(name, last.native or last.reason)


def usage(answer: Answer) -> Finding:
    """The token figures."""
    name, told_usage = "usage", answer.clean.usage
    if told_usage is None or told_usage.output is None:
        if answer.done is None or answer.done.failure is not None:
            return unknown(name, "it did not come to its end")
        return odd(name, "none, though it was asked for", "token_count() counts or estimates")
    return ok(name, f"{told_usage.input} in, {told_usage.output} out")


def reasoning(answer: Answer) -> Finding:
    """Where thoughts are."""
    name = "reasoning"
    fields = {field for delta in answer.deltas() for field in _FIELDS if delta.get(field)}
    if fields:
        return ok(name, f"in {' and '.join(sorted(fields))}")
    if "reasoning" in answer.chunks:
        return ok(name, "in its own channel")
    if any(tag in "".join(answer.chunks.get("text", ())) for tag in _TAGS):
        return odd(name, "between tags in the text", "add the stage reasoning_split()")
    return ok(name, "none seen")


def keep_alives(answer: Answer) -> Finding:
    """Signs of life."""
    name = "keep-alives"
    if answer.before or answer.during:
        return ok(name, f"{answer.before} before the first token, {answer.during} after it")
    if answer.content is not None and answer.content > _SILENCE:
        said = f"none in the {seconds(answer.content)} before the first token"
        return odd(name, said, "tokenweir says once a second what it waits for")
    return ok(name, "none, and none was needed")
