"""The examples in the documents."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def examples(page: str, *languages: str) -> list[tuple[str, str]]:
    """Language and text of the examples of a page in these languages, in their order."""
    pattern = rf"^```({'|'.join(languages)})\n(.*?)^```"
    return re.findall(pattern, (ROOT / "docs" / page).read_text(), re.DOTALL | re.MULTILINE)
