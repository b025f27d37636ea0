"""The lines for people."""

from tokenweir.doctor.address import Address
from tokenweir.doctor.ports import Found
from tokenweir.doctor.report import finding_lines, found_lines, summary
from tokenweir.doctor.signs import Server
from tokenweir.pipeline.sources.profile import Finding


def test_nothing_steers_the_terminal() -> None:
    """Escapes, overrides and line breaks of a backend are shown, not obeyed."""
    lines = finding_lines(Finding("models", "odd", "a\x1b[2J\nb\u202ec", "\x9b31m"))
    found = found_lines(Found(Address("http://127.0.0.1:1", local=True), Server("LM\x1b Studio", "lmstudio")))

    assert lines.count("\n") == 1
    assert found.count("\n") == 1
    assert all(line.isprintable() for line in (lines + "\n" + found).splitlines())


def test_a_summary_names_what_there_was() -> None:
    """And nothing that there was not."""
    verdicts = [Finding("a", "ok", ""), Finding("b", "bad", ""), Finding("c", "unknown", "")]

    assert summary(verdicts) == "1 ok, 1 bad, 1 not told"
