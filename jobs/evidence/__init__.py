"""Evidence from files: the providers' own parsers and the product's own classifier, without network or database."""
