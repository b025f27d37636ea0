r"""Text that a terminal or a log line can show without obeying it.

Law of this file: one state-free mapping, character by character, so that where the text was cut
changes nothing. What it turns into visible escapes is everything that steers instead of being seen:
C0 controls but newline and tab, ESC, DEL, C1 controls (a terminal may take U+009B for CSI), and the
bidirectional marks, overrides and isolates, which reorder what stands around them.
"""

from collections.abc import Mapping
from typing import Final

_C0 = (*range(0x09), *range(0x0B, 0x20))
_DEL_C1 = range(0x7F, 0xA0)
_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))

_ESCAPES: Final[Mapping[int, str]] = {
    **{code: f"\\x{code:02x}" for code in (*_C0, *_DEL_C1)},
    **{code: f"\\u{code:04x}" for code in _BIDI},
}


def visible(text: str) -> str:
    r"""Escape what steers a terminal; everything else, newline and tab too, stays as it is.

    For eyes, not for parsers: an escape and the same characters typed out look alike.

    >>> visible("red \x1b[31m, back\r, \u202egnol")
    'red \\x1b[31m, back\\x0d, \\u202egnol'
    """
    # None of the escaped characters is printable to Python, and this test costs a tenth of translate.
    return text if text.isprintable() else text.translate(_ESCAPES)
