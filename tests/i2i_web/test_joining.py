import re
from importlib.resources import files

import pytest

from i2i_web.page import IMPORT, joined

MODULES = {
    "page.js": 'import { b } from "./b.js";\nimport { c } from "./c.js";\nb(c);\n',
    "b.js": 'import { c } from "./c.js";\nexport const b = () => c;\n',
    "c.js": "export const c = 1;\n",
}
PAGE = {
    file.name: file.read_text("utf-8") for file in (files("i2i_web") / "page").iterdir() if file.name.endswith(".js")
}
OWN = re.compile(r"^(?:export )?(?:async )?(?:const|let|function\*?|class) (?:(\w+)|[\[{]([^\]}=]*)[\]}])", re.M)


def test_a_module_comes_once_and_after_what_it_imports() -> None:
    assert joined("page.js", MODULES).split() == ["const", "c", "=", "1;", "const", "b", "=", "()", "=>", "c;", "b(c);"]


def test_no_two_modules_of_the_page_have_a_name_in_common() -> None:
    alone = {"disk.js", "isolate.js", "worker.js"}  # scripts of their own
    names = [
        name.strip() for module, text in PAGE.items() if module not in alone
        for one, several in OWN.findall(text) for name in ([one] if one else several.split(","))
    ]  # fmt: skip
    assert len(names) > 50
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("module", sorted(PAGE))
def test_modules_import_in_the_one_way_that_is_joined(module: str) -> None:
    assert len(re.findall(r"^import\b", PAGE[module], re.M)) == len(IMPORT.findall(PAGE[module]))
