"""What can go wrong for a user, by kind. Knows nothing of anything else here.

    NmtError            shown as one message, exit code 1, never a traceback
      ConfigError       a configuration that cannot be used
      DataError         text files that cannot be used
      RunError          a run directory or checkpoint that is missing, damaged,
                        foreign, or not what the configuration describes

A message says what is wrong, where (`file:line` where there is one), what was
allowed, and the usual cause. A programmer's mistake is an `assert`, not one of these.
"""


class NmtError(Exception):
    """A user's mistake or the machine's trouble, in words meant for the user."""


class ConfigError(NmtError):
    """The configuration, or a command-line override of it, cannot be used."""


class DataError(NmtError):
    """A text file cannot be read, or its content cannot be right."""


class RunError(NmtError):
    """A run directory or a checkpoint cannot be used as asked."""


# Of CUDA's own allocations; of a copy to the GPU that finds no room; of cuBLAS's and
# cuDNN's beginnings.
_MEMORY_IS_FULL = ("out of memory", "dst tensor is not initialized", "alloc failed")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether that is what it says; TensorFlow's errors are known by their names."""
    name = type(error).__name__
    said = str(error).lower().replace("_", " ")
    return (
        isinstance(error, MemoryError)
        or name == "ResourceExhaustedError"
        or (name == "InternalError" and any(sign in said for sign in _MEMORY_IS_FULL))
    )


def in_one_line(text: str, most: int = 80) -> str:
    """`text` of a stranger for a message: shortened, nothing that moves a cursor."""
    shown = text if len(text) <= most else text[: most - 3] + "..."
    return "".join(
        character if character.isprintable() else repr(character)[1:-1]
        for character in shown
    )
