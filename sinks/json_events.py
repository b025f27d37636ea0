"""An event as JSON that stays on one line.

Law of this file: pure; the one place of the sinks that encodes. Raw JSON of a backend is passed on
as it came, and may hold line breaks: in a format that is cut into lines, those would be ours.
"""

import msgspec

from tokenweir.pipeline.events import Event, Snapshot
from tokenweir.pipeline.sink import refuse_snapshot

_ENCODER = msgspec.json.Encoder()


def event_json(event: Event, receiver: str) -> bytes:
    r"""The event as a JSON object in UTF-8, with its `type`, and no CR or LF anywhere (fault V23).

    Raises StageError at a `Snapshot`, in the name of `receiver`.

    >>> from tokenweir.pipeline.events import Extra, Finish
    >>> event_json(Finish("stop"), "jsonl")
    b'{"type":"finish","reason":"stop","native":null,"index":0}'
    >>> event_json(Extra("logprobs", msgspec.Raw(b'[\n  1\r\n]')), "jsonl")
    b'{"type":"extra","kind":"logprobs","data":[   1  ],"index":null}'
    """
    if isinstance(event, Snapshot):
        refuse_snapshot(receiver)
    encoded = _ENCODER.encode(event)
    if b"\n" in encoded or b"\r" in encoded:
        # Between the tokens of JSON these are white space, and inside a string they cannot stand.
        return encoded.replace(b"\n", b" ").replace(b"\r", b" ")
    return encoded
