"""`nmt translate`: its options, files and formats, with a fake translator and a run."""

import contextlib
import errno
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
from command_line import Shouting, run

from nmt import text

DEFAULTS = {"batch_size": 64, "minimum_risk": False, "alignments": False}


def test_translate_answers_line_by_line_in_utf8(shouting: Shouting) -> None:
    result = run("translate", "--ckpt", "x", input="\u00fcber\r\n\na\u2028b\n".encode())
    assert result.exit_code == 0
    assert result.stdout_bytes == "\u00dcBER\n\nA\u2028B\n".encode()
    assert result.stderr == ""
    assert shouting.asked == [(None, DEFAULTS)]


def test_translate_says_why_a_gpu_is_not_used_and_goes_on(
    shouting: Shouting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.hardware.gpu_troubles", lambda: ["the driver is old"])
    result = run("translate", "--ckpt", "x", input="a\n")
    assert (result.exit_code, result.stdout) == (0, "A\n")
    assert result.stderr == "nmt: the driver is old; going on with the processor\n"


def test_translate_passes_the_options_of_its_subcommands(shouting: Shouting) -> None:
    from nmt.search_settings import Beam, Greedy, Sample

    call = ["translate", "--ckpt", "x", "--ckpt", "y"]
    lengths = "--min-length 2 --max-length 9".split()
    beam = "--beam-size 4 --length-penalty 0.5 --coverage-penalty 0.2"
    beam += " --no-repeat-ngram 3 --nbest 2 --mbr"
    sample = "--samples 4 --temperature 0.5 --top-k 6 --top-p 0.7 --seed 8 --mbr"
    run(*call, "greedy", input="a\n")
    run(*call, "beam", input="a\n")
    run(*call, "sample", input="a\n")
    run(*call, "greedy", *lengths, "--batch-size", "5", input="a\n")
    run(*call, "beam", *lengths, *beam.split(), input="a\n")
    run(*call, "sample", *lengths, *sample.split(), input="a\n")
    few, by_risk = DEFAULTS | {"batch_size": 5}, DEFAULTS | {"minimum_risk": True}
    assert shouting.asked == [
        (Greedy(), DEFAULTS),
        (Beam(), DEFAULTS),
        (Sample(), DEFAULTS),
        (Greedy(min_length=2, max_length=9), few),
        (Beam(4, 0.5, 0.2, 3, 2, min_length=2, max_length=9), by_risk),
        (Sample(4, 0.5, 6, 0.7, 8, min_length=2, max_length=9), by_risk),
    ]
    assert shouting.opened == (Path("x"), Path("y"))


@pytest.mark.parametrize("where", ["before the subcommand", "behind it"])
def test_translate_takes_prefixes_and_writes_alignments(
    where: str, shouting: Shouting, tmp_path: Path
) -> None:
    prefixes, links = tmp_path / "prefixes", tmp_path / "links.gz"
    prefixes.write_text("x\n\n")
    options = ["--prefix", prefixes, "--alignments", links]
    words = [*options, "greedy"] if where.startswith("before") else ["greedy", *options]
    result = run("translate", "--ckpt", "x", *words, input="a\n\n")
    assert (result.exit_code, result.stdout) == (0, "xA\n\n")
    assert gzip.decompress(links.read_bytes()) == b"0-0 1-0\n\n"
    links.unlink()
    result = run("translate", "--ckpt", "x", *words, input="a\n")
    assert result.exit_code == 1
    assert ":2: more lines than" in result.stderr
    assert not links.exists()


@pytest.mark.parametrize("prefixes", ["x\n", "x\n\n\n"])
def test_prefixes_are_counted_before_anything_is_translated(
    prefixes: str, shouting: Shouting, tmp_path: Path
) -> None:
    source, prefix = tmp_path / "source", tmp_path / "prefix"
    source.write_text("a\n\n")
    prefix.write_text(prefixes)
    result = run("translate", "--ckpt", "x", "--input", source, "--prefix", prefix)
    assert (result.exit_code, result.stdout, shouting.opened) == (1, "", ())
    assert (
        f"{source} has 2 lines and {prefix} has {len(prefixes.split(chr(10))) - 1}"
        in (result.stderr)
    )


def test_translate_writes_where_a_link_leads_to_itself(
    shouting: Shouting, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    output.symlink_to(output)
    result = run("translate", "--ckpt", "x", "--output", output, input="a.\n")
    assert (result.exit_code, output.read_text()) == (0, "A.\n")


def test_translate_says_how_many_translations_were_cut(shouting: Shouting) -> None:
    result = run("translate", "--ckpt", "x", input="a\nb.\nc\nd.\n")
    assert result.stdout == "A\nB.\nC\nD.\n"
    assert result.stderr == (
        "2 of 4 translations reached the longest length and may be cut (line 2 "
        "first); `nmt translate beam --beam-size 3 --length-penalty 1.0 --max-length` "
        "raises it\n"
    )
    result = run("translate", "--ckpt", "x", "greedy", input="b.\n")
    assert "`nmt translate greedy --max-length` raises it" in result.stderr


def test_translate_says_which_lines_are_not_utf8(shouting: Shouting) -> None:
    result = run(
        "translate", "--ckpt", "x", input="a\nb\xe9\nc\n\xe9\n".encode("latin-1")
    )
    assert (result.exit_code, result.stdout) == (0, "A\nB\ufffd\nC\n\ufffd\n")
    assert result.stderr == (
        "2 of 4 lines have U+FFFD, which stands for bytes that are not UTF-8 here or "
        "were not where the text is from (line 2 first); iconv -t UTF-8 converts other "
        "encodings\n"
    )


def test_translate_writes_nbest_lines_and_json(shouting: Shouting) -> None:
    beam = ["beam", "--nbest", "2"]
    text = run("translate", "--ckpt", "x", *beam, input="a\n")
    assert text.stdout == "0 ||| A ||| 0.000000\n0 ||| A! ||| -0.500000\n"
    before = run("translate", "--ckpt", "x", "--format", "jsonl", *beam, input="a\n")
    after = run("translate", "--ckpt", "x", *beam, "--format", "jsonl", input="a\n")
    assert before.stdout == after.stdout
    assert [best["text"] for best in json.loads(after.stdout)["hypotheses"]] == [
        "A",
        "A!",
    ]


def test_translate_reads_and_writes_files(shouting: Shouting, tmp_path: Path) -> None:
    source, output = tmp_path / "source.gz", tmp_path / "output"
    packed = tmp_path / "packed.gz"
    (tmp_path / "plain").write_text("a\nb\n")
    call = ["translate", "--ckpt", "x"]
    result = run(*call, "--input", tmp_path / "plain", "--output", packed)
    assert (result.exit_code, result.output) == (0, "")
    packed.rename(source)
    assert run(*call, "--input", source, "--output", output).exit_code == 0
    assert output.read_bytes() == b"A\nB\n"
    assert run(*call, "--input", source, "--output", "-").stdout == "A\nB\n"
    assert run(*call, "--input", "-", input="c\n").stdout == "C\n"


def test_a_failed_translation_leaves_the_old_output(
    shouting: Shouting, tmp_path: Path
) -> None:
    output, damaged = tmp_path / "output", tmp_path / "damaged.gz"
    output.write_text("before\n")
    damaged.write_bytes(b"not gzip")
    call = ["translate", "--ckpt", "x", "--output", output, "--input"]
    for source in (damaged, tmp_path / "missing"):
        result = run(*call, source)
        assert result.exit_code == 1
        assert str(source) in result.stderr
    assert output.read_text() == "before\n"
    assert sorted(tmp_path.iterdir()) == [damaged, output]


@pytest.mark.parametrize("full", ["out", "links"])
def test_a_full_disk_is_told_with_the_file_that_it_is_under(
    full: str,
    shouting: Shouting,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    real = text.write_whole

    @contextlib.contextmanager
    def write_whole(path: Path) -> Iterator[TextIO]:
        with real(path) as stream:
            yield Full() if path.name == full else stream

    monkeypatch.setattr(text, "write_whole", write_whole)
    files = ["--output", tmp_path / "out", "--alignments", tmp_path / "links"]
    result = run("translate", "--ckpt", "x", *files, input="a\n")
    assert result.exit_code == 1
    assert f"{tmp_path / full}: " in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_run_translates_line_by_line_however_it_searches(
    untrained: Path, opened_once: None
) -> None:
    source = "a dog\n\na\u2028\0b\r\n \n" + "cats sleep " * 20
    call = ["translate", "--ckpt", untrained]
    limits = ["--max-length", "7", "--min-length", "3"]
    plain = run(*call, input=source.encode())
    greedy = run(*call, "greedy", input=source.encode())
    assert plain.exit_code == greedy.exit_code == 0
    assert plain.stdout == greedy.stdout
    assert plain.stdout.count("\n") == 5
    narrow = run(*call, "beam", "--beam-size", "1", *limits, input=source.encode())
    short = run(*call, "greedy", *limits, "--batch-size", "1", input=source.encode())
    assert narrow.stdout == short.stdout
    result = run(
        *call,
        *["beam", "--nbest", "4", *limits, "--format", "jsonl"],
        input=source.encode(),
    )
    translations = [json.loads(line) for line in result.stdout.split("\n")[:-1]]
    assert [record["source"] for record in translations] == [
        "a dog",
        "",
        "a\u2028\0b",
        " ",
        "cats sleep " * 20,
    ]
    for record in translations:
        found = record["hypotheses"]
        if record["source"].strip():
            texts = [best["text"] for best in found]
            scores = [best["score"] for best in found]
            assert 1 <= len(set(texts)) == len(texts) <= 4
            assert scores == sorted(scores, reverse=True)
            for best in found:
                assert 3 <= len(best["tokens"]) <= 7
                # The end of sentence counts.
                expected = best["log_prob"] / (len(best["tokens"]) + 1)
                assert best["score"] == pytest.approx(expected, rel=1e-5)
        else:
            [empty] = found
            assert (empty["text"], empty["score"], empty["tokens"]) == ("", 0, [])


@pytest.mark.parametrize("written", ["--output", "--alignments"])
@pytest.mark.parametrize("read", ["--input", "--prefix"])
def test_translate_does_not_write_over_what_it_reads(
    written: str, read: str, shouting: Shouting, tmp_path: Path
) -> None:
    file, link = tmp_path / "text", tmp_path / "link"
    file.write_text("a\n")
    link.symlink_to(file)
    result = run("translate", "--ckpt", "x", written, str(link), read, str(file))
    assert result.exit_code == 2
    assert f"{written} and {read} are both {file}" in result.stderr
    assert file.read_text() == "a\n" and not shouting.asked


def test_translations_and_alignments_do_not_go_to_one_file(
    shouting: Shouting, tmp_path: Path
) -> None:
    file, link = tmp_path / "text", tmp_path / "link"
    file.write_text("a\n")
    link.symlink_to(file)
    written = ["--output", str(file), "--alignments", str(link)]
    result = run("translate", "--ckpt", "x", *written, input="b\n")
    assert result.exit_code == 2 and "two texts, two files" in result.stderr
    assert file.read_text() == "a\n" and not shouting.asked


def test_text_that_is_missing_is_told_before_a_model_is_opened(
    shouting: Shouting, tmp_path: Path
) -> None:
    there, missing = tmp_path / "there", tmp_path / "missing"
    there.write_text("a\n")
    for command in (
        ["translate", "--input", missing],
        ["translate", "--prefix", missing],
        ["score", "--source", there, "--target", missing],
        ["evaluate", "--source", there, "--reference", missing],
    ):
        result = run(*map(str, command), "--ckpt", "x", input="a\n")
        assert result.exit_code == 1
        assert f"{missing}: no such file" in result.stderr
    assert shouting.opened == ()


def test_translate_may_read_and_write_a_device(shouting: Shouting) -> None:
    device = "/dev/null"
    result = run("translate", "--ckpt", "x", "--input", device, "--output", device)
    assert (result.exit_code, result.output) == (0, "")
