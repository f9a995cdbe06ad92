"""Human-readable amounts."""


def bytes_in_words(count: int) -> str:
    """Bytes in a readable unit: `812 bytes`, `3.4 kB`, `12.0 MB`."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} bytes"
