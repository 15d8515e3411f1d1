"""Early warnings: begun and ended by checks, sent to sources in measure."""
