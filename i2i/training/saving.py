"""What a run keeps: checkpoints, the last model and the best one, of which all that takes long is done beside steps."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from torch import Tensor

from i2i.training import state
from i2i.training.checkpoint import BegunCheckpoint
from i2i.training.folder import RunFolder
from i2i.training.reporting import MetricsLog
from i2i.training.saver import Saver
from i2i.training.setup import Setup
from i2i.training.snapshot import BegunModel, Snapshot
from i2i.training.state import Progress
from i2i.translation.parts import translating


class Saving:
    """Saves one run, in its first process; the others hand over what is their own.

    Args:
        folder: Where the run lives.
        setup: What it trains.
        progress: How far it has come.
    """

    def __init__(self, folder: RunFolder, setup: Setup, progress: Progress) -> None:
        self._folder, self._setup, self._progress = folder, setup, progress
        self.saver = Saver()
        self.step = progress.step
        """Steps that are saved, or will be as soon as the saver is done."""
        self.best_is_new = False
        """Whether the best model is the present one, and not saved yet."""

    def save(self, log: MetricsLog) -> None:
        """Save a checkpoint and the last model, and the best one where that is new.

        Raises:
            I2iError: If the save before could not be finished, or something cannot be written.
        """
        setup, progress, folder = self._setup, self._progress, self._folder
        self.saver.wait()
        if not setup.ranks.first:
            state.hand_over(setup)
            self.step = progress.step
            return
        progress.log_bytes = log.sync()
        saved = state.capture(setup, progress)

        def begin(snapshot: Snapshot) -> Iterator[Callable[[], object]]:
            begun = BegunCheckpoint(snapshot, folder.checkpoints, progress.step, saved)
            for model in (self._export(folder.last_model, snapshot), *self._best(snapshot)):
                yield model.finish
            # the checkpoint last: killed before it, the resumed run writes the same bytes again
            yield partial(begun.finish, setup.config.training.keep)

        self._beside_steps(begin)
        self.step = progress.step

    def save_best(self) -> None:
        """Save the best model if it is new."""
        if self.best_is_new:
            self.saver.wait()
            self._beside_steps(lambda snapshot: [model.finish for model in self._best(snapshot)])

    def wait(self) -> None:
        """Wait until the first process has saved: one that leaves before it would have it ended."""
        self.saver.wait()
        self._setup.ranks.told(0)

    def exported(self) -> dict[str, dict[str, Tensor]]:
        """Return the weights of the parts that the run's models hold.

        Raises:
            DataError: If a part keeps something for which a model folder has no place.
        """
        config = self._setup.config
        needed = translating(type(self._setup.recipe), config.selection)
        others = self._setup.updater.networks if config.training.export == "all" else ()
        return state.exported(self._setup, dict.fromkeys([*needed, *others]))

    def _beside_steps(self, begin: Callable[[Snapshot], Iterable[Callable[[], object]]]) -> None:
        """Begin to save, and do the rest beside the next steps, whose updates wait for what they change.

        Args:
            begin: Adds to a snapshot; returns what is to be done once it is written.
        """
        updater = self._setup.updater
        with ExitStack() as stack:
            snapshot = stack.enter_context(Snapshot(updater.changing()))
            finishing = list(begin(snapshot))
            begun = stack.pop_all()

        def finish() -> None:
            with begun:
                snapshot.write()
                for each in finishing:
                    each()

        self.saver.start(finish)
        updater.before = snapshot.wait

    def _best(self, snapshot: Snapshot) -> Iterator[BegunModel]:
        """Begin the best model where that is new, or where none can be told."""
        if self.best_is_new or self._progress.best is None:
            self.best_is_new = False
            yield self._export(self._folder.model, snapshot)

    def _export(self, folder: Path, snapshot: Snapshot) -> BegunModel:
        """Begin to export the networks as a model that can be used."""
        return BegunModel(snapshot, folder, self._setup.model_config(self._progress.step), self.exported())
