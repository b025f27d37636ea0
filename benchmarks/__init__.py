"""Benchmarks: what a token event costs, beside what others pay for it. See README.md here."""
