"""What a judge finds in real photographs, as a table."""

from statistics import fmean, stdev

from rich.table import Table

from i2i.errors import things
from i2i.evaluation.judges import Judge

FIGURES = ("pixel", "class", "iou")


def table_of(judge: Judge) -> Table:
    """Return each split's figures on real photographs: those of every seed, their mean, and their spread."""
    height, width = judge.size
    title = f"On real photographs, {judge.classes} classes, {width}x{height} px"
    table = Table("split", "seed", *FIGURES, title=title, title_justify="left")
    splits = dict.fromkeys(split for segmenter in judge.segmenters for split in segmenter.figures)
    for split in splits:
        for segmenter in judge.segmenters:
            table.add_row(split, str(segmenter.seed), *(f"{segmenter.figures[split][name]:.3f}" for name in FIGURES))
        found = judge.figures(split)
        if len(judge.segmenters) > 1:
            spread = (f"{fmean(found[name]):.3f} ± {stdev(found[name]):.3f}" for name in FIGURES)
            table.add_row(split, "mean ± sd", *spread, style="bold", end_section=True)
    if not splits:
        table.caption = f"There is neither val nor test: {things(len(judge.segmenters), 'segmenter')} unmeasured."
    return table
