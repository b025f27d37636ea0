"""How much more text is allowed: for stages that bound an answer by characters or tokens.

Law of this file: measuring. Tokens are estimated as token_count does where nobody counts, so that a
bound in tokens is as far off as that estimate: up to a half for code and for other scripts.
"""

from typing import Literal

from tokenweir.stages.text_cuts import cut_before
from tokenweir.stages.token_count import BYTES_PER_TOKEN

Unit = Literal["characters", "tokens"]


class Allowance:
    """What is left of `size` characters (code points), or of `size` tokens."""

    def __init__(self, unit: Unit, size: int) -> None:
        self.unit: Unit = unit
        self.size = size
        self._left = size if unit == "characters" else size * BYTES_PER_TOKEN

    @property
    def spent(self) -> bool:
        """Whether nothing more is allowed."""
        return self._left == 0

    def spend(self, text: str) -> str:
        """As much of `text` as is allowed; where it must be cut, no visible character is parted."""
        cost, fitting = self._measure(text)
        if cost <= self._left:
            self._left -= cost
            return text
        self._left = 0
        return text[: cut_before(text, fitting)]

    def _measure(self, text: str) -> tuple[int, int]:
        """What the text costs, and how many of its characters are allowed."""
        if self.unit == "characters" or text.isascii():
            return len(text), self._left
        encoded = text.encode("utf-8", "replace")
        return len(encoded), len(encoded[: self._left].decode("utf-8", "ignore"))
