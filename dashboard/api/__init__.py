"""The JSON API, version 1: what a source pulls and acknowledges."""
