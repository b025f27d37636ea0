"""How a stream went, in one line for people: its figures, or what broke and what to do.

Law of this file: pure; values in, one line out, harmless on a terminal.
"""

from collections.abc import Mapping

from tokenweir.pipeline.events import Failure, FailureKind, Stats, Usage
from tokenweir.pipeline.visible import visible

_ADVICE: Mapping[FailureKind, str] = {
    "connect": "does it run? its address is given with --base-url",
    "auth": "name the variable that holds the key with --api-key-env",
    "context_length": "shorten the prompt, or load the model with a longer context",
    "model_not_found": "choose one that the backend has with --model",
    "rate_limited": "ask again later",
    "overloaded": "ask again later",
    "model_crashed": "the backend's own log says why",
    "truncated": "what was shown is not the whole answer; ask again",
    "protocol": "is --base-url the address of an OpenAI-compatible API?",
}


def failure_line(failure: Failure) -> str:
    """What broke, then what to do about it where that is known.

    >>> failure_line(Failure("connect", "nobody answered at localhost:1234"))
    'connect: nobody answered at localhost:1234 (does it run? its address is given with --base-url)'
    """
    said = visible(" ".join(failure.message.split()))
    advice = _ADVICE.get(failure.kind)
    return f"{failure.kind}: {said}" + (f" ({advice})" if advice else "")


def stats_line(usage: Usage | None, stats: Stats) -> str:
    """The figures of one stream. `~` stands before what is estimated; what nobody knows is left out.

    >>> stats_line(Usage(19, 54), Stats(duration=6.52, tokens_per_second=244.2, amplification=26.5))
    'Ctx: 19 tk | Gen: 54 tk | 244.2 tk/s | 6.52s | amplification 26.5x'
    """
    usage = usage or Usage()
    about = "~" if usage.source == "estimated" else ""
    parts = [
        None if usage.input is None else f"Ctx: {usage.input} tk",
        None if usage.output is None else f"Gen: {about}{usage.output} tk",
        None if stats.tokens_per_second is None else f"{about}{stats.tokens_per_second:.1f} tk/s",
        f"{stats.duration:.2f}s",
        f"amplification {stats.amplification:.1f}x",
    ]
    return " | ".join(part for part in parts if part is not None)
