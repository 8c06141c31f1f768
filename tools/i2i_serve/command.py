"""``i2i serve``."""

from typing import Annotated, Literal

import typer

from i2i.cli.flags import MaxPixels, Precision


def serve(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL...", help="Model folders, runs, or USER/NAME; each perhaps as NAME=MODEL."),
    ],
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than this machine need --token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes a free one.", min=0, max=65535)] = 8000,
    token: Annotated[
        str, typer.Option(help="What requests must have in `Authorization: Bearer TOKEN`.", envvar="I2I_TOKEN")
    ] = "",
    mode: Annotated[
        Literal["paper", "deterministic", "running"] | None,
        typer.Option(help="Dropout on (paper) or off; batch norm by each image, or by running averages (running)."),
    ] = None,
    fit: Annotated[
        Literal["none", "auto"], typer.Option(help="auto brings drawings to what a model's sources look like.")
    ] = "none",
    workers: Annotated[int, typer.Option(help="Batches that are translated at the same time.", min=1)] = 1,
    max_waiting: Annotated[int, typer.Option(help="Images that may wait; more are refused.", min=1)] = 64,
    max_bytes: Annotated[int, typer.Option(help="Largest file that is taken.", min=1)] = 50_000_000,
    max_pixels: MaxPixels = None,
    timeout: Annotated[float, typer.Option(help="Seconds until a request is given up.", min=0.1)] = 60.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
    precision: Precision = None,
) -> None:
    """Serve models over HTTP: an image in, its translation out.

    Its own description is at /docs. `curl --data-binary @photo.jpg http://127.0.0.1:8000/translate -o made.png`
    """
    from rich.console import Console

    from i2i import images
    from i2i.cli.console import shown
    from i2i.errors import UsageError
    from i2i.evaluation.asked import named_models
    from i2i.translation import Translator
    from i2i_serve.service import Limits, Service
    from i2i_serve.serving import LOOPBACK, address, check_installed, run

    check_installed()
    if host not in LOOPBACK and not token:
        raise UsageError(f"--host {host} lets other machines in. Give a --token that they must know, too.")
    most = max_pixels or images.MAX_PIXELS
    translators = {
        name: Translator.load(path, device=device, mode=mode, precision=precision or "auto", fit=fit)
        for name, path in named_models(models).items()
    }
    for translator in translators.values():
        translator.pack()
    console = Console(highlight=False)
    limits = Limits(images=max_waiting, pixels=max(4 * most, Limits().pixels), seconds=timeout)
    with Service(translators, workers, limits) as service:
        for name, translator in translators.items():
            console.print(f"{shown(name)}: mode {translator.mode}, on {translator.device}")
        run(
            service,
            host=host,
            port=port,
            token=token,
            max_bytes=max_bytes,
            max_pixels=most,
            on_start=lambda taken: console.print(f"Listening at {address(host, taken)}, described at /docs"),
        )
