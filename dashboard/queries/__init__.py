"""The read side: filters, keyset pages, counts. Never writes."""
