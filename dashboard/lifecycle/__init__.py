"""The pure heart: what a domain's evidence means. Values in, values out; no Flask, no database, no network."""
