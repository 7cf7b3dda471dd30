"""THE LOOP: updates, and now and then a validation and a checkpoint, until the end.

Knows nothing of how a run is started, nor of how a finished one is used.

Everything random is a function of the seed and of the place in the run (epoch, batch,
update), so that {weights, moments, average, State} is all that a checkpoint needs: a
run that was interrupted ends with the weights of one that was not.
"""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import islice

from nmt import hardware
from nmt.batches import Batch, Plan
from nmt.changes import flat
from nmt.config import Config
from nmt.cores import Cores
from nmt.divergence import MOST_ROLLBACKS, MOST_SKIPPED
from nmt.errors import RunError
from nmt.feeding import make_plan, make_stream
from nmt.interval import Interval, Pace
from nmt.opening import Opening
from nmt.optimizer import learning_rate
from nmt.patience import (
    after_validation,
    ended,
    updates_to_come,
    validation_is_due,
)
from nmt.progress import Progress
from nmt.rehearsal import describe, rehearse, worst_batch
from nmt.rollback import roll_back
from nmt.run import RunDirectory
from nmt.saving import save
from nmt.signals import Interrupted, Signals
from nmt.telling import (
    beside_the_bar,
    examples,
    line_of_updates,
    line_of_validation,
    lines_of_examples,
)
from nmt.validation import ValidationResult
from nmt.watch import Watch

LOG_EVERY = 50  # updates between two lines of metrics
AGREE_EVERY = 10  # updates between two questions of the workers who was interrupted
LOOK_EVERY = 10  # updates between two looks at how they went; a divisor of LOG_EVERY
SAVE_EVERY = 600  # seconds after which a checkpoint does not wait for a validation


