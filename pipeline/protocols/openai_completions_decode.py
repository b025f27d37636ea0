"""openai-completions, reading: payloads of `/v1/completions` in, events out.

Law of this file: what differs from openai-chat, which is where the text of a choice stands (PROTOCOLS
sections 2 and 5). Pure. Everything around the choices, their ends, the figures and the errors are read
as openai_chat_decode.py reads them.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from tokenweir.pipeline.events import Event
from tokenweir.pipeline.protocols.openai_chat_choice import Choice
from tokenweir.pipeline.protocols.openai_chat_decode import OpenAIChatDecode


class Completion(Choice):
    """One completion: its text stands in the choice itself; a server that answers with a chat's chunks
    is read as one. `echo` makes the prompt a part of the text."""

    __slots__ = ()

    def feed(self, entry: Mapping[str, Any], out: list[Event], *, whole: bool) -> None:
        text = entry.get("text")
        if isinstance(text, str):
            self._text(text, "text", out)
        else:
            super().feed(entry, out, whole=whole)

    def unknown(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        found = super().unknown(entry)
        if isinstance(entry.get("text"), str):
            found.pop("text", None)
        return found


class OpenAICompletionsDecode(OpenAIChatDecode):
    """The core: `SSEEvent | Comment | Done` in, events out; `Done` once, and nothing after it.

    `finish_required=False` is for a backend that is known never to send a finish reason: its
    `[DONE]` alone then completes the answer.
    """

    choice: ClassVar[type[Choice]] = Completion

    def _is_fast(self) -> bool:
        """Never: the fast way knows the chunks of a chat alone."""
        return False
