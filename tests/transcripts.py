"""What a backend may send as openai-chat, written by hand: bytes, and what they mean.

Law of this file: values only. The bytes are the test's own; the meaning is written down beside them,
so that no decoder is its own judge.
"""

import json
from typing import Any, NamedTuple


class Transcript(NamedTuple):
    """A body; what it means; `complete` is the number of bytes from which on a cut is no loss of the
    answer (every choice has its finish reason, and the frame that brings the last one can be read)."""

    body: bytes
    complete: int
    text: str = ""
    reasoning: str = ""
    arguments: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """The texts of choices 1, 2, ..."""
    error: str | None = None
    """The kind of the failure that the backend itself tells."""


def frame(**fields: Any) -> bytes:
    """One event."""
    return b"data: " + json.dumps(fields, ensure_ascii=False).encode() + b"\n\n"


def entry(index: int = 0, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """One entry of `choices`."""
    return {"index": index, "delta": delta, "finish_reason": finish}


def chunk(*entries: dict[str, Any], **fields: Any) -> bytes:
    """One chunk of an answer named `a1`."""
    return frame(id="a1", model="m", created=1, choices=list(entries), **fields)


def text(content: str, finish: str | None = None) -> bytes:
    """One chunk with text of choice 0."""
    return chunk(entry(0, finish, content=content))


STOP = chunk(entry(0, "stop"))
DONE = b"data: [DONE]\n\n"
USAGE = frame(id="a1", choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})
PING = b": ping\n\n"

HELLO = text("Hel") + text("lo") + STOP + DONE
"""The shortest answer that has everything."""


def _through(*frames: bytes, unended: int = 2) -> int:
    """The bytes from which on the last of these frames can be read: its line ends may be missing,
    since an unfinished last event that is whole JSON counts."""
    return sum(map(len, frames)) - unended


def _plain() -> Transcript:
    frames = [chunk(entry(role="assistant")), text("Hé"), text("llo 🙂"), STOP]
    return Transcript(b"".join([*frames, USAGE, DONE]), _through(*frames), "Héllo 🙂")


def _reasoning() -> Transcript:
    frames = [
        chunk(entry(reasoning_content="Let me ")),
        PING,
        chunk(entry(reasoning_content="see.")),
        text("Yes"),
        text(".", "stop"),
    ]
    return Transcript(b"".join([*frames, DONE]), _through(*frames), "Yes.", "Let me see.")


def _tools() -> Transcript:
    def call(at: int, arguments: str, **named: str) -> bytes:
        function = {"arguments": arguments, **({"name": named["name"]} if named else {})}
        begun = {"id": named["id"], "type": "function"} if named else {}
        return chunk(entry(tool_calls=[{"index": at, "function": function, **begun}]))

    frames = [
        text("I look."),
        call(0, "", id="c0", name="find"),
        call(0, '{"q":'),
        call(0, '"é"}'),
        call(1, "{}", id="c1", name="now"),
        chunk(entry(0, "tool_calls")),
    ]
    return Transcript(b"".join([*frames, DONE]), _through(*frames), "I look.", arguments=('{"q":"é"}', "{}"))


def _choices() -> Transcript:
    frames = [
        chunk(entry(0, content="a"), entry(1, content="b")),
        chunk(entry(1, content="B")),
        chunk(entry(1, "length")),
        chunk(entry(0, "stop", content="A")),
    ]
    return Transcript(b"".join([*frames, DONE]), _through(*frames), "aA", others=("bB",))


def _error() -> Transcript:
    frames = [text("So "), text("far"), frame(error={"message": "CUDA out of memory", "code": 500})]
    body = b"".join([*frames, DONE])
    return Transcript(body, len(body) + 1, "So far", error="upstream")


def _line_ends() -> Transcript:
    """Carriage returns, a comment, an event name and an id; no marker at the end."""
    frames = [
        b"\xef\xbb\xbf: hello\r\n\r\n",
        b"event: message\r\nid: 1\r\n" + text("one\u2028")[:-2] + b"\r\n\r\n",
        text("two")[:-2] + b"\r\r",
        STOP,
    ]
    return Transcript(b"".join(frames), _through(*frames), "one\u2028two")


TRANSCRIPTS: dict[str, Transcript] = {
    "text": _plain(),
    "reasoning": _reasoning(),
    "tools": _tools(),
    "two choices": _choices(),
    "error": _error(),
    "line ends": _line_ends(),
}
