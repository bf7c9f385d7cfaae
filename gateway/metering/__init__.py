"""What a request used and what that cost: charges, GPU time, Prometheus."""
