"""Curves of the report: bins that do not depend on what was read when, smoothing, axes."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2i_loggers.curves import BINS, Curve, History
from i2i_loggers.plots import Axis, figure_plot, loss_plot, rate_plot


def curve_of(values: list[float]) -> Curve:
    curve = Curve()
    for step, value in enumerate(values, 1):
        curve.add(step, value)
    return curve


@given(st.integers(1, 3 * BINS))
def test_bins_hold_all_steps_in_equal_parts(steps: int) -> None:
    values = np.random.default_rng(steps).normal(size=steps).tolist()
    curve = curve_of(values)
    points, width = curve.points, curve.width
    assert len(points) == -(-steps // width) <= BINS
    for number, point in enumerate(points):
        own = values[number * width : (number + 1) * width]
        assert (point.low, point.high) == (min(own), max(own))
        assert point.mean == pytest.approx(np.mean(own))


def test_a_line_is_smoothed_to_itself_up_to_its_ends_and_noise_is_less() -> None:
    line = [0.5 * step for step in range(200)]
    assert [point.smooth for point in curve_of(line).points] == pytest.approx(line)
    noise = np.random.default_rng(0).normal(size=200)
    smooth = [point.smooth for point in curve_of(noise.tolist()).points]
    assert np.std(smooth[10:-10]) < 0.5 * np.std(noise)


def test_a_log_is_read_on_where_it_ended_and_a_half_line_waits(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    history = History(log)
    history.update()
    assert (history.step, history.curves) == (0, {})
    lines = [json.dumps({"step": step, "epoch": 1, "g/l1": step / 4}) + "\n" for step in range(1, 4)]
    note = json.dumps({"step": 3, "validation": {"kid": None, "l1": 0.5}}) + "\n"
    log.write_text(lines[0] + lines[1][:10])
    history.update()
    assert history.step == 1
    log.write_text("".join(lines) + note)
    history.update()
    assert [point.mean for point in history.curves["g/l1"].points] == [0.25, 0.5, 0.75]
    assert history.validations == {3: {"kid": None, "l1": 0.5}}
    assert history.curves.keys() == {"g/l1"}


def test_a_figure_that_is_not_finite_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "log").write_text('{"step": 1, "g/l1": null}\n{"step": 2, "g/l1": 1.0}\n')
    history = History(tmp_path / "log")
    history.update()
    assert [point.step for point in history.curves["g/l1"].points] == [2]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 100, [0, 20, 40, 60, 80, 100]),
        (0.31, 0.69, [0.4, 0.5, 0.6]),
        (-3, 5, [-2, 0, 2, 4]),
        (0, 80000, range(0, 80001, 20000)),
    ],
)
def test_axes_have_round_numbers(low: float, high: float, ticks: list[float]) -> None:
    assert Axis(low, high).ticks() == pytest.approx(list(ticks))


def test_one_peak_does_not_flatten_a_curve() -> None:
    values = [1.0 + step % 2 for step in range(300)]
    values[7] = 1e6
    assert [tick.label for tick in loss_plot("l1", curve_of(values), 300).up][-1] == "2"


def test_figures_stand_where_they_were_measured() -> None:
    plot = figure_plot("l1", {50: 0.5, 100: 0.25}, 200)
    assert [left for left, _ in plot.dots] == [25, 50]
    tops = [top for _, top in plot.dots]
    assert 0 < tops[0] < tops[1] < 100  # the larger one is nearer to the top
    assert plot.now == "0.25"


def test_a_learning_rate_is_drawn_as_it_is() -> None:
    plot = rate_plot("learning rate", curve_of([1.0] * 100 + [0.5] * 100), 200)
    tops = {point.split()[1] for point in plot.smooth[1:].split("L")}
    assert (len(tops), plot.now, plot.raw) == (2, "0.5", "")


def test_equal_values_can_be_drawn() -> None:
    assert loss_plot("l1", curve_of([0.0, 0.0]), 2).up
    assert figure_plot("l1", {1: -2.0}, 1).up
