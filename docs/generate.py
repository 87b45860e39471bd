"""Write what is generated: docs/rules/, docs/cli.md, docs/rule-language.md and the blocks of README.md. `--check` only compares.

A README block stands between `<!-- output of: COMMAND -->` and `<!-- end -->`; the command is run from the top of the repository.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from auditor import cli, pipeline, rulebook

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- output of: (?P<command>[^>]+) -->\n)(?P<text>.*?)(<!-- end -->)", re.DOTALL)
WIDTH = "110"


def mailaudit(arguments: str) -> str:
    """The standard output of a mailaudit command, as a pipe sees it."""
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "COLUMNS": WIDTH,
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "auditor", *shlex.split(arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"mailaudit {arguments} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def block(command: str) -> str:
    """The output of a block's command; `| A B` at its end keeps the first A and the last B lines."""
    command, _, cut = command.partition(" | ")
    lines = mailaudit(command.removeprefix("mailaudit ")).splitlines()
    if cut:
        first, last = map(int, cut.split())
        if len(lines) > first + last:
            lines = [*lines[:first], f"… {len(lines) - first - last} lines more …", *lines[-last:]]
    return "```\n" + "\n".join(line.rstrip() for line in lines) + "\n```\n"


def readme(text: str) -> str:
    """README.md with each block written anew."""
    return BLOCK.sub(lambda found: found[1] + block(found["command"].strip()) + found[4], text)


def command_line() -> str:
    """docs/cli.md: the help of every command."""
    out = [
        "# Command line",
        "",
        "Written by `make docs` from `--help`; exit codes are in [exit-codes.md](exit-codes.md).",
        "",
    ]
    subcommands = {"rules": ("list", "show", "check"), "inventory": ("list", "check", "show", "trust", "privileges")}
    for name in ("", *cli.COMMANDS):
        for words in ([name], *([name, sub] for sub in subcommands.get(name, ()))):
            title = " ".join(["mailaudit", *filter(None, words)])
            out += [f"## {title}", "", "```", mailaudit(" ".join([*filter(None, words), "--help"])).rstrip(), "```", ""]
    return "\n".join(out)


def generated() -> dict[Path, str]:
    """Every generated file with the text it should have."""
    rules = pipeline.SHIPPED.load_rules(profile=rulebook.ALL)
    files = {ROOT / "docs" / "rules" / f"{rule.id}.md": rulebook.page(rule) for rule in rules.rules}
    files[ROOT / "docs" / "rules" / "README.md"] = rulebook.index(rules)
    files[ROOT / "docs" / "rule-language.md"] = rulebook.reference(pipeline.SHIPPED.registry)
    files[ROOT / "docs" / "cli.md"] = command_line()
    files[ROOT / "README.md"] = readme((ROOT / "README.md").read_text("utf-8"))
    return files


def main() -> int:
    """Write or compare; 1 when a committed file is not what it should be."""
    check = "--check" in sys.argv[1:]
    wanted = generated()
    stale = [path for path in (ROOT / "docs" / "rules").glob("*.md") if path not in wanted]
    wrong = 0
    for path, text in wanted.items():
        committed = path.read_text("utf-8") if path.exists() else ""
        if committed == text:
            continue
        wrong += 1
        if check:
            diff = difflib.unified_diff(
                committed.splitlines(), text.splitlines(), "committed", "generated", lineterm="", n=1
            )
            print(f"{path.relative_to(ROOT)} is not up to date; run make docs", *list(diff)[:20], sep="\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    for path in stale:
        if check:
            print(f"{path.relative_to(ROOT)} belongs to no rule; run make docs")
        else:
            path.unlink()
    return 1 if check and (wrong or stale) else 0


if __name__ == "__main__":
    sys.exit(main())
