"""Every string that the sources mark for translation, found without xgettext."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.template import engines
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

# The arguments of each gettext function, in order.
_MARKERS = {
    "gettext": ("id",),
    "pgettext": ("context", "id"),
    "ngettext": ("id", "plural"),
    "npgettext": ("context", "id", "plural"),
}

# {{ name|default:_("words") }}
_IN_A_FILTER = re.compile(r'_\("([^"]+)"\)')


class Entry(NamedTuple):
    id: str
    plural: str = ""
    context: str | None = None


def marked() -> set[Entry]:
    return {*_in_python(), *_in_templates()}


def _in_python() -> Iterator[Entry]:
    for folder in ("messages", "statusboard"):
        for path in (settings.BASE_DIR / folder).rglob("*.py"):
            tree = ast.parse(path.read_text())
            for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
                texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
                names = _MARKERS.get(_marker(call)) if texts else None
                if names:
                    yield Entry(**dict(zip(names, texts, strict=False)))  # type: ignore[arg-type]


def _marker(call: ast.Call) -> str:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    return "gettext" if name == "_" else name.removesuffix("_lazy").removesuffix("_noop")


def _in_templates() -> Iterator[Entry]:
    folder: Path = settings.BASE_DIR / "templates"
    for path in folder.rglob("*.*"):
        template = engines["django"].get_template(str(path.relative_to(folder)))
        nodes = template.template.nodelist  # type: ignore[attr-defined]  # the stubs hide it
        for node in nodes.get_nodes_by_type((TranslateNode, BlockTranslateNode)):
            yield _entry(node)
        yield from map(Entry, _IN_A_FILTER.findall(path.read_text()))


def _entry(node: TranslateNode | BlockTranslateNode) -> Entry:
    if isinstance(node, TranslateNode):
        text = node.filter_expression.var.literal.replace("%", "%%")  # as Django does
        return Entry(text, context=_context(node))
    singular, _names = node.render_token_list(node.singular)
    plural, _names = node.render_token_list(node.plural)
    return Entry(singular, plural, _context(node))


def _context(node: TranslateNode | BlockTranslateNode) -> str | None:
    return str(node.message_context.var) if node.message_context else None
