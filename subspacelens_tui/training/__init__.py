"""Training sparse autoencoders on the tokens of a session, in a process of its own that imports torch."""
