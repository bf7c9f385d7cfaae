"""What happened, kept: the journal, and the databases it is shipped to."""
