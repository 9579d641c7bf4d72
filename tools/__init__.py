"""What writes parts of the repository: pages of the documentation."""
