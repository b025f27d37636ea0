"""Where events go: one noun per file."""

from tokenweir.sinks.callback import callback
from tokenweir.sinks.memory import memory
from tokenweir.sinks.stdout import stdout

__all__ = ["callback", "memory", "stdout"]
