"""What comparisons come to, in words."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from i2i.evaluation.results import Comparison, Measured, Subject


def sentences(models: Sequence[Subject], measured: Sequence[Measured], found: Sequence[Comparison]) -> list[str]:
    """Say for two models which is better at what, as far as they can be told apart; for more, who is best.

    Of figures that mean the same, such as two of one metric, the first one speaks.

    Args:
        models: What was measured.
        measured: What the figures are.
        found: Their comparisons.
    """
    if len(models) == 2:
        return list(_of_two(models[0], models[1], measured, {c.figure: c for c in found}))
    return list(_of_several(models, measured, found)) if len(models) > 2 else []


def _of_two(
    first: Subject, second: Subject, measured: Sequence[Measured], found: Mapping[str, Comparison]
) -> Iterator[str]:
    said: dict[str, list[str]] = {first.name: [], second.name: []}
    untold = []
    for figure in _speakers(measured, found):
        comparison = found[figure.name]
        if not comparison.is_told:
            untold.append(figure.name)
            continue
        first_wins = (comparison.difference > 0) == figure.higher_is_better
        winner, loser = (first, second) if first_wins else (second, first)
        numbers = f"{number(winner.figures[figure.name].value)} against {number(loser.figures[figure.name].value)}"
        said[winner.name].append(f"{figure.better or 'better'} ({figure.name} {numbers})")
    clauses = [f"{name} is {_listed(points)}" for name, points in said.items() if points]
    if clauses:
        yield f"{'; '.join(clauses)}."
    if untold:
        yield f"{first.name} and {second.name} cannot be told apart by {_listed(untold)}."


def _of_several(models: Sequence[Subject], measured: Sequence[Measured], found: Sequence[Comparison]) -> Iterator[str]:
    by_figure = {name: list(each) for name, each in groupby(sorted(found, key=_figure), key=_figure)}
    for figure in _speakers(measured, by_figure):
        ranked = sorted((m for m in models if figure.name in m.figures), key=lambda m: m.rank[figure.name])
        best = ranked[0]
        told = {c.first if c.second == best.name else c.second for c in by_figure[figure.name] if _is_of(c, best)}
        close = [model.name for model in ranked[1:] if model.name not in told]
        figures = ", ".join(f"{model.name} {number(model.figures[figure.name].value)}" for model in ranked)
        unclear = f"; {_listed(close)} cannot be told apart from it" if close else ""
        yield f"{best.name} is best by {figure.name} ({figures}){unclear}."


def _is_of(comparison: Comparison, model: Subject) -> bool:
    return comparison.is_told and model.name in (comparison.first, comparison.second)


def _figure(comparison: Comparison) -> str:
    return comparison.figure


def _speakers(measured: Sequence[Measured], found: Mapping[str, object]) -> Iterator[Measured]:
    """Yield the figures that were compared, of those that mean the same the first."""
    meant = set()
    for figure in measured:
        meaning = figure.better or figure.name
        if figure.name in found and meaning not in meant:
            meant.add(meaning)
            yield figure


def number(value: float) -> str:
    """Write a figure to three digits that count.

    Example:
        >>> number(41.37), number(0.16666), number(1234.5), number(0.0)
        ('41.4', '0.167', '1234', '0')
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1]
