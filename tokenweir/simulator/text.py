"""What the simulator says, and how it is cut into tokens.

Law of this file: pure text. A token here is a word-like piece with the space before it (" am"), and
the joined tokens of a text are the text exactly. It is the simulator's own way of counting; no
model's vocabulary is meant.
"""

import re

from msgspec import Struct

from tokenweir.pipeline.errors import MisuseError

_TOKEN = re.compile(
    r"\s?[^\W\u2e80-\U0010ffff]{1,16}"  # a word; long ones in pieces
    r"|\s?[^\w\s]"  # a sign
    r"|\s"
    r"|[\u2e80-\U0010ffff]",  # an ideograph
)


def split(text: str) -> tuple[str, ...]:
    """The tokens of a text.

    >>> split("I am, too.")
    ('I', ' am', ',', ' too', '.')
    """
    return tuple(_TOKEN.findall(text))


class Slip(Struct, frozen=True):
    """One cumulative resend that differs: number `at` (from 0) has `wrong` where `right` stood, and
    the next one is right again."""

    at: int
    right: str
    wrong: str


class Script(Struct, frozen=True):
    """A text to say, as its tokens, and the slip that its cumulative form makes, if any.

    Raises MisuseError for a slip that would change nothing.
    """

    tokens: tuple[str, ...]
    slip: Slip | None = None

    def __post_init__(self) -> None:
        if self.slip is not None and self.slip.right not in "".join(self.tokens[: self.slip.at + 1]):
            raise MisuseError(f"{self.slip}: resend number {self.slip.at} does not hold {self.slip.right!r}")

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.tokens)

    def snapshot(self, at: int) -> str:
        """What a cumulative backend sends as chunk number `at` (from 0): all the text so far."""
        said = "".join(self.tokens[: at + 1])
        if self.slip is not None and self.slip.at == at:
            return said.replace(self.slip.right, self.slip.wrong, 1)
        return said


def script_of(text: str) -> Script:
    """A script that says `text`."""
    return Script(split(text))


FOUNDING = Script(
    split(
        "I am an intelligent AI assistant designed to help you with tasks such as reading and writing "
        "files, searching content, and listing directories. I can assist you with any questions or "
        "operations you need done using the tools available to me. How can I help you today?"
    ),
    Slip(39, "listing", "listening"),
)
"""The text of the bug report that this library began with (BUG-2025-09-17-002): 52 chunks of which
each was shown with all that came before it, and one of which changed a word for a moment."""

ABOUT = script_of(
    "I am the simulator of tokenweir: a real server on your own machine that speaks a model's protocol "
    "and has no model. What I say never changes, so that a test can know it by heart. How I say it does: "
    "one token at a time, or everything again with each token; at once, or after loading for a minute; to "
    "the end, or until I break off in the middle of a frame. Whatever I do, a good client shows you this "
    "text once."
)
"""What is said where nothing else was asked for."""
