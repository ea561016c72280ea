"""Every code block of README.md and the guide is run, and gives what the page says.

The first line or the info string tells what a block is; one that fits nothing here fails the test, so
that none is left out in silence.

- `python`, first line `# name.py`: a module in the page's /srv/wrappers, which is the server's
  `multicorn.python_path`. A module `test_*.py` is also run by pytest, without a server.
- `csv NAME`, `rst NAME` (any language with a file name after it): a file in the page's /srv/data.
- `sql`: statements for psql. All of a page run in order in one session, in a database of the page's own
  named `guide`, as a superuser. The extension is there unless a block of the page creates it.
- `python client`: code of an application. All of a page run in order as one program, between the `sql` blocks
  that surround them, with the client of Wormhole on its path and libpq's variables leading to the database.
- `text` after `sql`: all that psql printed for it, notices and errors included. Blanks at line ends do not
  count, and `…` stands for anything within a line. A `sql` block without it must print nothing. After
  `python client` it is what the program printed.
- `sh`: commands that exist, each a target of the Makefile or a file of `scripts`.

/srv stands for a directory of the page's own in what is run and in what is compared.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, Self

import pytest
from devkit.paths import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devkit.cluster import Cluster

PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
RUN = [path for path in PAGES if "\n```" in path.read_text()]
DATABASE = "guide"
CLIENT = ("python", "client")
MARK = "=== the next block ==="

FENCE = re.compile(
    r"^(?P<fence>```+)(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=fence)[ ]*$", re.MULTILINE | re.DOTALL
)
MODULE = re.compile(r"# (?P<name>\w+\.py)\n")
FILE = re.compile(r"[\w-]+(\.[\w-]+)+")
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
COMMAND = re.compile(r"make (?P<target>[a-z0-9-]+)|(?P<script>scripts/[a-z]+)")


@dataclass(frozen=True)
class Block:
    """One fenced block: its info string's words, its text, and the line that it begins in."""

    language: str
    name: str
    text: str
    line: int


@dataclass
class Page:
    """The blocks of a page, sorted by what is done with them."""

    path: Path
    modules: dict[str, str]
    files: dict[str, str]
    statements: list[tuple[Block, str]]
    commands: list[str]


