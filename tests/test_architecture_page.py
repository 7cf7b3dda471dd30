"""docs/architecture.md is true: its walks are walked, and what it names is there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import Toy

PROJECT = Path(__file__).parent.parent
PAGE = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
PICTURE = (PROJECT / "docs" / "architecture.svg").read_text(encoding="utf-8")

WALK = """
import sys
from pathlib import Path
from nmt import hardware
hardware.prepare()
from nmt import cells, config, search_settings, starting
from nmt.translator import Translator
settings = config.load_config(Path(sys.argv[1]), sys.argv[2:])
starting.train(settings)
translator = Translator.open(settings.run_dir)
decoder = translator.model.decoder
assert decoder.cell is cells.context_first_cell
# It is 0 until training moves it.
assert decoder.shared["log_sharpness"].numpy().item() != 0
lines = ["ba ce di", "po"]
for search in (search_settings.Greedy(), search_settings.OtherBeginning()):
    for translation in translator.translate(lines, search, alignments=True):
        print(translation.hypotheses[0].tokens)
"""


def edits() -> list[tuple[str, str, str]]:
    """Each diff of the page: the file that was named last, what goes and what comes."""
    found, file = [], ""
    for name, diff in re.findall(r"`(nmt/\w+\.py)`|```diff\n(.*?)```", PAGE, re.S):
        file = name or file
        if diff:
            lines = diff.splitlines(keepends=True)
            old, new = (
                "".join(line[1:] for line in lines if line[0] != sign) for sign in "+-"
            )
            found.append((file, old, new))
    return found


def test_the_attention_the_cell_and_the_search_train_and_translate(
    toy: Toy, tmp_path: Path
) -> None:
    shutil.copytree(PROJECT / "nmt", tmp_path / "nmt")
    assert len(edits()) > 10
    for name, old, new in edits():
        file = tmp_path / name
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name}:\n{old}"
        file.write_text(text.replace(old, new), encoding="utf-8")
    process = subprocess.run(
        [sys.executable, "-c", WALK, toy.config(tmp_path / "run")]
        + ["model.attention=cosine", "model.decoder_cell=context_first"]
        + ["training.epochs=1", "decoding.method=greedy"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    greedy, other = (process.stdout.splitlines()[i : i + 2] for i in (0, 2))
    for first, second in zip(greedy, other, strict=True):
        assert first.split(",")[0] != second.split(",")[0]


def test_what_the_page_and_its_picture_name_is_there() -> None:
    for name in re.findall(r"`(\w+\.py)`", PAGE):
        assert (PROJECT / "nmt" / name).exists(), name
    for path in re.findall(r"`((?:nmt|tests|configs)/\w+\.\w+)`", PAGE):
        assert (PROJECT / path).exists(), path
    for path in re.findall(r"\]\(([\w.]+)\)", PAGE):
        assert (PROJECT / "docs" / path).exists(), path
    rooms = re.findall(r'class="name(?: left)?"[^>]*>(\w+)<', PICTURE)
    files = {path.stem for path in (PROJECT / "nmt").glob("*.py")}
    assert set(rooms) - files == {"lines", "encode", "start", "step"}
