"""``i2i study make`` and ``i2i study score``."""

from pathlib import Path
from typing import Annotated

import typer

from i2i.cli.console import complain, stoppable
from i2i.errors import things


def make(
    real: Annotated[Path, typer.Option(help="Folder of real images.")],
    fake: Annotated[list[Path], typer.Option(help="Folder of what a model made. Once for each model.")],
    out: Annotated[Path, typer.Option(help="Folder of the study, for its page and its key.")] = Path("study"),
    practice: Annotated[int, typer.Option(help="Trials that say whether the answer was right.", min=0)] = 10,
    trials: Annotated[int, typer.Option(help="Trials to score.", min=1)] = 40,
    attention: Annotated[int, typer.Option(help="Trials with an obvious fake among them.", min=0)] = 4,
    raters: Annotated[int, typer.Option(help="Sessions to draw for each model.", min=1)] = 50,
    different_inputs: Annotated[
        bool, typer.Option("--different-inputs", help="Show a fake with the real image of another input.")
    ] = False,
    limit: Annotated[int | None, typer.Option(help="Use only so many pairs.", min=2, show_default="all")] = None,
    enlarge: Annotated[float, typer.Option(help="How many times its pixels an image is shown at most.", min=0.1)] = 2,
    embed: Annotated[bool, typer.Option("--embed", help="Put the images into the page: one file to send.")] = False,
    post: Annotated[str | None, typer.Option(help="URL to send results to.", show_default="raters save a file")] = None,
    contact: Annotated[
        str | None, typer.Option(help="Who asks, for the raters to read.", show_default="nobody is named")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws pairs, places and order.", min=0)] = 0,
) -> None:
    """Make a page on which people say which image of a pair is fake.

    As in the paper: each image is shown for one second, practice comes first, a rater sees one model. The page knows of
    no trial to score which image is fake: key.json does, which stays with you.
    """
    from i2i.system.text import visible
    from i2i_study.making import make_study
    from i2i_study.page import Page
    from i2i_study.sessions import Lengths

    with stoppable("Nothing was written."):
        key = make_study(
            real,
            fake,
            out,
            lengths=Lengths(practice, trials, attention),
            raters=raters,
            different_inputs=different_inputs,
            limit=limit,
            seed=seed,
            page=Page(embed=embed, post=post or "", contact=contact or "", enlarge=enlarge),
        )
    for note in key.notes:
        complain(note, "yellow")
    session = key.sessions[0].trials
    pairs = things(sum(image.what == "real" for image in key.images), "real image")
    typer.echo(f"Study {key.study}: {visible(', '.join(key.models))}, against {pairs}.")
    typer.echo(f"{things(len(key.sessions), 'session')} of {things(len(session), 'trial')}, each of one model.")
    typer.echo(f"For the raters: {visible(str(out / 'page'))}. For you alone: {visible(str(out / 'key.json'))}.")


def score(
    results: Annotated[list[Path], typer.Argument(metavar="RESULTS...", help="Results of raters, or folders of them.")],
    study: Annotated[Path, typer.Option(help="Folder that `i2i study make` wrote.")] = Path("study"),
    allow_wrong: Annotated[int, typer.Option(help="Attention trials that a rater may get wrong.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Draws the resamples of the intervals.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Count how often raters took a fake for real, by model, with intervals of 95 %.

    Raters who fail the attention trials, and files that are no results of this study, are named and left out.
    """
    from i2i_study.key import read_key
    from i2i_study.results import collect
    from i2i_study.scoring import score_results
    from i2i_study.terminal import print_score

    key = read_key(study)
    collected = collect(results, key, allow_wrong=allow_wrong)
    for line in collected.left_out:
        complain(line, "yellow")
    scored = score_results(collected, key, seed=seed)
    if as_json:
        typer.echo(scored.model_dump_json(indent=2))
    else:
        print_score(scored)
