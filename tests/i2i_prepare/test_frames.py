"""Every frame of a video is in a pair or in the report, and the pairs hold the frames that they say."""

import json
import os
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from i2i import images
from i2i.errors import DataError, MissingInputError, UsageError
from i2i.pairs import Finding, Pair
from i2i.preparation import Report, plan, prepare
from i2i_prepare.frames import Frames
from i2i_prepare.video import FAR, FrameReader, scan, scan_all

SIDE = 32
RATE = 10.0


def shade(index: int) -> int:
    """By which a frame is known, also after lossy coding."""
    return 20 + index * 37 % 200


def write_video(
    path: Path, frames: int, *, offset: int = 0, code: str = "MJPG", size: tuple[int, int] = (SIDE, SIDE)
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*code), RATE, size)
    assert writer.isOpened()
    for index in range(frames):
        bgr = np.zeros((size[1], size[0], 3), np.uint8)
        bgr[..., 2] = shade(index + offset)  # red
        writer.write(bgr)
    writer.release()
    return path


def found(preparer: Frames, *sources: Path) -> Finding:
    return preparer.find([str(source) for source in sources], lambda done, total: None)


def shades(pixels: Any) -> float:
    assert pixels.shape[2] == 3
    assert pixels[..., 1:].mean() < 30  # nothing but red, the first channel
    return float(pixels[..., 0].mean())


@pytest.mark.parametrize(("code", "suffix", "every", "gap"), [("MJPG", "avi", 1, 1), ("mp4v", "mp4", 3, 2)])
def test_a_frame_is_paired_with_the_one_that_is_asked_for(
    code: str, suffix: str, every: int, gap: int, tmp_path: Path
) -> None:
    video = write_video(tmp_path / f"clip.{suffix}", 20, code=code)
    preparer = Frames(every=every, gap=gap)
    items = found(preparer, video).items
    assert [item.metadata["frame"] for item in items] == list(range(0, 20 - gap, every))
    for item in items:
        pair = preparer.make(item)
        assert isinstance(pair, Pair)
        for pixels, index in zip(pair, (item.metadata["frame"], item.metadata["frame"] + gap), strict=True):
            assert shades(pixels) == pytest.approx(shade(index), abs=8)


@pytest.mark.parametrize(("code", "suffix"), [("MJPG", "avi"), ("mp4v", "mp4")])
def test_frames_are_the_same_in_any_order(code: str, suffix: str, tmp_path: Path) -> None:
    video = write_video(tmp_path / f"clip.{suffix}", 3 * FAR, code=code)
    items = list(found(Frames(), video).items)
    forward = Frames()
    straight = [forward.make(item) for item in items]
    order = np.random.default_rng(0).permutation(len(items))[:12]
    preparer = Frames()
    for number in [*order, 0, len(items) - 1, 0]:
        for now, before in zip(preparer.make(items[number]), straight[number], strict=True):
            np.testing.assert_array_equal(now, before)


def test_a_jump_that_lands_elsewhere_is_noticed(tmp_path: Path) -> None:
    video = str(write_video(tmp_path / "clip.avi", 2 * FAR))
    times = scan(video).times
    reader = FrameReader()
    # another time than the jump finds: the frame is counted from the start instead
    assert shades(reader.read(video, FAR + 50, times[FAR])) == pytest.approx(shade(FAR + 50), abs=8)


