"""GPU time by posted prices: every provisioned GPU-nanosecond is booked once."""
