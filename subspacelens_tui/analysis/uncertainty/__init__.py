"""What stands beside a metric: its null under permuted labels, and its jackknife error."""
