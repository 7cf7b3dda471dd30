"""The machine: a quiet TensorFlow, the memory allocator, devices.

Knows nothing of models or data. `prepare` comes before anything imports TensorFlow.
"""

import contextlib
import ctypes
import gc
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

# As cuDriverGetVersion counts; TensorFlow 2.21 is built with CUDA 12.5.
OLDEST_CUDA = 12000
CUDA_ERROR_NO_DEVICE = 100  # from cuda.h

# From glibc's malloc.h.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4


def prepare() -> None:
    """Imports TensorFlow without its chatter, on an allocator that keeps its pages.

    NMT_TENSORFLOW_LOG=1 in the environment shows what TensorFlow has to say.
    """
    if "tensorflow" in sys.modules:
        return
    _keep_freed_memory()
    # oneDNN's matrix products, which TensorFlow itself switches on for some processors
    # only: on one of the others a training step took 410 ms, then 388.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    level = "0" if os.environ.get("NMT_TENSORFLOW_LOG") else "3"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", level)
    with quiet_stderr():
        with _without_keras(), _without_collections():
            import tensorflow as tf

        # The first look at the devices is where CUDA complains that there is none.
        for device in tf.config.list_physical_devices("GPU"):
            # TensorFlow would take all of the memory, and shut out others.
            tf.config.experimental.set_memory_growth(device, True)
    if not os.environ.get("NMT_TENSORFLOW_LOG"):
        # It warns of retracing where one program opens several models or searches.
        tf.get_logger().setLevel("ERROR")


def prepare_to_translate() -> None:
    """`prepare`, for a process that translates and does not train.

    A search is hundreds of small operations one after another: two cores do more with
    a batch each than with half of every operation (measured: 560 sentences a second in
    greedy search, then 820).
    """
    if "tensorflow" not in sys.modules:
        prepare()
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)


def peak_memory(who: int = resource.RUSAGE_SELF) -> int:
    """The bytes of memory that this process, or those that `who` names, had at most."""
    peak = resource.getrusage(who).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # as getrusage(2) has it


def gpu_peak() -> int:
    """The bytes of the first GPU that this process has taken at most; 0: no GPU."""
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        return 0
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def devices() -> list[str]:
    """What TensorFlow can compute on, as it names it, GPUs with their makers' names."""
    import tensorflow as tf

    names = []
    for device in tf.config.list_physical_devices():
        details = tf.config.experimental.get_device_details(device)
        model = details.get("device_name")
        names.append(f"{device.name} ({model})" if model else device.name)
    return names


def make_deterministic() -> None:
    """The same bits each time, on a GPU too: its faster operations are left out."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def gpu_troubles() -> list[str]:
    """Why a GPU that is here cannot be used; empty where all is as it should be.

    A GPU that CUDA_VISIBLE_DEVICES hides is not wanted.
    """
    import tensorflow as tf

    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1")
    if hidden or tf.config.list_physical_devices("GPU") or not _has_gpu():
        return []
    cause = _driver_trouble() or (
        "TensorFlow's CUDA libraries are missing or of other versions: "
        "pip install 'nmt[gpu]' brings those that fit (NMT_TENSORFLOW_LOG=1 shows what "
        "TensorFlow says)"
    )
    return [f"this machine has an NVIDIA GPU that cannot be used: {cause}"]


def _has_gpu() -> bool:
    """Whether the system knows of an NVIDIA GPU, by a device file or its own tool."""
    if list(Path("/dev").glob("nvidia[0-9]*")):
        return True
    try:
        found = subprocess.run(
            ["nvidia-smi", "--list-gpus"], capture_output=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.returncode == 0 and b"GPU" in found.stdout


def _driver_trouble() -> str | None:
    """What keeps the driver from working with CUDA 12, if anything does."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return (
            "the driver's library libcuda.so.1 is not found (a container has it when "
            "it is started with --gpus all)"
        )
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    status = cuda.cuInit(0)
    if status == CUDA_ERROR_NO_DEVICE and wanted is not None:
        return (
            f"CUDA_VISIBLE_DEVICES is {wanted}, and the driver finds none of those "
            "(not here, or not for this user or job; -1 is for going without one)"
        )
    if status:
        words = ctypes.c_char_p()
        cuda.cuGetErrorString(status, ctypes.byref(words))
        said = (words.value or b"unknown error").decode()
        return (
            f"its driver does not start: {said} (cuInit: {status}); a restart of the "
            "machine helps after a driver's update, nvidia-smi may say more"
        )
    version = ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(version))
    if version.value < OLDEST_CUDA:
        return (
            f"its driver is for CUDA {version.value // 1000}."
            f"{version.value % 1000 // 10}, and TensorFlow needs 12.0 or later: "
            "install a newer driver"
        )
    return None


