import os
from pathlib import Path

import pytest

from nmt.files import replace_directory, replacing, replacing_directory


@pytest.mark.parametrize("crash_at", [1, 2])
def test_a_crash_while_a_directory_is_replaced_leaves_a_whole_one_or_none(
    crash_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished, final = tmp_path / "finished", tmp_path / "final"
    for place, text in (finished, "new"), (final, "old"):
        place.mkdir()
        for name in "a", "b":
            (place / name).write_text(text)
    real, calls = os.replace, iter(range(1, 9))

    def replace(*paths: Path) -> None:
        if next(calls) == crash_at:
            raise KeyboardInterrupt
        real(*paths)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        replace_directory(finished, final)
    left = {file.read_text() for file in final.glob("*")}
    assert left == ({"old"} if crash_at == 1 else set())
    replace_directory(finished, final)
    assert {file.name: file.read_text() for file in final.glob("*")} == {
        "a": "new",
        "b": "new",
    }
    assert list(tmp_path.iterdir()) == [final]


def test_a_link_to_itself_becomes_the_file_and_another_link_stays(
    tmp_path: Path,
) -> None:
    itself, link, there = (tmp_path / name for name in ("itself", "link", "there"))
    itself.symlink_to(itself)
    link.symlink_to(there)
    for path in itself, link:
        with replacing(path) as unfinished:
            unfinished.write_text("text")
        assert path.read_text() == "text"
    assert link.is_symlink() and not itself.is_symlink()


def test_a_directory_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    final = tmp_path / "final"
    for text in "old", "new":
        with replacing_directory(final) as aside:
            assert not list(aside.iterdir())
            (aside / text).write_text(text)
    with pytest.raises(KeyboardInterrupt), replacing_directory(final) as aside:
        (aside / "half").write_text("ha")
        raise KeyboardInterrupt
    assert list(tmp_path.rglob("*")) == [final, final / "new"]
