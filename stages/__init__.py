"""The stages: what is done to a stream, one verb a file."""

from tokenweir.stages.append_only import append_only
from tokenweir.stages.cumulative_detect import cumulative_detect
from tokenweir.stages.decode_protocol import decode_protocol
from tokenweir.stages.delta_extract import delta_extract
from tokenweir.stages.sse_decode import sse_decode
from tokenweir.stages.token_count import token_count

__all__ = [
    "append_only",
    "cumulative_detect",
    "decode_protocol",
    "delta_extract",
    "sse_decode",
    "token_count",
]
