"""Output of the command line: charts, tables and text; in colour on a terminal, otherwise plain."""
