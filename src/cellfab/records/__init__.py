"""What a run leaves of single cells and postings, written while it goes on and read from its folder."""
