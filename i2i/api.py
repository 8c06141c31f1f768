"""Prepare, train, evaluate and export from Python: functions whose parameters are the commands' flags, by their names.

The commands themselves call them. Nothing heavy is imported before one is called.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from i2i.errors import UsageError
from i2i.system.pool import end_if_imported

if TYPE_CHECKING:
    from i2i.config import Mode, RunConfig
    from i2i.evaluation import Evaluation
    from i2i.exporting import Exported
    from i2i.preparation import Report
    from i2i.preparation.engines import Progress
    from i2i.said import Said
    from i2i.sections.training import Precision
    from i2i.training import Outcome, Reporter
    from i2i.training.seeds import Seeds

Place = str | os.PathLike[str]


def train(
    plugin: str | None = None,
    data: Place | None = None,
    out: Place | None = None,
    *,
    config: Place | Mapping[str, Any] | None = None,
    preset: str | None = None,
    use: "Said | None" = None,
    set: "Said | None" = None,
    plugin_file: Place | Iterable[Place] | None = None,
    init: Place | None = None,
    resume: Place | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    size: int | tuple[int, int] | str | None = None,
    seed: int | None = None,
    workers: int | None = None,
    device: str | None = None,
    precision: "Precision | None" = None,
    compile: bool | None = None,
    quiet: bool = True,
    reporter: "Reporter | None" = None,
) -> "Outcome":
    """Train a translator, or go on with a run; what is not given is left to the recipe's paper, as on the command line.

    The run draws from the global random generators of torch, Python and numpy, and sets the number of torch's threads.
    Afterwards all of them are as they were.

    Args:
        plugin: Recipe to train, such as ``pix2pix``.
        data: Dataset folder, as `prepare` makes it; or an address, such as ``hf://USER/NAME``.
        out: Folder of the run; made anew.
        config: YAML file of settings, such as a run's ``config.yaml``; or a mapping with the same content.
        preset: Settings for a purpose, below all that is said: ``small`` for a CPU and some minutes, ``fast`` for a
            GPU, ``paper``, or one that the recipe brings.
        use: Components by part, ``{"generator": "resnet"}``; or texts as the flag's.
        set: Settings, ``{"generator.depth": 7}`` or ``{"generator": {"depth": 7}}``; or texts as the flag's.
        plugin_file: One or several files of Python with hooks, used as plugins.
        init: Run or model to begin with, also ``USER/NAME``: its weights, and its settings unless given.
        resume: Go on with the run in this folder.
        epochs: Length of the run in epochs.
        steps: Length of the run in steps; overrules ``epochs``.
        batch_size: Pairs in a batch.
        size: Of what the networks see, in pixels: one number for both, or height and width.
        seed: Of initial weights, order, augmentation and dropout.
        workers: Processes that read images.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``, ...
        precision: Numbers that networks compute in: ``auto``, ``float32`` or ``bf16``.
        compile: Compile networks, and say what it costs and when it pays.
        quiet: Print nothing; warnings go to the logger ``i2i``. Otherwise it is shown as on the command line.
        reporter: Who is told how it goes, instead.

    Returns:
        What became of the run; `i2i.Translator.load` takes its folder.

    Raises:
        I2iError: If something is wrong that a person can mend, with the line that the command would print.
        InterruptedRunError: If SIGINT or SIGTERM stopped it; everything is saved. Of threads only the main one hears
            signals.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    end_if_imported()
    from i2i import training
    from i2i.config import merge

    said = _said(given)
    with ExitStack() as stack:
        if reporter is None:
            reporter = training.Reporter() if quiet else stack.enter_context(_terminal())
        if resume is not None:
            if out is not None or config is not None or preset is not None:
                raise UsageError(
                    "--resume goes on in its own folder, with its own config.yaml. Leave --out, --config and --preset "
                    "away."
                )
            return training.resume(Path(resume), merge(said), reporter)
        folder, resolved = _resolved(given, said)
        _warn_of_plugins(reporter)
        return training.train(resolved, folder, reporter)


