"""What metrics are computed from: Gram matrices, scatter matrices, or tokens; one interface for all."""
