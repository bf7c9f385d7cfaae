"""Stand-in engines that speak real wire formats on loopback, for the demo and the tests."""