def train_seeds(
    seeds: str | Iterable[int], *, on_progress: Callable[[str], None] = lambda line: None, **given: Any
) -> "Seeds":
    """Train the same under several seeds, each in a process and a folder of its own; called again, it goes on.

    Args:
        seeds: Such as ``0..4`` or ``0,3,7``; or numbers.
        on_progress: Is told how the runs go, in lines.
        **given: Parameters of `train` that say what a run does, and ``out``, the folder of all runs.

    Returns:
        What became of each run, and each figure's mean and spread; what ``seeds.json`` in the folder has.

    Raises:
        I2iError: If something is wrong that a person can mend. A run that fails raises nothing, and has its exit code.
    """
    from i2i.training.seeds import parse_seeds
    from i2i.training.seeds import train_seeds as train_all

    said = {name: value for name, value in given.items() if value is not None}
    if refused := sorted(said.keys() & {"seed", "resume", "reporter", "nproc"}):
        raise UsageError(f"--seeds and --{refused[0]} do not go together. Leave one away.")
    folder, resolved = _resolved(said, _said(said))
    return train_all(resolved, parse_seeds(seeds), folder, on_progress)


FLAGS = {
    "plugin": "recipe.name",
    "data": "data.path",
    "size": "data.crop",
    "workers": "data.workers",
    "epochs": "training.epochs",
    "steps": "training.steps",
    "batch_size": "training.batch_size",
    "seed": "training.seed",
    "device": "training.device",
    "precision": "training.precision",
    "compile": "training.compile",
    "init": "training.init",
}
"""Parameters of `train` that set one option, and which."""


def _said(given: dict[str, Any]) -> list[Mapping[str, Any]]:
    """Return what parameters of `train` say of settings, least important first."""
    from i2i.said import parse_assignments, parse_choices

    read = given | {name: _text(given[name]) for name in ("data", "init") if name in given}
    values = {setting: read[name] for name, setting in FLAGS.items() if name in read}
    if "size" in given:
        values["data.crop"] = _crop(given["size"])
    plugins = _loaded(given.get("plugin_file", ()))
    return [parse_choices(given.get("use", ())), parse_assignments(given.get("set", ())), _sections(values), plugins]


def _resolved(given: Mapping[str, Any], said: Sequence[Mapping[str, Any]]) -> "tuple[Path, RunConfig]":
    """Return the folder and the configuration of a new run."""
    from i2i.config import read_file, resolve
    from i2i.training.initial import initial_settings

    if "out" not in given:
        raise UsageError("No folder was given for the run. Say where with --out FOLDER.")
    begun, config = initial_settings(given["init"]) if "init" in given else {}, given.get("config", {})
    of_file = config if isinstance(config, Mapping) else read_file(Path(config))
    return Path(given["out"]), resolve([begun, of_file, *said], given.get("preset"))


