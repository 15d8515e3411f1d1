"""One process tree on one machine: the embedded Valkey, and whatever else `demo` and `run` start."""
