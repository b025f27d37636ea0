"""Recordings of what backends send: taking one, and serving one. Playing one is the source `replay`."""

from tokenweir.record.recorder import Taken, record

__all__ = ["Taken", "record"]