def evaluate(
    models: Place | Sequence[Place],
    data: Place | None = None,
    out: Place | None = None,
    *,
    split: str = "test",
    metric: str | Sequence[str] = (),
    set: "Said | None" = None,
    weights: Place | None = None,
    judge: Place | None = None,
    mask: str | None = None,
    samples: int = 1,
    to: str | None = None,
    mode: "Mode | None" = None,
    size: int | tuple[int, int] | str | None = None,
    limit: int | None = None,
    seed: int = 0,
    references: bool = True,
    plugin_file: Place | Iterable[Place] | None = None,
    device: str = "auto",
    on_progress: "Progress | None" = None,
) -> "Evaluation":
    """Measure how good models are on the same held-out items, beside real images and blurred ones.

    Args:
        models: Runs and models: one, or a list; each perhaps as ``NAME=MODEL``.
        data: Dataset folder or address; that of the first run when not given.
        out: Folder for the page, tables and pictures; nothing is written when not given.
        split: Part of the dataset to measure on.
        metric: What to measure: names of metrics; the usual ones when not given, and ``all`` for every one that can be.
        set: Options of metrics and of the dataset, ``{"flip.pixels_per_degree": 30}``; or texts as the flag's.
        weights: File of weights for the metrics that are named and take one.
        judge: Judge for the metrics that are named and take one.
        mask: Field whose classes, or bright part, are measured besides.
        samples: Results for each image; from 2 on, how much they vary is measured.
        to: Field to make.
        mode: How models run; as each says itself when not given.
        size: Of all images, in pixels; that of the first model when not given.
        limit: Items at most, spread evenly over the split.
        seed: Of the models' noise.
        references: Whether to measure real, blurred and mean images beside.
        plugin_file: One or several files of Python with hooks, used as plugins.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``, ...
        on_progress: Called with how many items are measured and how many there are.

    Returns:
        All that was found; what is written to ``out`` as ``evaluation.json``.

    Raises:
        I2iError: If something is wrong that a person can mend, with the line that the command would print.
    """
    end_if_imported()
    from i2i.evaluation import Evaluator, write
    from i2i.plugin_files import load_plugin_file
    from i2i.said import parse_assignments

    for file in [plugin_file] if isinstance(plugin_file, str | os.PathLike) else plugin_file or ():
        load_plugin_file(file)
    crop = _crop(size)
    evaluator = Evaluator(
        [os.fspath(model) for model in ([models] if isinstance(models, str | os.PathLike) else models)],
        _text(data),
        split=split,
        to=to,
        metrics=[metric] if isinstance(metric, str) else metric,
        options=parse_assignments(set or ()),
        weights=_text(weights),
        judge=_text(judge),
        mask=mask,
        samples=samples,
        mode=mode,
        size=(crop, crop) if isinstance(crop, int) else crop and (crop[0], crop[1]),
        limit=limit,
        seed=seed,
        with_references=references,
        device=device,
    )
    found = evaluator.run(on_progress or (lambda done, total: None))
    if out is not None:
        write(found, evaluator.pictures, Path(out))
    return found


def export(
    model: Place,
    format: str,
    out: Place | None = None,
    *,
    to: str | None = None,
    mode: "Mode | None" = None,
    set: Mapping[str, Any] | Iterable[str] = (),
    data: Place | None = None,
    revision: str | None = None,
    plugin_file: Place | Iterable[Place] = (),
    measure: bool = False,
) -> "Exported":
    """Write a trained model as a file for another runtime, and compare the two.

    Args:
        model: Model folder, run, or name on a hub.
        format: Name of an exporter, such as ``onnx``.
        out: File or folder; in the model folder when not given, where ``Translator.load(model, backend=format)`` finds
            it.
        to: Field to make.
        mode: How it runs; as the model says itself when not given.
        set: Options of the exporter, ``{"storage": "float16"}``; or texts as the flag's.
        data: Dataset of the model, for what is calibrated.
        revision: Branch, tag or commit of a model on a hub.
        plugin_file: One or several files of Python with hooks, used as plugins.
        measure: Measure time and memory of both, which takes up to a minute.

    Returns:
        Where it is, how large, and how far it is from the model.

    Raises:
        I2iError: If something is wrong that a person can mend, or the file is not what the model is; none is left then.
    """
    end_if_imported()
    from i2i.exporting import export as write
    from i2i.plugin_files import load_plugin_file
    from i2i.said import parse_options

    files = [plugin_file] if isinstance(plugin_file, str | os.PathLike) else list(plugin_file)
    for file in files:
        load_plugin_file(file)
    return write(
        os.fspath(model),
        format,
        None if out is None else Path(out),
        to=to,
        mode=mode,
        options=parse_options(set),
        data=_text(data),
        revision=revision,
        plugin_files=[os.fspath(file) for file in files],
        measure=measure,
    )


