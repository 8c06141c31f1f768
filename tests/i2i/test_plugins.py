"""Discovery: what is found, and that one broken plugin is named and stops nothing else."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, distributions
from inspect import getmembers, isfunction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

import i2i
from i2i import hookspecs
from i2i.errors import UnknownNameError, UsageError, suggest
from i2i.kinds import COMMANDS, COMPONENTS, HOOKS
from i2i.plugins import Plugins, catalogue, installed, kinds

Package = Callable[..., list[EntryPoint]]
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that other tests found out is known."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """Makes a package importable, as if it were installed; returns its entry points."""
    monkeypatch.syspath_prepend(tmp_path)
    modules = []

    def install(name: str, code: str, group: str = COMPONENTS) -> list[EntryPoint]:
        modules.append(f"{name}_module")
        (tmp_path / f"{name}_module.py").write_text(code)
        info = tmp_path / f"i2i_{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: i2i-{name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {name}_module\n")
        importlib.invalidate_caches()
        (found,) = [d for d in distributions(path=[str(tmp_path)]) if d.metadata["Name"] == f"i2i-{name}"]
        return list(found.entry_points)

    yield install
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def installed_package(package: Package) -> Iterator[Package]:
    """As ``package``, and the command line finds it."""
    installed.cache_clear()
    yield package
    installed.cache_clear()


def generators(*names: str) -> str:
    classes = ", ".join(f"{name!r}: type({name!r}, (), {{}})" for name in names)
    return f"import i2i\n@i2i.hookimpl\ndef i2i_generators():\n    return {{{classes}}}\n"


def test_component_is_found_with_its_origin(package: Package) -> None:
    found = Plugins(package("good", generators("resnet"))).catalogue("generator")
    assert found.keys() == {"resnet"}
    assert found["resnet"].cls.__name__ == "resnet"
    assert found["resnet"][1:] == ("good", "i2i-good", "1.2", "")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('no\\nGPU')", "RuntimeError: no GPU"),
        ("import not_there", "ModuleNotFoundError: No module named 'not_there'"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("x = (", "SyntaxError"),
        (
            "import i2i\n@i2i.hookimpl\ndef i2i_generatorz(): ...",
            "no hook 'i2i_generatorz', so it is not asked. Did you mean 'i2i_generators'?",
        ),
        (
            "import i2i\n@i2i.hookimpl\ndef i2i_generators(app): ...",
            "i2i_generators() takes nothing, and not app, so it is not asked.",
        ),
        ("def i2i_generators(): ...", "it implements no hook. Mark its hooks with @i2i.hookimpl."),
    ],
)
def test_broken_plugin_is_named_with_package_and_reason_and_stops_nothing(
    package: Package, code: str, reason: str
) -> None:
    plugins = Plugins([*package("bad", code), *package("good", generators("resnet"))])
    assert plugins.catalogue("generator").keys() == {"resnet"}
    (problem,) = plugins.problems
    assert (problem.plugin, problem.distribution) == ("bad", "i2i-bad 1.2")
    assert reason in problem.reason
    assert "\n" not in str(problem)


@pytest.mark.parametrize("bad", ["i2i_losses(wrong)", "i2i_zebras()", "i2i_commands(app, newer)"])
def test_bad_hook_is_reported_and_the_others_of_its_plugin_serve(package: Package, bad: str) -> None:
    plugins = Plugins(package("half", f"{generators('resnet')}@i2i.hookimpl\ndef {bad}: raise OSError\n"))
    assert plugins.catalogue("generator").keys() == {"resnet"}
    assert plugins.catalogue("loss") == {}
    (problem,) = plugins.problems
    assert problem.plugin == "half"
    assert "is not asked" in problem.reason


@pytest.mark.parametrize("where", ["", "@i2i.hookimpl\ndef i2i_generators():\n    "])
def test_plugin_that_raises_keyboard_interrupt_is_named(package: Package, where: str) -> None:
    with pytest.raises(KeyboardInterrupt, match=r"Plugin 'bad' \(from i2i-bad\) was at work"):
        Plugins(package("bad", f"import i2i\n{where}raise KeyboardInterrupt")).catalogue("generator")


def test_plugins_are_asked_once_for_each_kind() -> None:
    asked = []

    def generators() -> dict[str, type]:
        asked.append("generator")
        return {"unet": int}

    plugins = Plugins()
    plugins.register(SimpleNamespace(i2i_generators=i2i.hookimpl(generators)), "mine")
    for _ in range(3):
        plugins.lookup("generator", "unet")
        plugins.clashes("generator")
    assert len(asked) == 1


def test_hook_of_the_other_group_is_reported(package: Package) -> None:
    (problem,) = Plugins(package("moved", "import i2i\n@i2i.hookimpl\ndef i2i_preparers(): return {}")).problems
    assert "i2i_preparers is asked of the entry points 'i2i.commands', not of 'i2i'" in problem.reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise KeyError('x')", "i2i_generators() fails: KeyError: 'x'"),
        ("import sys; sys.exit(1)", "i2i_generators() fails: SystemExit: 1"),
        ("return None", "i2i_generators() fails: TypeError"),
        ("return {'resnet': 7}", "i2i_generators() has 'resnet': 7, not a name and a class."),
    ],
)
def test_failing_hook_is_reported_once_and_stops_nothing(package: Package, body: str, reason: str) -> None:
    bad = package("bad", f"import i2i\n@i2i.hookimpl\ndef i2i_generators():\n    {body}\n")
    plugins = Plugins([*bad, *package("good", generators("resnet"))])
    for _ in range(2):
        assert plugins.catalogue("generator").keys() == {"resnet"}
    (problem,) = plugins.problems
    assert problem.plugin == "bad"
    assert reason in problem.reason


def bringer(answer: Any) -> Any:
    return SimpleNamespace(i2i_components=i2i.hookimpl(lambda: answer))


def test_kind_that_plugins_bring_is_like_any_other() -> None:
    plugins = Plugins()
    plugins.register(bringer({"projector": {"patch": int, "both": int}}), "mine", "i2i-mine", "1.0")
    plugins.register(bringer({"projector": {"line": str, "both": str}, "code-book": {}}), "theirs")
    assert plugins.kinds() == ["code-book", "projector"]
    assert plugins.catalogue("projector").keys() == {"patch", "line"}
    assert plugins.lookup("projector", "patch") == (int, "mine", "i2i-mine", "1.0", "")
    assert "projector 'both' is provided by both" in plugins.clashes("projector")["both"]
    with pytest.raises(UnknownNameError, match=r"No projector named 'pitch'\. Did you mean 'patch'\?"):
        plugins.lookup("projector", "pitch")
    with pytest.raises(UnknownNameError, match=r"No sampler named 'uniform'\. Installed: none\."):
        plugins.lookup("sampler", "uniform")
    assert plugins.problems == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"generator": {"unet": int}}, "has the kind 'generator', which has a hook of its own. Provide it by i2i_gen"),
        ({7: {}}, "has the kind 7. Call a kind by a word, such as 'projector'."),
        ({"two words": {}}, "has the kind 'two words'."),
        ({"sampler": ["uniform"]}, "has 'sampler': ['uniform'], not classes by name."),
        ({"sampler": {"uniform": 7}}, "has 'uniform': 7, not a name and a class."),
        (None, "fails: TypeError"),
    ],
)
def test_bad_kind_is_reported_once_and_stops_nothing(answer: Any, reason: str) -> None:
    plugins = Plugins()
    plugins.register(bringer(answer), "bad")
    plugins.register(bringer({"sampler": {"sound": int}}), "good")
    for _ in range(2):
        assert plugins.kinds() == ["sampler"]
        assert plugins.catalogue("sampler").keys() == {"sound"}
        assert "unet" not in plugins.catalogue("generator")
    (problem,) = plugins.problems
    assert problem.plugin == "bad"
    assert f"i2i_components() {reason}" in problem.reason


def test_kinds_are_asked_for_once() -> None:
    asked = []

    def components() -> dict[str, dict[str, type]]:
        asked.append("components")
        return {"projector": {}, "sampler": {}}

    plugins = Plugins()
    plugins.register(SimpleNamespace(i2i_components=i2i.hookimpl(components)), "mine")
    for _ in range(2):
        assert plugins.kinds() == ["projector", "sampler"]
        assert [dict(plugins.catalogue(kind)) for kind in plugins.kinds()] == [{}, {}]
    assert len(asked) == 1


def test_clash_names_both_plugins_and_leaves_other_names() -> None:
    plugins = Plugins()
    for owner, names in (("mine", ("unet", "resnet")), ("theirs", ("unet",))):
        plugins.register(provider(**{name: type(name, (), {}) for name in names}), owner)
    assert plugins.catalogue("generator").keys() == {"resnet"}
    message = "generator 'unet' is provided by both plugin 'mine' and plugin 'theirs'; uninstall or rename one."
    assert plugins.clashes("generator") == {"unet": message}
    with pytest.raises(UsageError, match=message):
        plugins.lookup("generator", "unet")


def test_two_plugins_of_one_name_are_refused() -> None:
    plugins = Plugins()
    plugins.register(provider(), "mine")
    with pytest.raises(UsageError, match="another plugin is called 'mine' too"):
        plugins.register(provider(), "mine")


def test_one_module_under_two_names_is_refused_and_the_first_stays() -> None:
    plugins, module = Plugins(), provider(resnet=object)
    plugins.register(module, "first")
    with pytest.raises(ValueError, match="already registered"):
        plugins.register(module, "second")
    assert plugins.catalogue("generator")["resnet"].plugin == "first"


def test_unknown_name_is_answered_with_the_nearest_and_all() -> None:
    plugins = Plugins()
    plugins.register(provider(unet=object, resnet=object), "mine")
    with pytest.raises(UnknownNameError) as error:
        plugins.lookup("generator", "unett")
    assert str(error.value) == "No generator named 'unett'. Did you mean 'unet'? Installed: resnet, unet."


def test_unknown_name_points_at_broken_plugins(package: Package) -> None:
    plugins = Plugins(package("bad", "raise RuntimeError"))
    with pytest.raises(UnknownNameError, match=r"Installed: none\. A plugin is broken: see `i2i plugins doctor`\."):
        plugins.lookup("generator", "resnet")


def test_far_names_are_not_suggested() -> None:
    assert suggest("zzz", ["unet"]) == ""


def test_every_hook_is_asked_for_and_documented() -> None:
    specified = {name: hook for name, hook in getmembers(hookspecs, isfunction) if name.startswith("i2i_")}
    assert specified.keys() == HOOKS.keys()
    assert all(hook.__doc__ for hook in specified.values())


def test_failing_commands_are_reported(package: Package) -> None:
    code = "import i2i\n@i2i.hookimpl\ndef i2i_commands(app): raise OSError('full')"
    plugins = Plugins(package("bad", code, COMMANDS))
    plugins.add_commands(typer.Typer())
    assert [problem.reason for problem in plugins.problems] == ["i2i_commands() fails: OSError: full"]


def provider(**components: type[Any]) -> Any:
    return SimpleNamespace(i2i_generators=i2i.hookimpl(lambda: components))


def test_list_has_every_component_and_its_package(run_cli: Cli) -> None:
    code, out, _ = run_cli("plugins", "list", "--json")
    assert code == 0
    rows = {(row["kind"], row["name"]): row for row in json.loads(out)}
    assert rows.keys() == {(kind, name) for kind in kinds() for name in catalogue(kind)}
    unet = rows["generator", "unet"]
    assert (unet["plugin"], unet["distribution"], unet["version"]) == ("pix2pix", "i2i-toolkit", i2i.__version__)
    assert unet["summary"].startswith("Encoder-decoder with skip connections")
    assert all(row["summary"] for row in rows.values())


def test_list_of_one_kind_has_no_other(run_cli: Cli) -> None:
    _, out, _ = run_cli("plugins", "list", "--kind", "discriminator")
    assert "patchgan" in out
    assert "unet" not in out


def test_show_recipe_has_parts_defaults_and_what_can_take_their_place(run_cli: Cli) -> None:
    code, out, _ = run_cli("plugins", "show", "pix2pix", "--json")
    assert code == 0
    shown = json.loads(out)
    assert shown["parts"]["generator"]["default"] == "unet"
    assert set(shown["parts"]["gan_loss"]["candidates"]) >= {"non-saturating", "least-squares"}
    assert not {"l1", "l2"} & set(shown["parts"]["gan_loss"]["candidates"])
    assert not {"non-saturating", "least-squares"} & set(shown["parts"]["pixel_loss"]["candidates"])
    assert shown["settings"]["optimizer"]["lr"] == 2e-4
    assert shown["parts"]["pixel_loss"]["default"] == "100*l1"
    assert shown["parts"]["penalties"]["default"] == "none"
    assert shown["options"]["gan_weight"]["default"] == 1


def test_show_finds_a_component_by_its_name_alone(run_cli: Cli) -> None:
    for kind in ("generator", "metric", "preparer"):
        name = {"generator": "unet", "metric": "psnr", "preparer": "edges"}[kind]
        code, out, _ = run_cli("plugins", "show", name, "--json")
        assert (code, json.loads(out)["kind"]) == (0, kind)


def test_show_prefers_kinds_of_i2i_and_names_the_others(installed_package: Package, run_cli: Cli) -> None:
    installed_package("own", PROJECTOR.replace('"patch"', '"unet"').replace('"vague"', '"pix2pix"'))
    for name, kind in (("unet", "generator"), ("pix2pix", "recipe")):
        _, out, _ = run_cli("plugins", "show", name)
        assert out.startswith(f"{kind} {name} ")
        assert f"Also called {name}: i2i plugins show projector {name}" in out
    assert "Also" not in run_cli("plugins", "show", "projector", "unet")[1]


def test_show_component_has_type_limits_default_and_meaning(run_cli: Cli) -> None:
    _, out, _ = run_cli("plugins", "show", "generator", "unet", "--json")
    options = json.loads(out)["options"]
    assert options["depth"]["type"] == "integer from 1 to 16"
    assert options["dropout"]["type"] == "number from 0 below 1"
    assert options["norm"]["type"] == "batch | instance | none"
    assert options["norm"]["default"] == "batch"
    assert options["depth"]["meaning"].startswith("Number of times the image is halved")


@pytest.mark.parametrize("arguments", [("pix2pix",), ("generator", "unet"), ("loss", "l1"), ("metric", "psnr")])
def test_show_prints_tables_for_people(run_cli: Cli, arguments: tuple[str, ...]) -> None:
    code, out, _ = run_cli("plugins", "show", *arguments)
    assert code == 0
    assert " ".join(arguments) in out
    assert "Args:" not in out
    assert "``" not in out


EVERYTHING = '''
from typing import Annotated, Any, Literal

from pydantic import Field

import i2i

class Everything:
    """Options of every type.

    Args:
        choice: One of [bold].
    """

    def __init__(
        self,
        *,
        required: int,
        choice: Literal["a", "b"] = "a",
        number: Annotated[float, Field(gt=0, le=2.5)] = 1,
        maybe: int | None = None,
        pair: tuple[float, float] = (0, 1),
        several: list[str] = [],
        anything: Any = None,
    ) -> None: ...

@i2i.hookimpl
def i2i_generators():
    return {"everything": Everything}
'''


def test_options_of_every_type_are_described(installed_package: Package, run_cli: Cli) -> None:
    installed_package("all", EVERYTHING)
    _, out, _ = run_cli("plugins", "show", "generator", "everything", "--json")
    options = json.loads(out)["options"]
    assert {name: option["type"] for name, option in options.items()} == {
        "required": "integer",
        "choice": "a | b",
        "number": "number above 0 to 2.5",
        "maybe": "integer | null",
        "pair": "list of number, number",
        "several": "list of string",
        "anything": "anything",
    }
    assert [name for name, option in options.items() if option["required"]] == ["required"]


def test_brackets_in_descriptions_are_no_markup(installed_package: Package, run_cli: Cli) -> None:
    installed_package("all", EVERYTHING)
    _, out, _ = run_cli("plugins", "show", "generator", "everything")
    assert "[bold]" in out


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("show", "pix2pics"), "No component named 'pix2pics'. Did you mean 'pix2pix'?"),
        (("show", "generator", "unett"), "No generator named 'unett'. Did you mean 'unet'?"),
        (("show", "generators", "unet"), "No kind 'generators'. Did you mean 'generator'?"),
        (("list", "--kind", "los"), "No kind 'los'. Did you mean 'loss'?"),
        (("show", "a", "b", "c"), "'a b c' is not a kind and a name."),
    ],
)
def test_wrong_names_are_one_line_and_exit_code_2(run_cli: Cli, arguments: tuple[str, ...], answer: str) -> None:
    code, _, err = run_cli("plugins", *arguments)
    assert code == 2
    assert answer in err
    assert "Traceback" not in err


def test_doctor_names_versions(run_cli: Cli) -> None:
    _, out, _ = run_cli("plugins", "doctor", "--json")
    versions = json.loads(out)["versions"]
    assert versions["python"].startswith("3.")
    assert versions["i2i-toolkit"] == i2i.__version__
    assert {"torch", "opencv-python-headless"} <= versions.keys()


def test_doctor_names_every_problem_and_leaves_with_1(installed_package: Package, run_cli: Cli) -> None:
    installed_package("bad", "raise RuntimeError('no GPU')")
    installed_package("mine", generators("unet", "own"))
    installed_package("vague", generators("x").replace("{})", "{'__init__': lambda self, *, name=1: None})"))
    code, out, _ = run_cli("plugins", "doctor")
    assert code == 1
    assert "Broken: plugin 'bad' (from i2i-bad 1.2): RuntimeError: no GPU" in out
    assert "Broken: generator 'unet' is provided by both plugin 'mine' and plugin 'pix2pix'" in out
    assert "Broken: plugin 'vague' (from i2i-vague 1.2): generator 'x': x has an option 'name'" in out
    assert "'own'" not in out
    assert "Traceback" not in out


@pytest.mark.parametrize("version", ["1", "__import__('i2i').hookspecs.API"])
def test_plugin_for_this_interface_is_no_cause_to_warn(package: Package, version: str) -> None:
    plugins = Plugins([*package("says", f"{generators('a')}i2i_api = {version}\n"), *package("mum", generators("b"))])
    plugins.lookup("generator", "a")
    assert (plugins.made_for_others(), plugins.problems) == ([], [])


def test_doctor_warns_of_a_plugin_for_another_interface(installed_package: Package, run_cli: Cli) -> None:
    installed_package("newer", f"{generators('a')}i2i_api = 2\n")
    installed_package("older", f"{generators('b')}i2i_api = 0\n")
    code, out, _ = run_cli("plugins", "doctor", "--json")
    newer, older = json.loads(out)["warnings"]
    made_for = "it is made for version {} of the plugin interface, and this i2i has 1."
    assert (code, json.loads(out)["problems"]) == (0, [])
    assert newer == f"plugin 'newer' (from i2i-newer 1.2): {made_for.format(2)} Update i2i-toolkit"
    assert older == f"plugin 'older' (from i2i-older 1.2): {made_for.format(0)} Look for a newer version of the plugin"


def test_run_warns_of_a_plugin_for_another_interface_that_it_uses(
    installed_package: Package, run_cli: Cli, shared_pairs: Path, tmp_path: Path
) -> None:
    text = (Path(__file__).parents[1] / "stranger" / "i2i_fullres.py").read_text("utf-8")
    installed_package("newer", f"{text}i2i_api = 2\n")
    small = ["--set", "discriminator.layers=1", "--set", "discriminator.base_channels=4", "--size", 32, "--steps", 1]
    warned = {}
    for generator, options in (("unet", ["depth=2", "base_channels=4"]), ("fullres", ["blocks=1"])):
        chosen = [word for option in options for word in ("--set", f"generator.{option}")]
        said = ["--plugin", "pix2pix", "--use", f"generator={generator}", *chosen, *small, "--workers", 0]
        out = tmp_path / generator
        code, _, warned[generator] = run_cli("train", "--data", shared_pairs, "--out", out, *said)
        assert code == 0, warned[generator]
    assert "Warning: plugin 'newer' (from i2i-newer 1.2): it is made for version 2" in warned["fullres"]
    assert "newer" not in warned["unet"]


def test_preparer_for_another_interface_is_warned_of(
    installed_package: Package, run_cli: Cli, shared_pairs: Path, tmp_path: Path
) -> None:
    installed_package("newer", PREPARER, COMMANDS)
    assert "newer" not in run_cli("prepare", "resize", "--help")[2]
    code, _, err = run_cli("prepare", "same", shared_pairs / "train" / "imageA", tmp_path / "out", "--workers", 1)
    assert code == 0, err
    assert "Warning: plugin 'newer' (from i2i-newer 1.2): it is made for version 2" in err


def test_list_goes_on_and_warns_of_broken_plugins(installed_package: Package, run_cli: Cli) -> None:
    installed_package("bad", "raise RuntimeError('no GPU')")
    code, out, err = run_cli("plugins", "list", "--json")
    assert code == 0
    assert "pix2pix" in out
    assert "Warning: plugin 'bad' (from i2i-bad 1.2): RuntimeError: no GPU" in err


PREPARER = """
import i2i
from i2i.pairs import Pair

