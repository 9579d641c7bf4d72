"""The terminal app: it reads sessions and asks recorders to pause or stop; it never records itself."""