def _loaded(plugin_file: Place | Iterable[Place]) -> dict[str, Any]:
    """Load plugin files, and return that the run needs them."""
    from i2i.plugin_files import load_plugin_file

    files = [plugin_file] if isinstance(plugin_file, str | os.PathLike) else plugin_file
    loaded = [load_plugin_file(file).model_dump() for file in files]
    return {"plugins": {"files": loaded}} if loaded else {}


def _terminal() -> Any:
    from i2i.cli.training_progress import TrainingProgress

    return TrainingProgress()


def _warn_of_plugins(reporter: "Reporter") -> None:
    """Tell of what is wrong with the plugins that were asked."""
    from i2i.kinds import COMPONENTS
    from i2i.plugins import installed

    for problem in installed(COMPONENTS).problems:
        reporter.warned(f"{problem} See `i2i plugins doctor`.")
    for line in installed(COMPONENTS).made_for_others(used=True):
        reporter.warned(f"{line}.")


def _text(place: Place | None) -> str | None:
    return None if place is None else os.fspath(place)


def _crop(size: Any) -> Any:
    """Read a size, which may be the text of ``--size``."""
    if not isinstance(size, str):
        return size
    height, by, width = size.lower().partition("x")
    try:
        return [int(height), int(width)] if by else int(height)
    except ValueError:
        raise UsageError(f"--size {size!r} is no size. Say one number, or HEIGHTxWIDTH such as 256x128.") from None


def _sections(given: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for setting, value in given.items():
        if value is not None:
            section, option = setting.split(".")
            settings.setdefault(section, {})[option] = value
    return settings


@overload
def prepare(
    name: str,
    sources: Place | Sequence[Place],
    out: Place,
    *,
    dry_run: Literal[False] = False,
    quiet: bool = True,
    on_progress: "Progress | None" = None,
    **options: Any,
) -> "Report": ...


@overload
def prepare(
    name: str,
    sources: Place | Sequence[Place],
    out: Place,
    *,
    dry_run: Literal[True],
    quiet: bool = True,
    on_progress: "Progress | None" = None,
    **options: Any,
) -> str: ...


def prepare(
    name: str,
    sources: Place | Sequence[Place],
    out: Place,
    *,
    dry_run: bool = False,
    quiet: bool = True,
    on_progress: "Progress | None" = None,
    **options: Any,
) -> "Report | str":
    """Make a dataset folder out of images; called again, it goes on where it was interrupted.

    Args:
        name: The preparer, such as ``edges``.
        sources: Images, and folders of images: one, or a list.
        out: The dataset folder to make, or the address that it is uploaded to.
        dry_run: Say what would be done, and write nothing.
        quiet: Print nothing. Otherwise it is shown as on the command line.
        on_progress: Called with how many inputs are done and how many there are, instead.
        **options: The other flags of ``i2i prepare NAME``: ``val=0.2``, ``range=(0, 4095)``, and the preparer's own.

    Returns:
        What came of it. Inputs that cannot be used stop nothing: ``report.rejected`` has them. Of a dry run, some lines
        of text.

    Raises:
        I2iError: If something is wrong that a person can mend, with the line that the command would print.
    """
    end_if_imported()
    from i2i import preparation
    from i2i.preparation.settings import divide

    settings = divide(name, options)
    places = [os.fspath(place) for place in ([sources] if isinstance(sources, str | os.PathLike) else sources)]
    if dry_run:
        return preparation.plan(name, places, os.fspath(out), **settings)
    if on_progress is not None or quiet:
        heard = {} if on_progress is None else {"on_progress": on_progress}
        return preparation.prepare(name, places, os.fspath(out), **heard, **settings)
    from i2i.cli.prepare import print_report
    from i2i.cli.progress import WorkProgress

    with WorkProgress(name) as progress:
        report = preparation.prepare(name, places, os.fspath(out), on_progress=progress, **settings)
    print_report(report, os.fspath(out))
    return report
