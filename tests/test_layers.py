"""Who may import whom: reads the imports of every module with `ast`, runs none."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "nmt"

# A module imports only from modules above it.
ORDER = """
    __init__ errors signals cluster threads hardware distribution files text history
    yaml_lines refusals search_settings config alignment drawing plots
    subword_sampling vetting tokenizer parallel_text sequences corpus inspection
    cores batches feeding precision
    attention layers recurrence cells parameters compaction continuations search
    optimizer encoder decoder model loss update ensemble decoding scoring copying
    wording
    minimum_risk translation looking
    evaluation examples validation interval checkpoint events terminal progress
    changes patience telling run pretrained recovery saving opening rehearsal divergence
    watch rollback training starting translator
    averaging graph_text graph_alignment graph_wording graph_copying export
    cli_options cli_request cli_translation cli_scoring report cli_attention
    cli_averaging cli_export cli_report cli_plot cli __main__
""".split()

# `nmt --help` and every error of a configuration come without TensorFlow, which takes
# seconds to import.
WITHOUT_TENSORFLOW = ["errors", "signals", "files", "text", "history", "yaml_lines"]
WITHOUT_TENSORFLOW += ["refusals", "search_settings", "config"]
LIGHT_TO_IMPORT = [*WITHOUT_TENSORFLOW, "cli_options", "cli_translation", "cli"]
LIGHT_TO_IMPORT += ["cli_request", "cli_attention"]
LIGHT_TO_IMPORT += ["plots", "cli_plot"]
LIGHT_TO_IMPORT += ["cli_report"]

MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))


def statements(node: ast.AST, *, top_level: bool) -> Iterator[ast.AST]:
    """What is below `node`; with `top_level`, only what runs on import."""
    for child in ast.iter_child_nodes(node):
        if not (top_level and isinstance(child, ast.FunctionDef | ast.Lambda)):
            yield child
            yield from statements(child, top_level=top_level)


def imports(module: str, *, top_level: bool = False) -> set[str]:
    """What `module` imports: our modules, and others' packages, by name."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in statements(tree, top_level=top_level):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"nmt/{module}.py:{node.lineno}: relative import"
            assert node.module is not None
            if node.module == "nmt":
                names |= {f"nmt.{alias.name}" for alias in node.names}
            else:
                names.add(node.module)
    ours = {name.split(".")[1] for name in names if name.startswith("nmt.")}
    return (ours & set(MODULES)) | {
        name.split(".")[0] for name in names if not name.startswith("nmt.")
    }


def imported_with(module: str) -> set[str]:
    """All that importing `module` imports, through our own modules."""
    found: set[str] = set()
    waiting = {module}
    while waiting:
        names = imports(waiting.pop(), top_level=True) - found
        found |= names
        waiting |= names & set(MODULES)
    return found


def test_every_module_is_in_the_readmes_table_of_files() -> None:
    readme = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    table = readme.split("## Where is what")[1]
    named = re.findall(r"`(\w+)\.py`", table)
    assert sorted({*named, "__init__", "__main__"}) == MODULES


def test_every_module_has_its_place_in_the_order() -> None:
    assert set(MODULES) <= set(ORDER), "add the module to ORDER, where it belongs"
    assert len(ORDER) == len(set(ORDER))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_modules_above_it(module: str) -> None:
    above = ORDER[: ORDER.index(module)]
    assert imports(module) & set(ORDER) <= set(above)


@pytest.mark.parametrize("module", WITHOUT_TENSORFLOW)
def test_a_module_that_knows_no_tensors_never_imports_tensorflow(module: str) -> None:
    assert not {"tensorflow", "tensorflow_text", "keras"} & imports(module)


@pytest.mark.parametrize("module", LIGHT_TO_IMPORT)
def test_importing_a_light_module_does_not_import_tensorflow(module: str) -> None:
    assert not {"tensorflow", "tensorflow_text", "keras"} & imported_with(module)
