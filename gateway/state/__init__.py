"""What several gateways share: in process, or Redis."""