def test_start_and_stop_are_seconds(tmp_path: Path) -> None:
    video = write_video(tmp_path / "clip.avi", 30)
    items = found(Frames(start=0.5, stop=1.2), video).items
    assert [item.metadata["frame"] for item in items] == [5, 6, 7, 8, 9, 10]
    assert [lost.reason for lost in found(Frames(start=60), video).left_out] == ["too-short"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 2, "stop": 1}, "not behind start"),
        ({"mode": "images", "gap": 2}, "Leave it out in mode images"),
        ({"mode": "pairs", "gap": 2}, "Leave it out in mode pairs"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Frames(**options)


def test_two_videos_are_paired_frame_by_frame(tmp_path: Path) -> None:
    a = write_video(tmp_path / "a.avi", 8)
    b = write_video(tmp_path / "b.avi", 6, offset=3)
    preparer = Frames(mode="pairs")
    finding = found(preparer, a, b)
    assert len(finding.items) == 6
    for item in finding.items:
        pair = preparer.make(item)
        assert isinstance(pair, Pair)
        assert shades(pair.source) == pytest.approx(shade(item.metadata["frame"]), abs=8)
        assert shades(pair.target) == pytest.approx(shade(item.metadata["frame"] + 3), abs=8)
    (lost,) = finding.left_out
    assert (lost.status, lost.reason) == ("skipped", "no-partner")
    assert "last 2 frames" in lost.message


def test_frames_can_be_single_images(tmp_path: Path) -> None:
    preparer = Frames(mode="images", every=2)
    items = found(preparer, write_video(tmp_path / "clip.avi", 4)).items
    assert [shades(preparer.make(item)) for item in items] == pytest.approx([shade(0), shade(2)], abs=8)


def test_folders_of_videos_are_matched_by_name_and_the_lonely_are_named(tmp_path: Path) -> None:
    for name in ("x", "y", "only"):
        write_video(tmp_path / "a" / f"{name}.avi", 3)
    for name, size in (("x", (SIDE, SIDE)), ("y", (SIDE, 48)), ("other", (SIDE, SIDE))):
        write_video(tmp_path / "b" / f"{name}.avi", 3, size=size)
    finding = found(Frames(mode="pairs"), tmp_path / "a", tmp_path / "b")
    assert {item.group for item in finding.items} == {"x"}
    assert {(lost.name, lost.reason) for lost in finding.left_out} == {
        ("A/only", "no-partner"), ("B/other", "no-partner"), ("y", "different-sizes"),
    }  # fmt: skip
    assert {item.group for item in found(Frames(mode="pairs", size=16), tmp_path / "a", tmp_path / "b").items} == {
        "x",
        "y",
    }


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_decoder_that_waits_for_ever_costs_its_video_alone(tmp_path: Path) -> None:
    good, pipe = write_video(tmp_path / "good.avi", 4), tmp_path / "pipe.avi"
    os.mkfifo(pipe)
    scans = scan_all([str(pipe), str(good)], max_stall=0.5)
    assert "waits in 'pipe.avi': It took longer than 0.5 seconds" in str(scans[str(pipe)])
    assert scans[str(good)] == scan(str(good))
    finding = found(Frames(), tmp_path)
    assert {item.group for item in finding.items} == {"good"}  # a pipe in a folder is not opened at all


def test_damaged_videos_are_rejected_and_other_files_skipped(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "in" / "whole.avi", 40)
    (tmp_path / "in" / "cut.avi").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (tmp_path / "in" / "noise.mp4").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "in" / "empty.mkv").write_bytes(b"")
    (tmp_path / "in" / "notes.txt").write_text("x")
    finding = found(Frames(), tmp_path / "in")
    assert {item.group for item in finding.items} == {"whole"}
    assert {(lost.name, lost.status, lost.reason) for lost in finding.left_out} == {
        ("cut", "rejected", "truncated"),
        ("noise", "rejected", "unreadable"),
        ("empty", "rejected", "unreadable"),
        ("notes.txt", "skipped", "no-video"),
    }
    assert finding == found(Frames(), tmp_path / "in")


def trimmed(video: bytes, seconds: float, begin: float) -> bytes:
    """An MP4 of version 0 of which the edit list shows a part, as when a phone trims it without coding it again."""
    (scale,) = struct.unpack_from(">I", video, video.index(b"mvhd") + 16)
    (media_scale,) = struct.unpack_from(">I", video, video.index(b"mdhd") + 16)
    edited, place = bytearray(video), video.index(b"elst") + 12
    struct.pack_into(">Ii", edited, place, round(seconds * scale), round(begin * media_scale))
    return bytes(edited)


