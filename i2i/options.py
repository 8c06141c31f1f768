"""Keyword-only parameters of a component are its options; validation, help and saved configuration follow from them."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_type_hints
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, create_model
from pydantic_core import ErrorDetails

from i2i.errors import I2iError, UsageError, suggest

Model = TypeVar("Model", bound=BaseModel)

MAX_SHOWN = 100
"""Characters of a refused value that an error repeats."""


def options_of(component: Callable[..., Any]) -> type[BaseModel]:
    """Build, once, the model of the keyword-only parameters of a class or a function, described by ``Args:``.

    Raises:
        UsageError: If they cannot be options: their types are unknown or not plain data, or one is called ``name``.
    """
    if component not in _MODELS:
        _MODELS[component] = _model_of(component)
    return _MODELS[component]


_MODELS: WeakKeyDictionary[Callable[..., Any], type[BaseModel]] = WeakKeyDictionary()


def _model_of(component: Callable[..., Any]) -> type[BaseModel]:
    config, called = ConfigDict(extra="forbid", allow_inf_nan=False), component.__name__
    try:
        fields = _fields(component)
        model: type[BaseModel] = create_model(called, __config__=config, **fields)
    except (NameError, PydanticUserError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{called} has options of a type that cannot be saved as data: {reason}") from error
    if "name" in fields:
        raise UsageError(f"{called} has an option 'name', which is the component's own. Rename the option.")
    return model


def _fields(component: Callable[..., Any]) -> dict[str, Any]:
    is_class = isinstance(component, type)
    function = inspect.getattr_static(component, "__init__") if is_class else component
    if function is object.__init__:
        return {}
    hints = get_type_hints(function, include_extras=True)
    described = reversed(component.__mro__) if isinstance(component, type) else (component,)
    docs = {k: v for each in described for k, v in _args_section(each.__doc__ or "").items()}
    return {
        p.name: (
            hints.get(p.name, Any),
            Field(... if p.default is p.empty else p.default, description=docs.get(p.name)),
        )
        for p in inspect.signature(function).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    }


def complete(component: Callable[..., Any], options: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Complete the options of a component as JSON data: the given ones, checked, and the defaults of the rest.

    Args:
        component: A class, or a function.
        options: What the user said.
        owner: Who is to blame in an error, such as ``generator 'unet'``.

    Raises:
        UsageError: If an option is unknown, of the wrong type or out of its limits.
    """
    return validate(options_of(component), options, owner).model_dump(mode="json")


def build(cls: type[Any], *wiring: Any, options: Mapping[str, Any], owner: str) -> Any:
    """Construct ``cls`` with checked options.

    Raises:
        UsageError: If the options are wrong, or the component refuses their combination.
    """
    checked = validate(options_of(cls), options, owner)
    try:
        return cls(*wiring, **{name: getattr(checked, name) for name in type(checked).model_fields})
    except (ValueError, TypeError) as error:
        if isinstance(error, I2iError) and not isinstance(error, UsageError):
            raise  # about images or folders, not about options
        reason = str(error).partition("\n")[0]  # torch adds where in its own code that was
        raise UsageError(f"{owner}: {reason}") from error


def validate(model: type[Model], values: Mapping[str, Any], owner: str) -> Model:
    """Validate, and turn the first thing that is wrong into one line.

    Raises:
        UsageError: If the values do not fit the model.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise UsageError(f"{owner}: {_first_problem(error, list(model.model_fields))}") from None


def _first_problem(error: ValidationError, known: list[str]) -> str:
    problem = error.errors()[0]
    name = _name(error)
    if problem["type"] == "extra_forbidden":
        return f"no option {name!r}.{suggest(name, known)} Options: {', '.join(known) or 'none'}."
    if problem["type"] == "missing":
        return f"option {name!r} is required."
    return f"option {name!r}: {in_words(error)}" if name else in_words(error)


def in_words(error: ValidationError) -> str:
    """Say what is wrong with the first value that is refused, and the nearest one that is not."""
    problem = error.errors()[0]
    if problem["type"] == "value_error":
        reason = str(problem["ctx"]["error"]).rstrip(".")
        near = _near(problem["input"], reason.rpartition("is not one of")[2]) if "is not one of" in reason else ""
        return f"{reason}.{near}"
    first, *others = dict.fromkeys(_expected(each) for each in _alternatives(error))
    expected = " or ".join([first, *(other.removeprefix("input should be ") for other in others)])
    return f"{expected} (got {_shown(problem['input'])}).{_near(problem['input'], expected)}{_bracketed(problem)}"


def _bracketed(problem: ErrorDetails) -> str:
    """Propose the list of one name, for a name given where a list of names is expected."""
    value = problem["input"]
    is_name = problem["type"] in ("list_type", "tuple_type") and isinstance(value, str)
    return f" Did you mean [{value}]?" if is_name and len(value) <= MAX_SHOWN else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]} ..."


def _alternatives(error: ValidationError) -> list[ErrorDetails]:
    """Return what each type that an option may have says of the first value that is refused."""
    first, *rest = error.errors()
    same = [each for each in rest if each["loc"][:-1] == first["loc"][:-1] and each["input"] is first["input"]]
    return [first, *same]


def _name(error: ValidationError) -> str:
    place = error.errors()[0]["loc"]
    return ".".join(str(part) for part in (place[:-1] if len(_alternatives(error)) > 1 else place))


def _expected(problem: ErrorDetails) -> str:
    """Say what a value should be: pydantic's words without those of its parser."""
    wanted = next((words for start, words in WANTED.items() if problem["type"].startswith(start)), None)
    return f"input should be {wanted}" if wanted else f"{problem['msg'][0].lower()}{problem['msg'][1:]}"


WANTED = {
    "int_": "a whole number",
    "float_": "a number",
    "bool_": "true or false",
    "string_type": "text",
    "path_type": "a path",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
"""Beginning of the type of a problem -> what should be there."""


def _near(value: Any, expected: str) -> str:
    return suggest(value, re.findall("'([^']+)'", expected)) if isinstance(value, str) else ""


def _args_section(doc: str) -> dict[str, str]:
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)+)", inspect.cleandoc(doc), re.MULTILINE)
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1], re.MULTILINE) if section else []
    return {name: " ".join(text.split()) for name, text in entries}


def summary_of(cls: type[Any]) -> str:
    """Return the first paragraph of `description_of`, in one line; empty if a class says nothing."""
    return description_of(cls).partition("\n")[0]


def description_of(cls: type[Any]) -> str:
    """Return what a class says of itself, before its sections; not what its base class says."""
    text = inspect.cleandoc(cls.__doc__ or "")
    before = re.split(r"^(?:Args|Raises|Example|Examples|Returns):$", text, maxsplit=1, flags=re.MULTILINE)[0]
    return "\n\n".join(_flow(paragraph) for paragraph in plain(before).strip().split("\n\n"))


def plain(text: str) -> str:
    """Return text with code marked as in Markdown, not as in reStructuredText."""
    return text.replace("``", "`")


def _flow(paragraph: str) -> str:
    """Return prose in one line, for the terminal to wrap; lists and tables as they stand."""
    return paragraph if re.search(r"^\W", paragraph, re.MULTILINE) else " ".join(paragraph.split())
