"""The replicas: where they are, how healthy, what their engines report."""
