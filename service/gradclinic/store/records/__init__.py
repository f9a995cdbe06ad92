"""What the store takes and returns: frozen records, one file a noun. Rows never leave the store."""
