"""What the session screen does, each part on its own and without the screen."""
