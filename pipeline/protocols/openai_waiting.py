"""How clients are told that an answer is still being waited for: a phase as a comment, or as plain words.

Law of this file: pure; nothing is said that nobody told, and nothing of a backend's own text.
"""

from collections.abc import Mapping
from typing import Literal

from tokenweir.pipeline.events import Phase, PhaseName

Phases = Literal["comments", "events", "reasoning", "none"]
"""What becomes of a phase: what no client sees, an event of its own, text, or nothing."""

_WORDS: Mapping[PhaseName, str] = {
    "connecting": "connecting",
    "queued": "waiting for a turn",
    "loading": "loading the model",
}


def comment(phase: Phase) -> bytes:
    """A phase as a comment that no client sees: `: loading 0.42`."""
    progress = "" if phase.progress is None else f" {phase.progress:.2f}"
    return f": {phase.name}{progress}\n\n".encode()


def waiting_line(phase: Phase) -> str:
    r"""What is being waited for, and how far it is (percent), or for how long it has been (whole seconds),
    where somebody knows. A `prefill` without progress is only a sign of life.

    >>> waiting_line(Phase("loading", 0.42)), waiting_line(Phase("prefill", None, None, 12.9))
    ('loading the model (42 %)\n', 'waiting for the first token (12 s)\n')
    """
    waited = "reading the prompt" if phase.progress is not None else "waiting for the first token"
    words = _WORDS.get(phase.name, waited)
    if phase.progress is not None:
        return f"{words} ({phase.progress * 100:.0f} %)\n"
    return f"{words}\n" if phase.elapsed is None else f"{words} ({int(phase.elapsed)} s)\n"
