"""The handbook's table of DSPy's versions, held against what is installed and pinned."""

from importlib.metadata import version
from pathlib import Path

import dspy_versions
from krait_worker.adapters.dspy import supported

PAGE = Path(__file__).parents[2] / "Sources/Krait/Krait.docc/DSPyVersions.md"


def table() -> dict[str, dict[str, str]]:
    """What each version has: yes or no by row, by the version as the head of its column."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {
        column: {row[0]: row[number] for row in rows}
        for number, column in enumerate(head)
        if number > 0
    }


def test_the_pinned_version_is_the_table_s_first() -> None:
    first, *others = table()
    assert first.endswith(" (pinned)")
    assert f"dspy=={first.removesuffix(' (pinned)')}" in dspy_versions.PINNED
    assert others
    assert set(table()[first].values()) == {"yes"}


def test_the_installed_version_has_what_the_table_says() -> None:
    [has] = [rows for column, rows in table().items() if column.split()[0] == version("dspy")]
    assert (has["gateway"] == "yes") == (has["own client"] == "yes") == supported.ENGINES
    assert (has["local interpreter"] == "yes") == supported.LOCAL_INTERPRETER


def test_each_reason_to_skip_is_a_row() -> None:
    marks = [mark for name, mark in vars(dspy_versions).items() if name.startswith("needs_")]
    reasons = {mark.kwargs["reason"].partition(":")[0] for mark in marks}
    rows = next(iter(table().values()))
    assert reasons < set(rows)
