"""tokenweir: one clean stream of token events from any LLM backend.

>>> from tokenweir import Pipeline, connect
>>> Pipeline(connect("lmstudio"))
<Pipeline lmstudio | sse_decode | decode_protocol(lmstudio) | cumulative_detect(auto) | delta_extract>
"""

from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import MisuseError, StreamError, TokenweirError
from tokenweir.pipeline.events import (
    Delta,
    Done,
    End,
    Event,
    Extra,
    Failure,
    Finish,
    Gap,
    Phase,
    Revise,
    Snapshot,
    Start,
    Stats,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.keep_warm import keep_warm
from tokenweir.pipeline.run import Pipeline, Report
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.choice import fallback, first_token_wins
from tokenweir.pipeline.sources.connect import connect
from tokenweir.pipeline.stage import Stage
from tokenweir.pipeline.stream import Stream

__all__ = [
    "Deadlines",
    "Delta",
    "Done",
    "End",
    "Event",
    "Extra",
    "Failure",
    "Finish",
    "Gap",
    "MisuseError",
    "Phase",
    "Pipeline",
    "Report",
    "Revise",
    "Snapshot",
    "Source",
    "Stage",
    "Start",
    "Stats",
    "Stream",
    "StreamError",
    "TokenweirError",
    "ToolDelta",
    "Usage",
    "connect",
    "fallback",
    "first_token_wins",
    "keep_warm",
]
