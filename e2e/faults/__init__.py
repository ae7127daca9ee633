"""What goes wrong on a night of gifts, done on purpose, with real processes and real browsers."""
