"""The service: everything that touches the network, the clock or the disk."""
