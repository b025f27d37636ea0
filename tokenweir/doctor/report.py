"""The report, for people: a line for each finding, harmless on any terminal.

Law of this file: pure; values in, lines out. Whatever a backend said goes through `visible`.
"""

from collections.abc import Iterable, Mapping

from tokenweir.doctor.ports import Found
from tokenweir.pipeline.sources.profile import Finding, Verdict
from tokenweir.pipeline.visible import visible

_SIGNS: Mapping[Verdict, str] = {"ok": "ok", "odd": "odd", "bad": "bad", "unknown": "?"}
_NAMES: Mapping[Verdict, str] = {"ok": "ok", "odd": "odd", "bad": "bad", "unknown": "not told"}
_VERDICT, _NAME = 4, 14


def finding_lines(finding: Finding) -> str:
    """One finding: verdict, what was looked at, what was seen; and below, what is done about it.

    >>> print(finding_lines(Finding("end", "odd", "[DONE] never comes", "it goes by the finish reason")))
    odd  end            [DONE] never comes
                        -> it goes by the finish reason
    """
    line = f"{_SIGNS[finding.verdict]:{_VERDICT}} {finding.name:{_NAME}} {_one_line(finding.said)}"
    if not finding.does:
        return line
    return f"{line}\n{'':{_VERDICT}} {'':{_NAME}} -> {_one_line(finding.does)}"


def summary(findings: Iterable[Finding]) -> str:
    """How many of each verdict.

    >>> summary([Finding("end", "ok", "[DONE]"), Finding("text", "odd", "cumulative")])
    '1 ok, 1 odd'
    """
    verdicts = [finding.verdict for finding in findings]
    counts = {name: verdicts.count(verdict) for verdict, name in _NAMES.items()}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def found_lines(found: Found) -> str:
    """One server that was found, and how to go on."""
    return f"{_one_line(str(found.server))} at {found.address.root}\n  tokenweir doctor {found.address.root}"


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))
