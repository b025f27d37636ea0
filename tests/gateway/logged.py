"""The gateway's log, kept for a test to search.

Law of this file: configuring; it asserts nothing. What is configured ends with the test.
"""

import logging
from io import StringIO

import structlog

from tokenweir.gateway.log import configure_log


def kept_log() -> StringIO:
    """Where all that is logged from now on is written, at any level, a line of JSON each."""
    written = StringIO()
    configure_log("json")
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(written),
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
    )
    return written