i2i_api = 2

class Same:
    '''An image -> itself.'''

    inputs = ("image",)

    def __call__(self, image):
        return Pair(image, image)

@i2i.hookimpl
def i2i_preparers():
    return {"same": Same}
"""


PROJECTOR = '''
import i2i

class Patch:
    """Projects patches.

    Args:
        width: Of what comes out.
    """

    def __init__(self, *, width: int = 64) -> None: ...

@i2i.hookimpl
def i2i_components():
    return {"projector": {"patch": Patch, "vague": type("Vague", (), {"__init__": lambda self, *, name=1: None})}}
'''


def test_kind_of_a_plugin_is_listed_shown_and_looked_into(installed_package: Package, run_cli: Cli) -> None:
    installed_package("own", PROJECTOR)
    _, out, _ = run_cli("plugins", "list", "--kind", "projector", "--json")
    assert [(row["kind"], row["name"], row["plugin"]) for row in json.loads(out)] == [
        ("projector", "patch", "own"),
        ("projector", "vague", "own"),
    ]
    assert '"projector"' in run_cli("plugins", "list", "--json")[1]
    for words in (("patch",), ("projector", "patch")):
        _, out, _ = run_cli("plugins", "show", *words, "--json")
        assert json.loads(out)["options"]["width"]["meaning"] == "Of what comes out."
    _, _, err = run_cli("plugins", "show", "projectors", "patch")
    assert "No kind 'projectors'. Did you mean 'projector'?" in err
    code, out, _ = run_cli("plugins", "doctor")
    assert code == 1
    assert "plugin 'own' (from i2i-own 1.2): projector 'vague': Vague has an option 'name'" in out


def test_text_of_a_plugin_steers_no_terminal(run_cli: Cli) -> None:
    class Loud:
        __doc__ = "Calls.\n\n[red]it[/] \x1b[2J\x9b31m\u202eback\a"

    loud = provider(loud=Loud)
    installed(COMPONENTS).register(loud, "loud\x1b[1m", "i2i-loud")
    try:
        shown = [
            run_cli("plugins", *words) for words in (("list",), ("show", "loud"), ("show", "generator", "x\x1b[3m"))
        ]
    finally:
        installed.cache_clear()
    text = "".join(out + err for _, out, err in shown)
    assert not [c for c in text if not c.isprintable() and c != "\n"]
    assert r"\x1b[2J\x9b31m\u202eback\x07" in text
