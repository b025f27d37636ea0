"""mlx: mlx_lm.server, by default at http://localhost:8080 (PROTOCOLS 5.2).

It loads the model at the first request, and tells the progress of the prompt in keep-alive comments.
"""

from typing import ClassVar

from tokenweir.pipeline.sources.listing import ListingSource


class MLX(ListingSource):
    """mlx_lm.server. Without `model`, the one that the server was started with answers."""

    provider: ClassVar[str] = "mlx"
    default_base_url: ClassVar[str] = "http://localhost:8080/v1"
