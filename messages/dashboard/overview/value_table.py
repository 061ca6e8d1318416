"""Tables with the numbers of a drawing."""

from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString, mark_safe

# A heading, and the class of its colour in the drawing.
Head = tuple[str, str]


def value_table(
    first: str,
    heads: Iterable[Head],
    rows: Iterable[tuple[str, str, Iterable[str]]],
    caption: str = "",
) -> SafeString:
    """A table from its first heading, its other headings, and rows of a URL, a label and numbers.

    A row with the URL "" is no link. Built without format_html, which takes three times as long:
    the Overview has 1,000 of these cells.
    """
    named = f'<caption class="visually-hidden">{escape(caption)}</caption>' if caption else ""
    others = "".join(
        f'<th scope="col" class="number" data-tone="{tone}">{escape(words)}</th>'
        for words, tone in heads
    )
    body = "".join(
        f'<tr><th scope="row">{_label(url, label)}</th>{_cells(numbers)}</tr>'
        for url, label, numbers in rows
    )
    return mark_safe(  # noqa: S308
        f'<table class="values">{named}<thead><tr><th scope="col">{escape(first)}</th>{others}</tr>'
        f"</thead><tbody>{body}</tbody></table>"
    )


def _label(url: str, label: str) -> str:
    return f'<a href="{escape(url)}">{escape(label)}</a>' if url else escape(label)


def _cells(numbers: Iterable[str]) -> str:
    return "".join(f'<td class="number">{escape(one)}</td>' for one in numbers)
