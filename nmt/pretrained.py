"""Another run that a run starts from: its weights and its tokenizer, to go on with.

Knows nothing of how the new run trains.
"""

from nmt.changes import flat
from nmt.config import Config
from nmt.errors import ConfigError
from nmt.run import OpenRun, open_run

# What may differ: it changes no weight's shape, and no token's id.
_FREE = ("model.dropout.", "tokenizer.sampling")


def open_pretrained(config: Config) -> OpenRun | None:
    """What `training.start_from` names; None: weights are drawn at random.

    Raises: RunError if there is no checkpoint; ConfigError if it is the run's own, or
        of a model or a tokenizer that the configuration does not describe.
    """
    path = config.training.start_from
    if path is None:
        return None
    pretrained = open_run(path)
    if pretrained.directory.resolve() == config.run_dir.resolve():
        raise ConfigError(
            f"training.start_from: {path} is run_dir's own run, which goes on by "
            "itself; expected another run; usual cause: run_dir was to be a new one"
        )
    given, there = flat(config), flat(pretrained.config)
    differing = [
        f"{key}: {value} here, {there[key]} there"
        for key, value in given.items()
        if key.startswith(("model.", "tokenizer."))
        and not key.startswith(_FREE)
        and value != there[key]
    ]
    if differing:
        raise ConfigError(
            f"training.start_from: {path} is of another model or tokenizer than this "
            "configuration:\n  " + "\n  ".join(differing) + "\n"
            f"Give these keys the values of {pretrained.directory / 'config.yaml'}, or "
            "leave training.start_from out"
        )
    return pretrained
