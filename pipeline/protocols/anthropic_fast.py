"""anthropic, reading quickly: the payload that nearly every one of an answer is, a delta of text.

Law of this file: typed forms that know no other field, so that whatever has one goes the long way
(anthropic_decode.py), and nothing is dropped unseen.
"""

import msgspec
from msgspec import Struct


class TextDelta(Struct, forbid_unknown_fields=True, gc=False, tag_field="type", tag="text_delta"):
    """A delta that is nothing but text."""

    text: str


class ThinkingDelta(Struct, forbid_unknown_fields=True, gc=False, tag_field="type", tag="thinking_delta"):
    """The same for thinking."""

    thinking: str


class _Payload(Struct, forbid_unknown_fields=True, gc=False, tag_field="type", tag="content_block_delta"):
    delta: TextDelta | ThinkingDelta
    index: int


_payload = msgspec.json.Decoder(_Payload).decode


def decode_fast(data: bytes) -> TextDelta | ThinkingDelta:
    """What a payload says.

    Raises msgspec.DecodeError or UnicodeDecodeError for one of any other form, RecursionError for one that
    is nested too deeply.
    """
    return _payload(data).delta
