"""HTML whose escaping cannot be forgotten: only `escape` and `tag` make `Html` of text."""

import html


class Html(str):
    """A piece of finished HTML, or SVG, that is shown as it is."""

    __slots__ = ()


def escape(*parts: object) -> Html:
    """The parts one after the other; what is not `Html` is escaped.

    >>> escape("a < b", Html("<br>"))
    'a &lt; b<br>'
    """
    return Html(
        "".join(part if isinstance(part, Html) else html.escape(str(part)) for part in parts)
    )


def count_text(value: float) -> str:
    """A count as it is shown: with a decimal where it is not whole, for shares are counted, too.

    >>> count_text(1200.0), count_text(1 / 3)
    ('1,200', '0.3')
    """
    return f"{value:,.1f}".removesuffix(".0")


def tag(name: str, *parts: object, **attributes: object) -> Html:
    """An element with escaped content and attributes.

    Args:
        name: of the element.
        parts: its content; none for an element such as `path` that needs no content.
        attributes: underscores stand for hyphens, one at the end is dropped; None is left out.

    >>> tag("p", "3 > 2", class_="note", data_value=3)
    '<p class="note" data-value="3">3 &gt; 2</p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>{escape(*parts)}</{name}>")
