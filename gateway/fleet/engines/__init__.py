"""What the engines behind the replicas say of themselves: their metrics pages, read once a second."""
