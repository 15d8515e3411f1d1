"""The audit chain: declared event types, the one writer of the audit table, and its verifier."""
