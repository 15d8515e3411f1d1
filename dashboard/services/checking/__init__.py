"""Checking domains: claim the due ones, gather what is known of them, record what providers said."""
