"""How long our functions are: one of more than a screen tells several stories, or says below its
docstring why not (`# Long: ...`). Their branches are counted by ruff (C901)."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 50  # lines
REASON = "# Long: "
FILES = sorted([*ROOT.glob("bot/**/*.py"), *ROOT.glob("actions/**/*.py")])


def find_long():
    """{name: file and lines} of each function that is too long and does not say why."""
    found = {}
    for path in FILES:
        text = path.read_text()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = node.end_lineno - node.lineno + 1
                head = text.splitlines()[node.lineno - 1 : node.body[1 % len(node.body)].lineno]
                if count > LONGEST and not any(REASON in line for line in head):
                    found[node.name] = f"{path.relative_to(ROOT)}:{node.lineno}, {count} lines"
    return found


def test_a_long_function_says_why_it_is_one():
    found = find_long()
    assert not found, f"split it, or say below its docstring why not ({REASON}...): {found}"
