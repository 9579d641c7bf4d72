"""The lenses on planted tokens and on the bundled model, as docs/sparse.md has them."""
