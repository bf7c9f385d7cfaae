"""Pure decisions: no network, clock, file, database or randomness."""
