"""The frozen records that the store takes and returns, one file per noun. Rows never leave the store."""
