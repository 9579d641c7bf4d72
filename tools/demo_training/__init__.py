"""Scripts that train the bundled demo model from freely licensed emoji drawings."""
