"""The story in docs/simulation.md, as the simulation tells it.

`python -m tests.simulation.telling.docs` writes it anew.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.simulation.telling.timeline import MEANINGS

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "simulation.md"
SEED = 2
_BLOCK = re.compile(
    rf"(?<=^```\nmake simulate STORY=1 SEED={SEED}\n```\n\n```\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL
)
_ENTRY = re.compile(r" *[\d.]+ s  (\S+) +(.*)")
_NAMES = re.compile(r"\b(web|pre-check-database)(-[0-9a-z]+)+")


def told() -> str:
    """What the command prints today."""
    command = [sys.executable, "-m", "tests.simulation", "--story", "--seed", str(SEED)]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def written() -> str:
    """What the page says that it prints. Raises ValueError if there is no story on the page."""
    found = _BLOCK.search(PAGE.read_text())
    if found is None:
        raise ValueError(f"{PAGE.name} has no story of seed {SEED}")
    return found[1]


def events(story: str) -> Counter[str]:
    """Who did what, how often: without times, without the parts of names that are drawn or hashed.

    What is close in time may come in another order, and then is explained elsewhere, without being another story.
    """
    texts: list[str] = []
    for line in story.splitlines():
        entry = _ENTRY.fullmatch(line)
        if entry:
            texts.append(f"{entry[1]} {entry[2].strip()}")
        elif line.startswith(" "):
            texts[-1] += f" {line.strip()}"
        elif line:
            texts.append(re.sub(r"[\d.]+", "#", line))
    for word, meaning in MEANINGS.items():
        texts = [text.replace(f" ({word}: {meaning})", "") for text in texts]
    return Counter(_NAMES.sub(r"\1-…", text) for text in texts)


def main() -> int:
    written()
    story = told()
    PAGE.write_text(_BLOCK.sub(lambda _: story, PAGE.read_text(), count=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
