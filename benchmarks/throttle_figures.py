"""The figures of throttle: how text flows before it and after it, in virtual time.

    python -m benchmarks.throttle_figures [--rate 60] [--lag 0.5]

Plays each pattern of tests/pacing.py through the stage. A moment is a time at which text came; gaps are
between moments, in milliseconds; `largest` is the most characters that came in one moment; the lag is
how long a character was held; `behind` is how long after the last arrival the last character went on
(where the stream goes on; at its end everything goes on at once). The exit code is 1 where a character
was held longer than the bound.
"""

import argparse
import sys

from tests.pacing import PATTERNS, Flow, flow, lags, play
from tokenweir.stages import throttle

HEAD = (
    f"{'':38}{'moments':>9}{'gap p50':>9}{'p99':>8}{'max':>8}{'largest':>9}"
    f"{'lag p50':>9}{'max':>6}{'behind':>8}"
)


def main() -> int:
    """Play and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throttle_figures")
    parser.add_argument("--rate", type=float, default=60.0, help="pieces a second")
    parser.add_argument("--lag", type=float, default=0.5, help="seconds")
    asked = parser.parse_args()
    worst = 0.0
    print(HEAD)
    for name, before in PATTERNS.items():
        after = play(throttle(rate=asked.rate, lag=asked.lag), before)
        held = lags(before, after)
        worst = max(worst, held[-1])
        behind = after[-1][0] - before[-1][0]
        print(_line(name, flow(before)))
        print(f"{_line('', flow(after))}{_ms(held[len(held) // 2]):>9}{_ms(held[-1]):>6}{_ms(behind):>8}")
    print(f"longest lag {_ms(worst)} ms, allowed {_ms(asked.lag)} ms")
    return int(worst > asked.lag + 1e-6)


def _line(name: str, of: Flow) -> str:
    gaps = f"{_ms(of.gap_p50):>9}{_ms(of.gap_p99):>8}{_ms(of.gap_max):>8}"
    return f"{name:38}{of.moments:>9}{gaps}{of.largest:>9}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


if __name__ == "__main__":
    sys.exit(main())