def cores() -> int:
    """Those that this process may run on, and has the time of.

    `taskset` or a container may have made a set of them, or, as `docker run --cpus` and
    a limit of Kubernetes do, left all and set a limit of time.
    """
    if hasattr(os, "sched_getaffinity"):
        some = len(os.sched_getaffinity(0))
    else:
        some = os.cpu_count() or 1
    return min(some, _cores_worth_of_time() or some)


def _cores_worth_of_time(cgroup: Path = Path("/sys/fs/cgroup")) -> int | None:
    """The limit of Linux's control group, rounded up; None: there is none."""
    for files in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        with contextlib.suppress(OSError, ValueError):  # "max" is none, and so is -1
            text = " ".join((cgroup / file).read_text() for file in files)
            quota, period = map(int, text.split())
            return math.ceil(quota / period) if quota > 0 else None
    return None


def numerics() -> dict[str, str | int]:
    """What decides the last digits of a result, beside the program and its threads."""
    import tensorflow as tf

    return {
        "TensorFlow": tf.__version__,
        "processor": processor(),
        "GPUs": ", ".join(gpus()),
        "oneDNN": os.environ.get("TF_ENABLE_ONEDNN_OPTS", ""),
    }


def provenance() -> dict[str, str | int]:
    """When and on what this is computed: what a run's record should say.

    `time` is ISO 8601 in UTC, `memory` is in bytes.
    """
    import tensorflow as tf

    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": platform.platform(terse=True),
        "processor": processor(),
        "cores": cores(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpus": ", ".join(gpus()),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
    }


def gpus() -> list[str]:
    """The makers' names of the GPUs that TensorFlow can compute on."""
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in found]
    return [str(each.get("device_name", "?")) for each in details]


def processor() -> str:
    """The processor's name, where the system tells."""
    with contextlib.suppress(OSError, IndexError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        name = text.split("model name", 1)[1].split("\n", 1)[0]
        return name.strip("\t :")
    return platform.processor() or platform.machine()


def _keep_freed_memory() -> None:
    """Tells glibc to reuse freed memory rather than give it back to the system.

    Otherwise each large tensor gets fresh pages, and the page faults cost a fifth of a
    training step (measured: 557 ms a step, then 443). Elsewhere than on glibc
    there is no mallopt, and nothing is changed.
    """
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(M_TOP_PAD, 1 << 28)


@contextlib.contextmanager
def _without_keras() -> Iterator[None]:
    """Keras cannot be imported here, and can afterwards.

    TensorFlow imports it at its own end, if it is there, and it imports matplotlib:
    together a fifth of the time (measured: 3.7 s, then 3.0 s). Nothing here uses it.
    """
    name = "keras.src"
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to say no
    try:
        yield
    finally:
        del sys.modules[name]


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Nothing is looked through for garbage, nor ever again what was made here.

    A fifth of the import's time (measured: 2.0 s of CPU time, then 1.6 s), and a sixth
    of what it takes to trace a graph afterwards (1.5 s, then 1.2 s).
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def _log_file() -> IO[bytes]:
    """A file that nobody sees, or where nothing can be written, the null device."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return open(os.devnull, "w+b")


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Nothing on standard error from C++ either; all of it if the block fails.

    Only the file descriptor itself will do: the libraries write before their log
    levels are read.
    """
    if os.environ.get("NMT_TENSORFLOW_LOG"):
        yield
        return
    sys.stderr.flush()
    with _log_file() as log:
        saved = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield
        except Exception:
            log.seek(0)
            os.write(saved, log.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
