"""The stages: what is done to a stream, one verb a file."""

from tokenweir.stages.append_only import append_only
from tokenweir.stages.coalesce import coalesce
from tokenweir.stages.cumulative_detect import cumulative_detect
from tokenweir.stages.decode_protocol import decode_protocol
from tokenweir.stages.delta_extract import delta_extract
from tokenweir.stages.limit import limit
from tokenweir.stages.ndjson_decode import ndjson_decode
from tokenweir.stages.reasoning_split import reasoning_split
from tokenweir.stages.sse_decode import sse_decode
from tokenweir.stages.stop_at import stop_at
from tokenweir.stages.take import take
from tokenweir.stages.throttle import throttle
from tokenweir.stages.token_count import token_count

__all__ = [
    "append_only",
    "coalesce",
    "cumulative_detect",
    "decode_protocol",
    "delta_extract",
    "limit",
    "ndjson_decode",
    "reasoning_split",
    "sse_decode",
    "stop_at",
    "take",
    "throttle",
    "token_count",
]
