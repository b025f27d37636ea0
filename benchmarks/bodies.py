"""What the server sends, and what a reader must have at the end.

Law of this file: pure and repeatable; server and readers make the same bodies from the same workload,
so that nobody has to tell the other what was sent. The chunks have the keys that OpenAI's have.
"""

import json
import random
from functools import cache
from typing import Any, NamedTuple

_SYLLABLES = (
    "ba",
    "co",
    "de",
    "fi",
    "gu",
    "la",
    "me",
    "ni",
    "or",
    "que",
    "ru",
    "to",
    "ul",
    "xi",
    "ther",
    "tion",
)
_MARKS = (",", ".", ";", "?", " —", "\u2019s", ")", "\n\n", "!", ":")
_HEAD = {
    "id": "chatcmpl-BxQ2vLw9mKd0TzRfN4sYhU7pGeJc1",
    "object": "chat.completion.chunk",
    "created": 1763596800,
    "model": "benchmark-8b-instruct",
    "system_fingerprint": "fp_3f58d112f7",
}


class Workload(NamedTuple):
    """What is asked for in one run: `streams` at once, `repeat` times one after another.

    `chunks` counts those with text, per stream. With a `rate` (chunks a second and stream) each is
    sent alone, in its turn, but for the first; without one, all is sent as fast as it is read.
    """

    name: str
    streams: int
    chunks: int
    cumulative: bool = False
    rate: float | None = None
    repeat: int = 1

    @property
    def events(self) -> int:
        """Chunks with text in one run: what cost is divided by."""
        return self.streams * self.chunks * self.repeat


@cache
def deltas(count: int) -> tuple[str, ...]:
    """The pieces of an answer: words with their space, some punctuation, a little of it not ASCII."""
    dice = random.Random(count)  # noqa: S311 - repeatable text, no secret
    made = ["The"]
    while len(made) < count:
        if dice.random() < 0.12:
            made.append(dice.choice(_MARKS))
        else:
            made.append(" " + "".join(dice.choices(_SYLLABLES, k=dice.choice((1, 1, 2, 2, 3)))))
    return tuple(made[:count])


def frames(work: Workload) -> list[bytes]:
    """One stream's events, as they stand in the body: role, text, finish, usage, `[DONE]`."""
    texts = deltas(work.chunks)
    if work.cumulative:
        whole = "".join(texts)
        ends = _running(texts)
        texts = tuple(whole[:end] for end in ends)
    usage = {"prompt_tokens": 12, "completion_tokens": work.chunks, "total_tokens": 12 + work.chunks}
    return [
        _frame([_choice({"role": "assistant", "content": ""})]),
        *(_frame([_choice({"content": text})]) for text in texts),
        _frame([_choice({}, "stop")]),
        _frame([], usage=usage),
        b"data: [DONE]\n\n",
    ]


def _running(texts: tuple[str, ...]) -> list[int]:
    ends, end = list[int](), 0
    for text in texts:
        end += len(text)
        ends.append(end)
    return ends


def _choice(delta: dict[str, str], reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _frame(choices: list[dict[str, Any]], **more: object) -> bytes:
    chunk = json.dumps({**_HEAD, "choices": choices, **more}, ensure_ascii=False, separators=(",", ":"))
    return b"data: " + chunk.encode() + b"\n\n"


def text(work: Workload) -> str:
    """What every reader of one stream must have at the end."""
    return "".join(deltas(work.chunks))


def size(work: Workload) -> int:
    """Bytes of one stream's body, for those who do not read what is in it."""
    return sum(map(len, frames(work)))
