"""Words that people bring from other tools, each answered with the nearest thing that i2i has."""

import re
import shlex
from collections.abc import Collection, Sequence
from itertools import pairwise

NUMBER = re.compile(r"[\d.]+(e[+-]?\d+)?")

COMMANDS = {
    "predict": "`i2i translate MODEL IMAGES --out DIR` translates images with a trained model.",
    "test": "`i2i translate MODEL IMAGES --out DIR` translates images with a trained model.",
    "infer": "`i2i translate MODEL IMAGES --out DIR` translates images with a trained model.",
    "eval": "`i2i evaluate MODEL --data DATASET --out DIR` measures how good models are, and compares them.",
    "metrics": "`i2i evaluate MODEL --data DATASET --out DIR` measures how good models are, and compares them.",
    "fid": "`i2i evaluate MODEL --data DATASET --metric kid-lite0`, or --metric fid-inception --weights FILE.",
    "check": "`i2i data check DATASET` says what is wrong with a dataset.",
    "upload": "`i2i push RUN USER/NAME` publishes a model, `i2i data push DATASET USER/NAME` a dataset.",
    "download": "`i2i pull USER/NAME DIR` fetches a model, `i2i data get` a classic dataset.",
    "resume": "`i2i train --resume RUN` goes on with a run.",
}
"""Command of other tools -> what to type instead."""

TRAIN = {
    "--dataroot": "--data <FOLDER>",
    "--direction": "--set dataset.direction=<BtoA>",
    "--netG": "--use generator=NAME, such as unet or resnet, and --set generator.depth=8",
    "--netD": "--set discriminator.layers=3, or --use discriminator=NAME",
    "--norm": "--set generator.norm=<instance> and --set discriminator.norm=<instance>",
    "--ngf": "--set generator.base_channels=<64>",
    "--ndf": "--set discriminator.base_channels=<64>",
    "--gpu_ids": "--device cuda:<0>, or --device cpu",
    "--name": "--out <FOLDER>, which is the run's own",
    "--checkpoints_dir": "--out FOLDER, which is the run's own",
    "--model": "--plugin pix2pix",
    "--lr": "--set optimizer.lr=<0.0002>",
    "--beta1": "--set optimizer.betas=[<0.5>,0.999]",
    "--lr_policy": "--set schedule.name=linear",
    "--n_epochs": "--epochs <200>",
    "--niter": "--epochs <200>",
    "--n_epochs_decay": "--set schedule.name=linear and --set schedule.decay_start=0.5",
    "--load_size": "--set data.resize=<286>",
    "--crop_size": "--size <256>",
    "--no_flip": "--set data.mirror=false",
    "--lambda_L1": "--set recipe.pixel_weight=<100>",
    "--gan_mode": "--use gan_loss=least-squares",
    "--continue_train": "--resume RUN, alone",
    "--num_threads": "--workers <4>",
}
"""Option of pytorch-CycleGAN-and-pix2pix, or what people try -> how `i2i train` is told the same.

What stands in ``<>`` is an example of the value, for which that is put which was typed.
"""

TRANSLATE = {
    "--dataroot": "the images or folders themselves: i2i translate MODEL <IMAGES> --out DIR",
    "--name": "the model or run folder itself: i2i translate <MODEL> IMAGES --out DIR",
    "--results_dir": "--out <DIR>",
    "--gpu_ids": "--device cuda:<0>, or --device cpu",
    "--eval": "--mode running",
    "--batch_size": "nothing: images are translated one by one, whatever their sizes",
}
"""The same for `i2i translate`."""

OPTIONS = {"train": TRAIN, "translate": TRANSLATE}


def answer_command(typed: str) -> str:
    """Return what to type instead of a command of other tools; empty where none is known."""
    known = COMMANDS.get(typed)
    return f"i2i has no command {typed!r}. {known}" if known else ""


def answer_option(command: str, arguments: Sequence[str], known: Collection[str]) -> str:
    """Return what to type instead of the first option that comes from other tools; empty where there is none.

    Args:
        command: Such as ``train``.
        arguments: What was typed after it.
        known: The options that the command has.
    """
    habits = OPTIONS.get(command, {})
    for argument, following in pairwise([*arguments, ""]):
        option, equals, value = argument.partition("=")
        if option == "--":
            break
        if option in habits and option not in known:
            typed = value if equals else "" if following.startswith("-") else following
            return f"`i2i {command}` has no {option}. Say it with {_with_value(habits[option], typed)}."
    return ""


def _with_value(answer: str, typed: str) -> str:
    """Put what was typed where an answer has an example, if it is a number where the example is one."""
    return re.sub("<(.+?)>", lambda example: shlex.quote(typed) if _serves(typed, example[1]) else example[1], answer)


def _serves(typed: str, example: str) -> bool:
    return bool(typed) and (NUMBER.fullmatch(typed) is not None or NUMBER.fullmatch(example) is None)
