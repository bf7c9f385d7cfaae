"""Each wire, both ways."""
