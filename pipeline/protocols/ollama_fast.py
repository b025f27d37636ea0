"""ollama, reading quickly: the line that nearly every line of an answer is.

Law of this file: typed forms that know no other field, so that whatever has one goes the long way
(ollama_decode.py), and nothing is dropped unseen.
"""

import msgspec
from msgspec import Struct, field


class Said(Struct, forbid_unknown_fields=True, gc=False):
    """The content of a line that is nothing but text."""

    role: str = ""
    content: str = ""
    thinking: str = ""


class _ChatLine(Struct, forbid_unknown_fields=True, gc=False):
    model: str
    created_at: str
    message: Said
    done: bool


class _GenerateLine(Struct, forbid_unknown_fields=True, gc=False):
    model: str
    created_at: str
    done: bool
    content: str = field(name="response")
    thinking: str = ""


_chat_line = msgspec.json.Decoder(_ChatLine).decode
_generate_line = msgspec.json.Decoder(_GenerateLine).decode


def fast_chat(data: bytes) -> Said | None:
    """What a line of `/api/chat` says; None for the last line.

    Raises msgspec.DecodeError or UnicodeDecodeError for a line of any other form.
    """
    line = _chat_line(data)
    return None if line.done else line.message


def fast_generate(data: bytes) -> Said | None:
    """The same for `/api/generate`."""
    line = _generate_line(data)
    return None if line.done else Said("", line.content, line.thinking)
