"""One training of a study in the user's own process: its seeds, its batches, its loop and its recording."""
