"""Where events go: one noun per file."""

from tokenweir.sinks.branch import branch
from tokenweir.sinks.callback import callback
from tokenweir.sinks.fanout import fanout
from tokenweir.sinks.jsonl import jsonl
from tokenweir.sinks.log import log
from tokenweir.sinks.memory import memory
from tokenweir.sinks.queue import queue
from tokenweir.sinks.sse import SSE_HEADERS, sse, sse_frames
from tokenweir.sinks.stdout import stdout
from tokenweir.sinks.websocket import close_code, websocket

__all__ = [
    "SSE_HEADERS",
    "branch",
    "callback",
    "close_code",
    "fanout",
    "jsonl",
    "log",
    "memory",
    "queue",
    "sse",
    "sse_frames",
    "stdout",
    "websocket",
]
