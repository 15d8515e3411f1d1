"""Which domains rely on which, and what becomes of those that rely on one that has lapsed."""
