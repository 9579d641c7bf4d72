"""Images drawn in the terminal: as half-blocks in any, as graphics where the terminal has them."""
