"""Which text of an item each of its wholes is, where the wholes have no numbers: by their order.

Law of this file: matching only. The list of parts in which an item comes whole may leave out texts of
which nothing was said, or have them as empty parts, whatever numbers the deltas had (PROTOCOLS 7.1).
"""

from collections import deque
from collections.abc import Mapping
from itertools import count

from tokenweir.pipeline.protocols.verified_text import Text


class Places:
    """The texts of one kind that no whole was held against yet, as they stand when the first whole
    comes; `texts` is index -> text."""

    def __init__(self, texts: Mapping[int, Text]) -> None:
        known = sorted(texts)
        self._texts = dict(texts)
        self._silent = deque(index for index in known if not texts[index].size)
        self._spoken = deque(index for index in known if texts[index].size)
        self._free = count(known[-1] + 1 if known else 0)

    def take(self, text: str) -> int | None:
        """The index of the text that the next whole is; None for an empty one of which nothing was said.

        An empty whole stands for a text in which nothing was said. Any other is the next text, which is
        one in which nothing was said only where the text after it is not the same: so nothing is said
        twice.

        >>> silent, spoken = Text(), Text()
        >>> spoken.say("Hi")
        >>> places = Places({0: silent, 1: spoken})
        >>> [places.take(text) for text in ("", "Hi", "more", "")]
        [0, 1, 2, None]
        """
        first = self._silent_comes_first()
        if not text:
            return self._silent.popleft() if first else None
        if first and not (self._spoken and self._texts[self._spoken[0]].may_be(text)):
            return self._silent.popleft()
        while self._silent_comes_first():
            self._silent.popleft()
        return self._spoken.popleft() if self._spoken else next(self._free)

    def _silent_comes_first(self) -> bool:
        return bool(self._silent) and (not self._spoken or self._silent[0] < self._spoken[0])
