"""What the API is sent and what it answers, a module for each noun; answers have no defaults: every field is there."""
