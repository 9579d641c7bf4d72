"""Changes the code at random, one place at a time, and sees whether a test notices."""
