"""The demo: a sample registry, a stand-in source that un-verifies its addresses, and the simulated outside world."""
