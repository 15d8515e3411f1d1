"""WHOIS: a tolerant reader of its replies, and the look-up over port 43."""
