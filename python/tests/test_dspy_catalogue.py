"""The tables of DSPy's public names: complete, and those of the DSPy that is installed."""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import dspy
import pytest

from dspy_versions import needs_pinned_names
from krait_worker.adapters.dspy import catalogue, names

ROOT = Path(__file__).parents[2]


@needs_pinned_names
def test_the_tables_are_those_of_the_installed_dspy() -> None:
    found = catalogue.entries()
    remedy = "another DSPy, or another table: `make dspy-release` writes them anew"
    assert (ROOT / catalogue.SWIFT).read_text() == catalogue.swift(found), remedy
    assert (ROOT / catalogue.DOCS).read_text() == catalogue.docs(found), remedy
    assert catalogue.changes((ROOT / catalogue.SWIFT).read_text(), found) == []


@needs_pinned_names
def test_the_docs_tell_of_each_public_name_of_dspy_and_its_subpackages() -> None:
    """Asked of DSPy here, not of the code that makes the table."""
    public = {
        f"dspy.{name}": getattr(dspy, name)
        for name in getattr(dspy, "__all__", dir(dspy))
        if not name.startswith("_") and not isinstance(getattr(dspy, name), ModuleType)
    }
    for info in pkgutil.iter_modules(dspy.__path__, "dspy."):
        if info.ispkg and "._" not in info.name:
            package = importlib.import_module(info.name)
            for name in getattr(package, "__all__", []):
                public[f"{info.name}.{name}"] = getattr(package, name)
    # Made when it is first read.
    public["dspy.cache"] = names.public()["cache"]
    assert len(public) > 200
    rows = [line.split("|") for line in (ROOT / catalogue.DOCS).read_text().splitlines()]
    told = {row[1].strip(" `"): row[2:4] for row in rows if len(row) == 5}
    by_object = {id(names.public()[name]) for name in told if name in names.public()}
    assert [name for name, found in public.items() if id(found) not in by_object] == []
    for name, (where, how) in told.items():
        if where.strip() == "not":
            assert how.strip(), f"{name} is not reached, and nothing says why"


def test_what_a_release_changes_is_said() -> None:
    found = catalogue.entries()
    before = catalogue.swift([entry for entry in found if entry.name != "RLM"])
    before = before.replace("BestOfN;module;both", "BestOfM;module;both")
    before = before.replace(
        "Predict;module;both;predict;signature", "Predict;module;both;predict;sig"
    )
    told = catalogue.changes(before, found)
    assert {line.splitlines()[0] for line in told} == {
        "added RLM",
        "added BestOfN",
        "removed BestOfM",
        "changed Predict",
    }
    assert catalogue.changes("", found)[0].startswith("added ")


@needs_pinned_names
@pytest.mark.parametrize("name", sorted(names.REFUSED))
def test_no_reason_is_kept_for_a_name_that_is_gone(name: str) -> None:
    assert name in names.public()


def test_what_swift_has_natively_is_told_of_names_that_there_are() -> None:
    for name in [*catalogue.NATIVE, *names.NEEDS, *names.FUNCTIONS]:
        assert names.proper(name) == name
