"""Use-cases named by verbs. They take a session and `now`, never commit, and return values with reasons."""
