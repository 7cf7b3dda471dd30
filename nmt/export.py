"""A trained model as a SavedModel: raw lines in, translations out, nothing else needed.

Knows nothing of runs or training. The graph does all that `translation.translate` does,
the tokenizer and the copying included, by TensorFlow's and tensorflow-text's
operations; none of them is placed on a device.

Letters: B lines, N translations of each, K hypotheses looked at of each, n lines of one
batch of the search.
"""

import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from nmt import hardware
from nmt.batches import USUAL_LENGTH
from nmt.continuations import IMPOSSIBLE
from nmt.decoding import MOST_ROWS, search_graph
from nmt.ensemble import Ensemble
from nmt.errors import NmtError
from nmt.files import UNFINISHED, behind_links
from nmt.graph_alignment import Spans, attention_of_parts
from nmt.graph_copying import (
    Copies,
    GraphReader,
    GraphReading,
    answer,
    insert_copies,
    word_spans,
)
from nmt.graph_text import characters, pieces, places, words
from nmt.graph_wording import GraphWording
from nmt.scoring import attention_graph
from nmt.search_settings import BATCH_SIZE, Beam, Greedy, longest_output
from nmt.tokenizer import BOS, EOS, PAD
from nmt.translator import Translator

Tensor = Any

_ROW_OF_NUMBERS = tf.RaggedTensorSpec([None], tf.int32, 0)
_READINGS = GraphReading(
    _ROW_OF_NUMBERS,
    Spans(_ROW_OF_NUMBERS, _ROW_OF_NUMBERS),
    Copies(
        _ROW_OF_NUMBERS,
        tf.RaggedTensorSpec([None], tf.string, 0),
        tf.RaggedTensorSpec([None], tf.bool, 0),
        _ROW_OF_NUMBERS,
    ),
)
_TEXT_AND_LINKS = (tf.TensorSpec([], tf.string), tf.TensorSpec([], tf.string))


class Translations(NamedTuple):
    """What the graph answers: best first, "" and 0 where there are fewer than N."""

    texts: Tensor  # [B, N] string
    alignments: Tensor  # [B, N] string: lines of Pharaoh's format
    scores: Tensor  # [B, N] float32: what they are ranked by
    log_probs: Tensor  # [B, N] float32: nats, end of sentence included
    count: Tensor  # [B] int32: how many there are, at least 1