def test_a_video_that_was_trimmed_by_its_edit_list_has_the_frames_that_it_shows(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", 12, code="mp4v").read_bytes()
    clip = tmp_path / "clip.mp4"
    for first, count in ((0, 6), (4, 6), (0, 12)):
        clip.write_bytes(trimmed(whole, count / RATE, first / RATE))
        assert scan(str(clip)).frames == count
        assert shades(FrameReader().read(str(clip), 0, None)) == pytest.approx(shade(first), abs=8)


@pytest.mark.parametrize("seconds", [0.8, 1.2])
def test_a_video_that_was_really_cut_is_rejected_whatever_its_edit_list_says(seconds: float, tmp_path: Path) -> None:
    whole = trimmed(write_video(tmp_path / "whole.mp4", 12, code="mp4v").read_bytes(), seconds, 0)
    begin = whole.index(b"mdat") + 4
    (size,) = struct.unpack_from(">I", whole, begin - 8)
    lost = begin + size // 3
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(whole[:lost] + bytes(begin + size - 8 - lost) + whole[begin + size - 8 :])  # never came
    with pytest.raises(images.ImageError, match="ends after"):
        scan(str(clip))


def test_no_video_and_wrong_sources_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No video was found"):
        found(Frames(), tmp_path)
    with pytest.raises(MissingInputError, match="There is no video or folder"):
        found(Frames(), tmp_path / "none")
    with pytest.raises(UsageError, match="two videos, or two folders"):
        found(Frames(mode="pairs"), tmp_path)
    with pytest.raises(UsageError, match=r"'s3://bucket/clips' is an address.* download"):
        Frames().plan(["s3://bucket/clips"])


def test_all_frames_of_a_video_are_in_one_split_and_all_are_accounted_for(tmp_path: Path) -> None:
    for number, name in enumerate(("one.avi", "deep/two.avi", "three.avi", "three.mp4")):
        code = "mp4v" if name.endswith("mp4") else "MJPG"
        write_video(tmp_path / "in" / name, 6, offset=50 * number, code=code)
    out = tmp_path / "in" / "out"  # inside the source, and not read again
    report = prepare("frames", [tmp_path / "in"], out, options={"size": 16}, val=0.3, workers=1)
    assert (report.made, report.skipped, report.rejected) == (20, {}, {})
    rows = [json.loads(line) for line in (out / "report.jsonl").read_text("utf-8").splitlines()]
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row["name"].rpartition("/")[0], set()).add(row["split"])
    assert splits.keys() == {"one", "deep/two", "three.avi", "three.mp4"}
    assert all(len(found) == 1 for found in splits.values())
    assert {"train", "val"} == set.union(*splits.values())
    again = prepare("frames", [tmp_path / "in"], out, options={"size": 16}, val=0.3, workers=1)
    assert again.made == 20


def test_a_video_with_other_bytes_is_another_one_and_one_that_was_copied_is_not(tmp_path: Path) -> None:
    clip, out = write_video(tmp_path / "in" / "clip.avi", 4), tmp_path / "out"

    def again() -> Report:
        return prepare("frames", [tmp_path / "in"], out, options={"size": 16}, val=0, workers=1)

    again()
    os.utime(clip, (1, 1))
    assert again().resumed == 3
    damaged = bytearray(clip.read_bytes())
    damaged[len(damaged) // 2] ^= 1  # no other size, and no other number of frames
    clip.write_bytes(damaged)
    text = plan("frames", [tmp_path / "in"], out, options={"size": 16}, val=0)  # which decodes no video
    assert "nothing would be made unless the sources have changed" in text
    with pytest.raises(UsageError, match=r"made from other images: 'clip/0000000' is one of 3"):
        again()


@pytest.mark.parametrize("mark", ["dataset.yaml", "preparing"])
def test_datasets_among_the_videos_are_not_looked_into_finished_or_not(mark: str, tmp_path: Path) -> None:
    write_video(tmp_path / "clip.avi", 3)
    before = found(Frames(), tmp_path)
    write_video(tmp_path / "out" / "train" / "other.avi", 3)
    (tmp_path / "out" / mark).mkdir()
    (tmp_path / "out" / "report.jsonl").touch()
    after = found(Frames(), tmp_path)
    assert (after.items, after.left_out) == (before.items, before.left_out)