def blocks(path: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    source = path.read_text()
    found: list[Block] = []
    for match in FENCE.finditer(source):
        language, _, name = match["info"].strip().partition(" ")
        line = source.count("\n", 0, match.start()) + 1
        found.append(Block(language, name, match["text"], line))
    assert 2 * len(found) == len(re.findall("^```", source, re.MULTILINE)), "a fence is not closed"
    return found


def read(path: Path) -> Page:
    """The page; raises `ValueError` for a block that nothing would check."""
    page = Page(path, {}, {}, [], [])
    previous = ""
    for block in blocks(path):
        place = f"{path.name}:{block.line}"
        module = MODULE.match(block.text)
        if block.language == "python" and module is not None and not block.name:
            page.modules[module["name"]] = block.text
        elif (block.language, block.name) in {("sql", ""), CLIENT}:
            page.statements.append((block, ""))
        elif block.language == "text" and previous in {"sql", "python"}:
            page.statements[-1] = (page.statements[-1][0], block.text)
        elif block.language == "sh" and not block.name:
            page.commands += block.text.splitlines()
        elif FILE.fullmatch(block.name):
            page.files[block.name] = block.text
        else:
            message = f"{place}: nothing runs a block of this kind here: {block.language!r} {block.name!r}"
            raise ValueError(message)
        previous = block.language
    return page


def relative(path: Path) -> str:
    """The name of a page in the tests' names."""
    return str(path.relative_to(CHECKOUT))


@pytest.fixture
def guide(cluster: Cluster) -> Iterator[Cluster]:
    """The shared cluster with an empty database for the page; its roles and the database go again."""
    roles = "SELECT quote_ident(rolname) FROM pg_roles ORDER BY oid"
    before = cluster.sql(roles).split()
    cluster.sql(f"CREATE DATABASE {DATABASE}")
    yield cluster
    cluster.sql(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    for role in set(cluster.sql(roles).split()).difference(before):
        cluster.sql(f"DROP ROLE {role}")


def stage(page: Page, cluster: Cluster, source: Path) -> str:
    """Write the page's modules and files, and return the directory that /srv stands for."""
    for folder, texts in (("wrappers", page.modules), ("data", page.files)):
        (source / folder).mkdir(parents=True)
        for name, text in texts.items():
            (source / folder / name).write_text(text)
    return str(cluster.stage(source, f"docs_{page.path.stem}"))


def run(page: Page, cluster: Cluster, place: str) -> list[str]:
    """What psql printed for each block of statements."""
    if not any("CREATE EXTENSION" in block.text for block, _ in page.statements):
        cluster.sql("CREATE EXTENSION multicorn", DATABASE)
    cluster.sql(f"ALTER DATABASE {DATABASE} SET multicorn.python_path = '{place}/wrappers'")
    shown: list[str] = []
    with Program(cluster) as program:
        for is_client, group in groupby(page.statements, lambda pair: pair[0].language == "python"):
            found = [block.text for block, _ in group]
            shown += program.run(found) if is_client else run_statements(found, cluster, place)
    return shown


class Program:
    """An application of Wormhole's client, to which blocks are given one by one."""

    SOURCE = (
        "import sys\n"
        "space = {'__name__': '__main__'}\n"
        "for name in iter(sys.stdin.readline, ''):\n"
        "    with open(name.strip()) as file:\n"
        "        exec(compile(file.read(), name.strip(), 'exec'), space)\n"
        f"    print({MARK!r}, flush=True)\n"
    )

    def __init__(self, cluster: Cluster) -> None:
        self.place = cluster.base / "program"
        self.environment = {
            **cluster.environment(DATABASE),
            "PYTHONPATH": str(CHECKOUT / "python" / "wormhole" / "src"),
        }
        self.process: subprocess.Popen[str] | None = None
        self.count = 0

    def __enter__(self) -> Self:
        self.place.mkdir(exist_ok=True)
        return self

    def __exit__(self, *error: object) -> None:
        if self.process is not None:
            self.process.communicate(timeout=60)
        shutil.rmtree(self.place)

    def run(self, texts: list[str]) -> list[str]:
        """What each block printed, its traceback if it failed."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-c", self.SOURCE],
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        shown: list[str] = []
        for text in texts:
            self.count += 1
            path = self.place / f"block_{self.count}.py"
            path.write_text(text)
            print(path, file=self.process.stdin, flush=True)
            lines = takewhile(lambda line: line != f"{MARK}\n", self.process.stdout)
            shown.append("".join(lines))
        return shown


def run_statements(texts: list[str], cluster: Cluster, place: str) -> list[str]:
    """What psql printed for each text, all run in one session."""
    text = "".join(f"{each}\\echo {MARK}\n" for each in texts)
    done = subprocess.run(
        # From standard input and not by -f, which would put file and line before each message.
        [cluster.psql, "-X", "-q"],
        env={**cluster.environment(DATABASE), "PGTZ": "UTC"},
        input=text.replace("/srv", place),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout.replace(place, "/srv").split(f"{MARK}\n")[:-1]


def fits(shown: str, written: str) -> bool:
    """Whether the output is what the page has."""
    shown_lines, written_lines = (
        [line.rstrip() for line in text.rstrip().splitlines()] for text in (shown, written)
    )
    if len(shown_lines) != len(written_lines):
        return False
    patterns = (".*".join(map(re.escape, line.split("…"))) for line in written_lines)
    return all(re.fullmatch(pattern, line) for pattern, line in zip(patterns, shown_lines, strict=True))


@pytest.mark.parametrize("path", RUN, ids=relative)
def test_the_statements_give_the_output_shown(path: Path, guide: Cluster, tmp_path: Path) -> None:
    page = read(path)
    place = stage(page, guide, tmp_path / "srv")
    shown = run(page, guide, place)
    assert len(shown) == len(page.statements), f"psql ended early, after:\n{shown[-1] if shown else ''}"
    wrong = [
        f"{path.name}:{block.line} prints\n{output}"
        for (block, written), output in zip(page.statements, shown, strict=True)
        if not fits(output, written)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", RUN, ids=relative)
def test_every_command_is_there(path: Path) -> None:
    targets = re.findall(r"^([a-z0-9-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    for command in read(path).commands:
        found = COMMAND.match(command.strip())
        assert found is not None, f"neither make nor a script: {command}"
        assert found["script"] is None or (CHECKOUT / found["script"]).is_file(), command
        assert found["target"] is None or found["target"] in targets, command


@pytest.mark.parametrize("path", RUN, ids=relative)
def test_the_tests_that_a_page_shows_pass(path: Path, tmp_path: Path) -> None:
    modules = read(path).modules
    tests = [name for name in modules if name.startswith("test_")]
    if not tests:
        return
    for name, text in modules.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), *tests],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{CHECKOUT / 'python'}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_every_link_leads_to_a_file(path: Path) -> None:
    for target in LINK.findall(FENCE.sub("", path.read_text())):
        file, _, heading = target.partition("#")
        if "://" in target:
            continue
        page = (path.parent / file) if file else path
        assert page.exists(), target
        assert not heading or heading in headings(page), target


def headings(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    lines = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def test_the_readme_shows_the_shipped_example() -> None:
    _, _, code = read(CHECKOUT / "README.md").modules["primes.py"].partition("\n")
    shipped = (CHECKOUT / "demo" / "wrappers" / "primes.py").read_text()
    assert shipped.partition("\n\n")[2] == code


@pytest.mark.parametrize(
    "text", ["```python\nx = 1\n```\n", "```text\nalone\n```\n", "```json\n{}\n```\n", "```\nno kind\n```\n"]
)
def test_a_block_that_nothing_runs_is_refused(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(ValueError, match="nothing runs a block of this kind"):
        read(page)
