"""One checkpoint: whole, or refused by name; and it takes nothing of a stranger's."""

import errno
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nmt.checkpoint import (
    Arrays,
    State,
    read_arrays,
    read_state,
    write_checkpoint,
    write_synced,
)
from nmt.errors import RunError

ARRAYS: dict[str, Arrays] = {
    "weights.npz": {"encoder/matrix": np.arange(6, dtype=np.float32).reshape(2, 3)}
}
SHAPES = {"encoder/matrix": (2, 3)}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "step-00000007"
    write_checkpoint(path, State(step=7), ARRAYS)
    return path


def flip_a_byte(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("name", ["weights.npz", "state.json", "manifest.json"])
@pytest.mark.parametrize(
    "damage",
    [
        flip_a_byte,
        lambda file: file.unlink(),
        lambda file: file.write_bytes(file.read_bytes()[:-20]),
        lambda file: file.write_bytes(b""),
    ],
    ids=["flipped byte", "missing", "cut short", "empty"],
)
def test_a_checkpoint_with_a_damaged_file_is_refused_by_name(
    name: str, damage: Callable[[Path], None], checkpoint: Path
) -> None:
    damage(checkpoint / name)
    # A damaged manifest may also blame one of the files that it is about.
    refused = str(checkpoint / ("" if name == "manifest.json" else name))
    with pytest.raises(RunError) as error:
        read_state(checkpoint)
    assert refused in str(error.value)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "..", ""])
def test_a_manifest_cannot_lead_out_of_the_checkpoint(
    name: str, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkpoint.parent / "secret").write_text("secret")
    manifest = checkpoint / "manifest.json"
    record = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({name: {"bytes": 6, "sha256": "0"}, **record}))
    opened: list[Path] = []
    real = Path.open

    def watched(self: Path, *arguments: Any, **options: Any) -> Any:
        opened.append(self)
        return real(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", watched)
    with pytest.raises(RunError, match="missing"):
        read_state(checkpoint)
    assert {path.parent for path in opened} <= {checkpoint}


class Bomb:
    exploded = False

    def __reduce__(self) -> tuple[Any, ...]:
        return setattr, (Bomb, "exploded", True)


def test_a_pickle_is_refused_and_never_run(tmp_path: Path) -> None:
    file = tmp_path / "weights.npz"
    bomb = np.empty((2, 3), object)
    bomb.fill(Bomb())
    np.savez(file, **{"encoder/matrix": bomb})  # type: ignore[arg-type]
    with pytest.raises(RunError, match="weights.npz"):
        read_arrays(file, SHAPES)
    file.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(RunError, match="weights.npz"):
        read_arrays(file, SHAPES)
    assert not Bomb.exploded


def npz(array: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **{"encoder/matrix": array}, **options)
    return stream.getvalue()


def npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros((2, 3), np.float32))
    return stream.getvalue()


def text_in_a_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("encoder/matrix", "no array")
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        npy(),
        text_in_a_zip(),
        npz(np.zeros((2, 3)))[:-30],
        npz(np.zeros((2, 3), np.float64)),
        npz(np.full((2, 3), "text")),
    ],
    ids=["empty", "text", "npy", "zip", "cut short", "float64", "strings"],
)
def test_a_file_that_is_no_archive_of_float32_is_refused_by_name(
    content: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "weights.npz"
    file.write_bytes(content)
    with pytest.raises(RunError, match="weights.npz"):
        read_arrays(file, SHAPES)


def test_any_flipped_byte_of_an_archive_is_refused_or_changes_no_more_than_numbers(
    tmp_path: Path,
) -> None:
    file = tmp_path / "weights.npz"
    content = npz(np.zeros((2, 3), np.float32))
    for place in range(len(content)):
        for bit in (1, 0x80):
            damaged = bytearray(content)
            damaged[place] ^= bit
            file.write_bytes(damaged)
            try:
                array = read_arrays(file, SHAPES)["encoder/matrix"]
            except RunError as error:
                assert str(file) in str(error)
            else:
                assert (array.shape, array.dtype) == ((2, 3), np.float32)


@pytest.mark.parametrize(
    "shapes, says",
    [
        (
            {"encoder/matrix": (3, 2)},
            r"encoder/matrix is float32 \(2, 3\).*float32 \(3, 2\)",
        ),
        ({}, "encoder/matrix is .*nothing of that name"),
        ({**SHAPES, "decoder/bias": (4,)}, r"decoder/bias is nothing.*\(4,\)"),
    ],
)
def test_weights_of_another_model_are_refused_by_name(
    shapes: dict[str, tuple[int, ...]], says: str, checkpoint: Path
) -> None:
    with pytest.raises(RunError, match=f"weights.npz: {says}"):
        read_arrays(checkpoint / "weights.npz", shapes)


def test_a_manifest_that_lists_too_little_is_damaged(checkpoint: Path) -> None:
    (checkpoint / "manifest.json").write_text("{}")
    with pytest.raises(RunError, match="does not list"):
        read_state(checkpoint)


@pytest.mark.parametrize("name", ["manifest.json", "state.json", "weights.npz"])
def test_a_pipe_in_a_checkpoint_is_refused_at_once(name: str, checkpoint: Path) -> None:
    (checkpoint / name).unlink()
    os.mkfifo(checkpoint / name)
    with pytest.raises(RunError, match=f"{name}: (missing|.*a pipe or a device)"):
        read_state(checkpoint)
    with pytest.raises(RunError, match="another checkpoint"):
        read_arrays(checkpoint / name, SHAPES)


def test_what_is_not_expected_is_refused_before_it_takes_memory(tmp_path: Path) -> None:
    header = io.BytesIO()
    described = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)}
    np.lib.format.write_array_header_1_0(header, described)
    file = tmp_path / "weights.npz"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("encoder/matrix.npy", header.getvalue())
    with pytest.raises(RunError, match=r"is float32 \(1099511627776,\), where"):
        read_arrays(file, SHAPES)


def test_what_a_full_disk_cut_short_is_removed(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Path, **arrays: np.ndarray) -> None:
        file.write_bytes(b"the first part")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(RunError, match="make room"):
        write_checkpoint(checkpoint.with_name("step-00000008"), State(step=8), ARRAYS)
    assert list(checkpoint.parent.iterdir()) == [checkpoint]
    assert read_state(checkpoint).step == 7


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks what a file is")
def test_all_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a loss of power leaves a name with nothing behind it."""
    done: list[tuple[str, ...]] = []
    sync, rename = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        done.append(("sync", os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    def renamed(old: Path, new: Path) -> None:
        done.append(("rename", str(old), str(new)))
        rename(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    final, parent = tmp_path / "step-00000001", ("sync", str(tmp_path))
    write_checkpoint(final, State(step=1), ARRAYS)
    [place] = [place for place, (kind, *_) in enumerate(done) if kind == "rename"]
    aside = done[place][1]
    files = {("sync", f"{aside}/{file.name}") for file in final.iterdir()}
    assert files | {("sync", aside)} <= set(done[:place])
    assert parent in done[place:]

    done.clear()
    write_synced(tmp_path / "last", "step-00000001\n")
    [first, (_, written, name), last] = done
    assert (first, name, last) == (("sync", written), f"{tmp_path}/last", parent)
