"""openai-responses, reading quickly: the payload that nearly every payload of an answer is.

Law of this file: a typed form that knows no other field, so that whatever has one goes the long way
(openai_responses_decode.py), and nothing is dropped unseen.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Nothing = Annotated[list[Any], Meta(max_length=0)]


class Said(Struct, forbid_unknown_fields=True, gc=False):
    """A delta, and which text it belongs to. `obfuscation` is padding against observers."""

    type: str
    delta: str
    item_id: str | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    sequence_number: int = 0
    logprobs: Nothing = []
    obfuscation: str = ""


decode_fast = msgspec.json.Decoder(Said).decode
"""Raises msgspec.DecodeError, UnicodeDecodeError or RecursionError for a payload of any other form."""
