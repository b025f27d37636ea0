"""Configurations as they are read, from what a file would hold.

Law of this file: values; it starts nothing.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tokenweir.config.read import Loaded
from tokenweir.config.schema import Config


def loaded(config: Mapping[str, Any], keys: Mapping[str, bytes] | None = None) -> Loaded:
    """A configuration as it is read, from what a file would hold."""
    made = msgspec.convert(config, Config)
    return Loaded(config=made, keys=dict(keys or {}), backend_keys={}, warnings=(), source="a test")


def backend(provider: str, url: str, **settings: Any) -> dict[str, Any]:
    """A configuration with one backend."""
    return {"inference": {"provider": provider, "base_url": url, **settings}}
