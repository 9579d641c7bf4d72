"""The figures on token vectors instead of image means, and their within-image and between-image parts."""