class Training:
    """A run in progress."""

    def __init__(
        self,
        config: Config,
        run: RunDirectory,
        progress: Progress,
        opening: Opening,
        signals: Signals,
        again: str = "the same command",
    ) -> None:
        """`again` is what goes on after an interruption, for people."""
        self.config = config
        self.run = run
        self.progress = progress
        self.opening = opening
        self.distribution = opening.updater.distribution
        self.signals = signals
        self.again = again
        self.interval = Interval.load(opening.state.unlogged)
        self.state = replace(opening.state, unlogged={})
        # What a start has is saved if a signal comes before the first update.
        self.saved = self.state if self.state.step else None
        self.saved_at = time.monotonic()
        self.watch = Watch(config, opening.corpus, progress)
        self.plan: Plan = []  # of the epoch
        self.pace = Pace()
        cores = {name: self.state.machine[name] for name in Cores._fields}
        facts = hardware.provenance() | cores
        progress.record("start", step=self.state.step, **facts)
        gpus = hardware.gpus()
        if self.distribution.replicas == 1:
            gpus = gpus[:1]
        machine = ", ".join(gpus) or hardware.processor()
        progress.say(f"{opening.introduction()}; computed on {machine}")
        if left_out := opening.left_out(config.data.train):
            progress.warn(f"left out of the training pairs: {left_out}")
        if self.state.step or self.state.validated_step is not None:
            progress.say(f"going on after step {self.state.step}")
        if progress.events is not None:
            progress.events.hyper_parameters(flat(config))

    def rehearse(self) -> None:
        """Tries the worst batch; nothing has changed afterwards."""
        corpus, tokenizers = self.opening.corpus, self.opening.tokenizers
        plan = make_plan(self.config, corpus, epoch=0)
        worst = worst_batch(self.config, corpus, tokenizers, plan)
        # First, because a system that lacks memory may end the process without a word.
        self.progress.note(f"trying the largest batch: {describe(worst)}")
        rehearse(self.config, worst, self.opening.updater)
        self.interval = Interval()  # no update was made

    def run_to_end(self) -> None:
        """The loop: epochs until an end is reached, then a last validation."""
        if self.state.stopped:
            self.progress.say(
                f"early stopping ended this run at step {self.state.step}: to go on, "
                "raise training.early_stopping.patience, or set early_stopping to null"
            )
        try:
            while not self._is_done():
                self._epoch()
        except Interrupted:
            self._save_where_it_is()
            raise
        self.progress.conclude(
            f"ended in epoch {self.state.last_epoch}, after {self.state.step} updates; "
            f"best: step {self.state.best_step}. "
            f"Now: nmt translate --ckpt {self.run.path}"
        )

    def _is_done(self) -> bool:
        """Whether an end is reached and validated."""
        if not ended(self.state, self.config.training):
            return False
        if self.state.validated_step == self.state.step:
            return True
        if not self._went_back():
            self._validate()
        return ended(self.state, self.config.training)

    def _epoch(self) -> None:
        """Updates from the rest of the epoch's plan, or until the run goes back."""
        training, state = self.config.training, self.state
        plan = make_plan(self.config, self.opening.corpus, state.epoch)
        self.plan = plan
        stream = make_stream(
            self.config,
            self.opening.corpus,
            self.opening.tokenizers,
            plan,
            epoch=state.epoch,
            first=state.batch,
        )
        of_all = f"/{training.epochs}" if training.epochs else ""
        name = f"epoch {state.epoch + 1}{of_all}"
        self.progress.begin_epoch(name, len(plan), state.batch)
        while not ended(self.state, training):
            # Here and not after the update: a run that was interrupted in between
            # validates when it goes on.
            due = validation_is_due(self.state, training)
            if (due or self.state.step % LOOK_EVERY == 0) and self._went_back():
                return
            if due:
                self._validate()
                continue
            start = time.perf_counter()
            batches = list(islice(stream, training.accumulate))
            self.interval.waited += time.perf_counter() - start
            if not batches:
                break
            self._update(batches)
            self._check_signals()
            self._save_now_and_then()
        else:
            return  # the last update, or early stopping, came before the epoch's end
        self.progress.end_epoch()
        if self._went_back():
            return
        self.state = replace(self.state, epoch=self.state.epoch + 1, batch=0)
        if validation_is_due(self.state, training):
            self._validate()

    def _check_signals(self) -> None:
        """Raises: Interrupted, where one of the workers has received a signal."""
        if self.distribution.workers == 1:
            self.signals.check()
        elif self.state.step % AGREE_EVERY == 0:
            if number := max(self.distribution.exchange(self.signals.received)):
                raise Interrupted(number)

    def _update(self, batches: Sequence[Batch]) -> None:
        state = self.state
        step = state.step + 1
        report = self.opening.updater.update(batches, step, self._rate(step))
        self.interval.add(batches, report)
        self.watch.add(state, len(batches), report)
        self.state = replace(state, step=step, batch=state.batch + len(batches))
        self.progress.advance(len(batches))
        if step % LOOK_EVERY == 0:
            figures = self.interval.summary()
            self.progress.show(beside_the_bar(figures, self._seconds_left()))
        if step % LOG_EVERY == 0:
            self._log()

    def _rate(self, step: int) -> float:
        state = self.state
        # It may be beyond its end: `epochs` or `steps` may be fewer than they were.
        last = max(step, state.step + self._updates_to_come())
        return learning_rate(
            self.config.training,
            step,
            last,
            state.reductions,
            state.halvings,
        )

    def _log(self) -> None:
        figures, state = self.interval.summary(), self.state
        self.progress.record(
            "train",
            step=state.step,
            epoch=state.last_epoch,
            learning_rate=self._rate(state.step),
            **figures,
        )
        self.progress.note(line_of_updates(state, figures, self._seconds_left()))
        self.state = replace(state, logged_step=state.step)
        self.interval = Interval()

    def _validate(self) -> None:
        """Validates, decides what follows from it, and saves a checkpoint."""
        if self.interval.reports:
            self._log()
        start = time.perf_counter()
        # The longest work of all, which the next start does again. Of several workers
        # none leaves the others alone in it.
        alone = self.distribution.workers == 1
        at_once = self.signals.at_once() if alone else nullcontext()
        with self.progress.busy("validating"), at_once:
            result = self.opening.validation.run()
        seconds = time.perf_counter() - start
        value = result.value(self.opening.metric)
        self.state = state = after_validation(self.state, value, self.config.training)
        if self.distribution.is_chief:
            self.run.write_validation(state, result.translations)
        bleu, chrf = result.scores
        # Before the checkpoint is saved: what a crash in between leaves too much is
        # dropped by the next start, but nothing would be made up for.
        self.progress.record(
            "validation",
            step=state.step,
            epoch=state.last_epoch,
            loss=result.loss,
            perplexity=result.perplexity,
            bleu=bleu.value,
            chrf=chrf.value,
            signature=bleu.signature,
            seconds=seconds,
            best=state.is_best,
        )
        self._tell(result)
        if state.stopped:
            self.progress.say(
                f"stopped early: no better for {state.since_best} validations"
            )
        self.save(best=state.is_best)
        self.interval.paused += time.perf_counter() - start

    def _tell(self, result: ValidationResult) -> None:
        """The scores and the examples, to the terminal and to TensorBoard."""
        validation, step = self.opening.validation, self.state.step
        watched = examples(validation, result)
        line = line_of_validation(result, self.state, self.opening.metric)
        self.progress.say(line)
        self.progress.say_shortly(lines_of_examples(watched))
        if self.progress.events is not None:
            rows = [("source", "reference", "translation"), *watched]
            self.progress.events.table(step, "examples", rows)
            self.progress.events.pictures(
                step, "attention", lambda: validation.draw_examples(result)
            )

    def _seconds_left(self) -> float | None:
        last = self.state.step + self._updates_to_come()
        return self.pace.seconds_left(self.state.step, last)

    def _updates_to_come(self) -> int:
        return updates_to_come(self.state, self.config.training, len(self.plan))

    def save(self, *, best: bool) -> None:
        """Writes a checkpoint; `best` says whether it is the best so far."""
        self.progress.sync()  # a checkpoint says which metrics there are
        if self.distribution.is_chief:
            keep = self.config.training.keep
            # None before a validation: it logs.
            unlogged = self.interval.dump() if self.interval.reports else {}
            state = replace(self.state, unlogged=unlogged)
            save(self.run, state, self.opening.updater, best=best, keep=keep)
        self.saved = self.state
        self.saved_at = time.monotonic()

    def _save_now_and_then(self) -> None:
        """Saves between two validations that are far apart, for a kill asks nobody."""
        if time.monotonic() - self.saved_at < SAVE_EVERY:
            return
        self._look()
        start = time.perf_counter()
        self.save(best=False)
        self.progress.note(f"saved step {self.state.step}")
        self.interval.paused += time.perf_counter() - start

    def _save_where_it_is(self) -> None:
        """Saves after a signal, if there is anything that is not saved."""
        self._look()
        if self.state != self.saved:
            self.save(best=False)
        self.distribution.exchange(None)  # nobody leaves while it is written
        self.progress.conclude(
            f"interrupted: saved step {self.state.step}; {self.again} goes on from "
            "there"
        )

    def _look(self) -> None:
        """Sees how the last updates went, and tells what is not right."""
        skipped = self.watch.look(self.plan, self.state.skipped)
        self.state = replace(self.state, skipped=skipped)

    def _went_back(self) -> bool:
        """Looks; whether the run has gone back, because too many were skipped.

        Raises: RunError where it went back often enough.
        """
        self._look()
        state = self.state
        if state.skipped < MOST_SKIPPED:
            return False
        if state.rollbacks >= MOST_ROLLBACKS:
            raise RunError(
                f"{self.run.path}: training stopped at step {state.step}: "
                f"{state.skipped} updates in a row had no finite loss or gradient, as "
                f"after each of {state.rollbacks} returns to step "
                f"{state.validated_step or 0} with half the learning rate; that "
                "checkpoint is untouched; try a lower training.learning_rate or more "
                "training.warmup_steps, or look at the lines of data that train.log "
                "names (with these mended, --restart begins anew)"
            )
        opening = self.opening
        self.state = back = roll_back(
            self.run, self.config, state, opening.updater, opening.tokenizers
        )
        self.saved, self.saved_at = back, time.monotonic()
        self.progress.end_epoch()
        self.plan = make_plan(self.config, opening.corpus, back.epoch)
        rate = self._rate(back.step + 1)
        undone = self.progress.drop_after(back.step, back.last_steps)
        self.progress.record(
            "rollback",
            step=back.step,
            from_step=state.step,
            learning_rate=rate,
            skipped=[each for each in undone if each["kind"] == "skipped"],
        )
        self.progress.warn(
            f"{state.skipped} updates in a row were skipped: back from step "
            f"{state.step} to {back.step}, with half the learning rate, {rate:.2g} "
            f"({back.rollbacks} of at most {MOST_ROLLBACKS} times)"
        )
        self.interval, self.pace = Interval(), Pace()
        return True
