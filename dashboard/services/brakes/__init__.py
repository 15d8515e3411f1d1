"""Brakes: count new lapses, stop what looks like a provider's fault, let an admin release or discard it."""
