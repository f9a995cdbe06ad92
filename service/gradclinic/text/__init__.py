"""What the command line shows: charts, tables, words; in colour on a terminal, elsewhere as plain text."""
