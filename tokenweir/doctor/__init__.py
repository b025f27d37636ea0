"""tokenweir doctor: what a backend is, how it behaves, and what to do about it."""
