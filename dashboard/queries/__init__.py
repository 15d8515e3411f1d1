"""The read side of the screens: filters, keyset pages, counts. Never writes."""
