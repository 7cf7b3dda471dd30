"""Event files for TensorBoard, in RUN/events: scalars, tables of text, pictures.

Knows nothing of models or training. The tensorboard package is not needed to write
them: an event is a protocol buffer of TensorFlow's, a file a TFRecord file of events,
and a plugin finds what it shows by `plugin_name` in the metadata.

Every start of a run begins a file that says first from which step on it counts, and so
does a return to an earlier step within a file: TensorBoard then drops what it has read
of later steps (its fast reader, tag by tag, when a tag comes to an earlier step or to
the same again). The files are read in the order of their names.
"""

import html
import re
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.struct_pb2 import Struct
from tensorflow.core.framework import summary_pb2
from tensorflow.core.util import event_pb2

FILE_NAME = "events.out.tfevents"  # by which TensorBoard finds them
FILE_VERSION = "brain.Event:2"  # the one in which a start may drop later steps
# Where tensorboard.plugins.hparams looks for the settings of a run.
HYPER_PARAMETERS_TAG = "_hparams_/session_start_info"


class Events:
    """The event file of one start of a run.

    What goes wrong here ends the events and not the training: `warn` is told once.
    """

    def __init__(
        self, directory: Path, last_step: int, warn: Callable[[str], None]
    ) -> None:
        """What earlier files have of updates after `last_step` counts no more."""
        self._directory = directory
        self._warn = warn
        self._writer: Any = None
        self._failed = False
        self._attempt(self._open)
        self.drop_after(last_step)

    def drop_after(self, last_step: int) -> None:
        """What has been written of later steps counts no more."""
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._attempt(lambda: self._write(step=last_step + 1, session_log=start))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Curves, by tag: one point of each."""
        metadata = _metadata("scalars", summary_pb2.DATA_CLASS_SCALAR)
        self._add(
            step,
            lambda: [
                _value(tag, tf.make_tensor_proto(float(value)), metadata)
                for tag, value in values.items()
            ],
        )

    def table(self, step: int, tag: str, rows: Sequence[Sequence[str]]) -> None:
        """A table of plain text, its first row a heading."""
        metadata = _metadata("text", summary_pb2.DATA_CLASS_TENSOR)

        def values() -> Iterator[Any]:
            heading, *others = [[_markdown(text) for text in row] for row in rows]
            cells = [[f"**{text}**" for text in heading], *others]
            yield _value(tag, tf.make_tensor_proto(cells, tf.string), metadata)

        self._add(step, values)

    def pictures(
        self, step: int, tag: str, draw: Callable[[], Sequence[bytes]]
    ) -> None:
        """The PNG pictures that `draw` makes, under `tag`/1 and so on."""
        metadata = _metadata("images", summary_pb2.DATA_CLASS_BLOB_SEQUENCE)

        def values() -> Iterator[Any]:
            for number, png in enumerate(draw(), start=1):
                # The sizes stand at the head of every PNG file.
                width, height = struct.unpack(">II", png[16:24])
                content = [str(width), str(height), png]
                tensor = tf.make_tensor_proto(content, tf.string)
                yield _value(f"{tag}/{number}", tensor, metadata)

        self._add(step, values)

    def hyper_parameters(self, values: Mapping[str, Any]) -> None:
        """The settings of the run, for TensorBoard's table of runs."""

        def session() -> Iterator[Any]:
            settings = Struct()
            for name, value in values.items():
                plain = isinstance(value, bool | int | float)
                # A file name may have bytes that are no UTF-8.
                text = str(value).encode("utf-8", "backslashreplace").decode()
                settings[name] = value if plain else text
            # HParamsPluginData{session_start_info = 3}, of hparams/plugin_data.proto,
            # whose SessionStartInfo{map<string, Value> hparams = 1;
            # double start_time_secs = 5} is a Struct on the wire, with one field more.
            started = struct.pack("<Bd", 5 << 3 | 1, time.time())
            message = settings.SerializeToString() + started
            content = bytes([3 << 3 | 2]) + _varint(len(message)) + message
            metadata = _metadata("hparams", summary_pb2.DATA_CLASS_TENSOR, content)
            nothing = tf.make_tensor_proto([0.0])
            yield _value(HYPER_PARAMETERS_TAG, nothing, metadata)

        self._add(0, session)

    def close(self) -> None:
        self._attempt(lambda: self._writer.close())

    def _open(self) -> None:
        self._directory.mkdir(exist_ok=True)
        number = len(list(self._directory.iterdir()))
        while (file := self._directory / f"{FILE_NAME}.{number:06}").exists():
            number += 1
        self._writer = tf.io.TFRecordWriter(str(file))
        self._write(file_version=FILE_VERSION)

    def _add(self, step: int, values: Callable[[], Iterable[Any]]) -> None:
        """An event of what `values` makes; where events have ended, it is not asked."""
        self._attempt(
            lambda: self._write(step=step, summary=summary_pb2.Summary(value=values()))
        )

    def _write(self, **content: Any) -> None:
        event = event_pb2.Event(wall_time=time.time(), **content)
        self._writer.write(event.SerializeToString())
        self._writer.flush()

    def _attempt(self, act: Callable[[], None]) -> None:
        """Does it, unless something has failed; any error is the end of the events."""
        if self._failed:
            return
        try:
            act()
        except Exception as error:  # whatever it is, it is not worth a training
            self._failed = True
            self._warn(
                f"{self._directory}: no more events for TensorBoard, the training goes "
                f"on without them: {error}"
            )


def _metadata(plugin: str, data_class: Any, content: bytes = b"") -> Any:
    return summary_pb2.SummaryMetadata(
        plugin_data=summary_pb2.SummaryMetadata.PluginData(
            plugin_name=plugin, content=content
        ),
        data_class=data_class,
    )


def _value(tag: str, tensor: Any, metadata: Any) -> Any:
    return summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=metadata)


def _markdown(text: str) -> str:
    """Markdown that shows the text as it is."""
    escaped = re.sub(r"([\\`*_{}\[\]()#+\-.!])", r"\\\1", html.escape(text))
    return " ".join(escaped.replace("|", "&#124;").split())


def _varint(number: int) -> bytes:
    """A length as protocol buffers write it: seven bits a byte, the lowest first."""
    head, rest = number & 0x7F, number >> 7
    return bytes([head | 0x80]) + _varint(rest) if rest else bytes([head])
