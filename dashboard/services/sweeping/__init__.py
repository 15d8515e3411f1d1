"""The daily DNS sweep: claim the domains whose turn it is, record what their answers make due."""