def save(translator: Translator, output: Path, search: Greedy | Beam) -> None:
    """Writes the SavedModel `output`, whole or not at all.

    Signature `serving_default` searches as `search` says, `greedy` greedily.

    Raises: NmtError if `output` is there and not an empty directory, or cannot be
        written.
    """
    check_free(output)
    final = behind_links(output)
    aside = final.with_name(f".{final.name}.{os.getpid()}{UNFINISHED}")
    with hardware.quiet_stderr():  # the tokenizer says that it does not normalise
        graphs = TranslatorGraphs(translator)
    signatures = {
        "serving_default": graphs.signature(search),
        "greedy": graphs.signature(Greedy(search.min_length, search.max_length)),
    }
    try:
        aside.parent.mkdir(parents=True, exist_ok=True)
        # Gradients of a translation are of no use, and cannot be saved.
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(graphs.held(), str(aside), signatures, options)
        os.replace(aside, final)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "message", error)
        raise NmtError(f"{output}: cannot be written: {reason}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_free(output: Path) -> None:
    """Nothing, if a SavedModel may be written there.

    Raises: NmtError if something is there already.
    """
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise NmtError(
            f"{output}: is there already; nothing is overwritten: give --output a new "
            "or an empty directory (TensorFlow Serving wants a number for each "
            "version: models/en_de/2)"
        )


class TranslatorGraphs:
    """A translator's way from text to translations, as graphs."""

    def __init__(self, translator: Translator) -> None:
        self._model = translator.model
        self._reader = GraphReader(translator.tokenizers.source)
        self._wording = GraphWording(translator.tokenizers.target)
        # Traced and saved once for all signatures.
        self._reading_of = tf.function(self._reader.read, autograph=False)
        self._answer_of = tf.function(self._finished, autograph=False)

    def held(self) -> tf.Module:
        """What the graphs use and a SavedModel has to hold: weights, tokenizer."""
        model: Any = self._model
        models = model.models if isinstance(model, Ensemble) else (model,)
        holder = tf.Module("translator")
        holder.weights = [
            weight for model in models for weight in model.parameters.by_name.values()
        ]
        holder.tokenizer = self._reader.tokenizer
        return holder

    def signature(self, search: Greedy | Beam) -> Any:
        """The function of `text` [B] that answers by this search."""

        @tf.function(
            autograph=False,
            input_signature=[tf.TensorSpec([None], tf.string, name="text")],
        )
        def translate(text: Tensor) -> dict[str, Tensor]:
            return self._translate(text, search)._asdict()

        return translate

    def _translate(self, lines: Tensor, search: Greedy | Beam) -> Translations:
        """As `translation.translate`; invalid UTF-8 becomes U+FFFD."""
        lines = tf.strings.unicode_transcode(lines, "UTF-8", "UTF-8")
        readings = tf.map_fn(self._reading_of, lines, fn_output_signature=_READINGS)
        lengths = tf.cast(readings.ids.row_lengths(), tf.int32)
        unread = places(lengths == 0)
        texts, alignments = tf.map_fn(
            _answered, tf.gather(lines, unread), fn_output_signature=_TEXT_AND_LINKS
        )
        zero = tf.zeros([tf.size(unread), 1])
        results = Translations(
            texts[:, tf.newaxis],
            alignments[:, tf.newaxis],
            scores=zero,
            log_probs=zero,
            count=tf.ones_like(unread),
        )
        results = _padded(results, search.returned)
        batch_size = max(1, min(BATCH_SIZE, MOST_ROWS // search.rows))

        def advance(order: Tensor, done: Tensor, results: Translations) -> Any:
            # The longest first, and fewer of them, as `decode` has it.
            longest = tf.gather(lengths, order[-1])
            size = batch_size * USUAL_LENGTH // (longest + 1)
            size = tf.clip_by_value(size, 1, tf.minimum(batch_size, tf.size(order)))
            chosen = order[-size:]
            found = self._found(lines, readings, lengths, chosen, search)
            results = Translations(
                *(tf.concat(both, 0) for both in zip(results, found, strict=True))
            )
            return order[:-size], tf.concat([done, chosen], 0), results

        order = tf.argsort(lengths, stable=True)[tf.size(unread) :]
        variables = (order, unread, results)
        _, done, results = tf.while_loop(
            lambda order, done, results: tf.size(order) > 0,
            advance,
            variables,
            shape_invariants=tf.nest.map_structure(
                lambda x: tf.TensorShape([None, *x.shape[1:]]), variables
            ),
        )
        places_of = tf.math.invert_permutation(done)
        return Translations(*(tf.gather(field, places_of) for field in results))

    def _found(
        self,
        lines: Tensor,
        readings: GraphReading,
        lengths: Tensor,
        chosen: Tensor,
        search: Greedy | Beam,
    ) -> Translations:
        """The translations of the chosen lines [n], all of which have something."""
        count = tf.size(chosen)
        ends = tf.fill([count, 1], EOS)
        ids = tf.gather(readings.ids, chosen)
        source = tf.concat([ids, ends], 1).to_tensor(PAD)
        longest = longest_output(tf.gather(lengths, chosen))
        longest = tf.maximum(longest, search.min_length)
        if search.max_length is not None:
            longest = tf.fill([count], search.max_length)
        found = search_graph(self._model, search)(
            source,
            longest,
            tf.zeros([count, 0], tf.int32),
            tf.zeros([count, search.rows, 0]),
        )
        # More than are returned, where several may be the same text.
        rows = search.rows if search.returned > 1 else 1
        tokens, sizes = found.tokens[:, :rows], found.lengths[:, :rows]
        width = tf.reduce_max(sizes)
        tokens = tf.reshape(tokens[..., :width], [-1, width])
        sizes = tf.reshape(sizes, [-1])
        told = tf.where(tf.sequence_mask(sizes, width), tokens, PAD)
        target_in = tf.pad(told, [[0, 0], [1, 0]], constant_values=BOS)
        # One hypothesis of each sentence at a time: all at once would take the memory
        # of as many batches.
        by_rank = tf.transpose(tf.reshape(target_in, [count, rows, -1]), [1, 0, 2])
        attend = attention_graph(self._model)
        attention = tf.map_fn(
            lambda ranked: attend(source, ranked, ranked),
            by_rank,
            parallel_iterations=1,
            fn_output_signature=tf.TensorSpec([None, None, None], tf.float32),
        )
        attention = tf.transpose(attention, [1, 0, 2, 3])
        attention = tf.reshape(
            attention, tf.concat([[count * rows], tf.shape(attention)[2:]], 0)
        )

        def finish(row: Tensor) -> tuple[Tensor, Tensor]:
            line = chosen[row // rows]
            return self._answer_of(
                lines[line],
                tf.nest.map_structure(lambda field: field[line], readings),
                tokens[row, : sizes[row]],
                attention[row, : sizes[row] + 1, : lengths[line] + 1],
            )

        texts, alignments = tf.map_fn(
            finish, tf.range(count * rows), fn_output_signature=_TEXT_AND_LINKS
        )
        shape = [count, rows]
        return _distinct(
            tf.reshape(texts, shape),
            tf.reshape(alignments, shape),
            found.scores[:, :rows],
            found.log_probs[:, :rows],
            search.returned,
        )

    def _finished(
        self, line: Tensor, reading: GraphReading, ids: Tensor, attention: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(text, alignment) of a hypothesis."""
        said = self._wording(ids)
        of_line, of_text = characters(line), characters(said.text)
        source = word_spans(of_line, words(of_line))
        target = word_spans(of_text, words(of_text))
        # The end of sentence is the last row.
        rows = tf.concat([said.rows, [tf.size(ids)]], 0)
        weights = attention_of_parts(
            tf.gather(attention, rows), reading.tokens, source, said.tokens, target
        )
        of_source = pieces(of_line, source.begins, source.ends)
        text, links = insert_copies(of_source, reading.copies, said.text, weights)
        return text, _pharaoh(links)


def _answered(line: Tensor) -> tuple[Tensor, Tensor]:
    text, links = answer(line)
    return text, _pharaoh(links)


def _pharaoh(links: Tensor) -> Tensor:
    """Links [V, W] bool as a line of Pharaoh's format."""
    pairs = tf.strings.as_string(tf.where(links))
    return tf.strings.reduce_join(pairs[:, 1] + "-" + pairs[:, 0], separator=" ")


def _distinct(
    texts: Tensor, alignments: Tensor, scores: Tensor, log_probs: Tensor, returned: int
) -> Translations:
    """The best `returned` of hypotheses [n, K] whose texts differ, best first."""
    real = scores > IMPOSSIBLE / 2
    checked = tf.debugging.Assert(
        tf.reduce_all(tf.reduce_any(real, 1)),
        ["a line's translation has no probability that is a number: damaged weights"],
    )
    with tf.control_dependencies([checked]):
        place = tf.range(tf.shape(texts)[1])
    same = texts[:, :, tf.newaxis] == texts[:, tf.newaxis]
    better = (place < place[:, tf.newaxis]) & real[:, tf.newaxis]
    wanted = real & ~tf.reduce_any(same & better, 2)
    order = tf.argsort(tf.cast(~wanted, tf.int32), stable=True)[:, :returned]
    count = tf.minimum(tf.reduce_sum(tf.cast(wanted, tf.int32), 1), returned)
    there = tf.sequence_mask(count, tf.shape(order)[1])

    def kept(field: Tensor, nothing: Any) -> Tensor:
        return tf.where(there, tf.gather(field, order, batch_dims=1), nothing)

    found = Translations(
        kept(texts, ""),
        kept(alignments, ""),
        kept(scores, 0.0),
        kept(log_probs, 0.0),
        count,
    )
    return _padded(found, returned)


def _padded(found: Translations, returned: int) -> Translations:
    """Every field but the count with `returned` columns."""

    def wide(field: Tensor) -> Tensor:
        missing = returned - tf.shape(field)[1]
        nothing = "" if field.dtype == tf.string else 0
        rest = tf.fill([tf.shape(field)[0], missing], tf.cast(nothing, field.dtype))
        return tf.ensure_shape(tf.concat([field, rest], 1), [None, returned])

    return Translations(
        wide(found.texts),
        wide(found.alignments),
        wide(found.scores),
        wide(found.log_probs),
        tf.ensure_shape(found.count, [None]),
    )
