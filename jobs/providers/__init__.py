"""Where evidence comes from: one file a provider, each an async look-up: `Evidence`, or a typed error."""
