"""Studies and prescriptions of a user's own model, trained in the user's own process."""
