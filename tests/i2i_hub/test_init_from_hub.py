"""A run may begin with a model on the hub, by its name; what was fetched is what it goes on with."""

from pathlib import Path

from bench import Bench

from i2i import safe_yaml


def test_a_run_begins_with_a_model_on_the_hub_and_goes_on_without_it(
    bench: Bench, run: Path, shared_pairs: Path, tmp_path: Path
) -> None:
    name = bench.new_name()
    assert bench("push", run, name, "--licence", "mit").code == 0
    begun = bench("train", "--init", name, "--data", shared_pairs, "--out", tmp_path / "run", "--steps", 1)
    assert begun.code == 0, begun.err
    config = safe_yaml.load((tmp_path / "run" / "config.yaml").read_text(), "config")
    folder = Path(config["training"]["init"])
    assert folder.is_absolute()
    assert (folder / "generator.safetensors").read_bytes() == (run / "model" / "generator.safetensors").read_bytes()
    bench.hub.requests.clear()
    assert bench("train", "--resume", tmp_path / "run", "--steps", 2).code == 0
    assert not bench.hub.requests


def test_a_model_with_its_discriminator_carries_it_there_and_back(
    bench: Bench, run: Path, shared_pairs: Path, tmp_path: Path
) -> None:
    name, networks = bench.new_name(), ("generator", "discriminator")
    newest = run / "checkpoints" / "step-000000002"
    pushed = bench("push", newest, name, "--licence", "mit")
    assert pushed.code == 0, pushed.err
    files = bench.repository(name).files()
    assert {file for file in files if file.endswith(".safetensors")} == {f"{part}.safetensors" for part in networks}
    assert bench("pull", name, tmp_path / "model").code == 0
    for part in networks:
        weights = (tmp_path / "model" / f"{part}.safetensors").read_bytes()
        assert weights == (newest / "model" / f"{part}.safetensors").read_bytes()
    begun = bench("train", "--init", name, "--data", shared_pairs, "--out", tmp_path / "run", "--steps", 1)
    assert begun.code == 0, begun.err
    assert "generator, discriminator of" in begun.out
