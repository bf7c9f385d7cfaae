"""The electricity meters of GPUs: the driver's own on this host, or a DCGM exporter's page."""
