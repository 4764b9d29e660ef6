"""Builds HTML that is always escaped: only `escape` and `tag` turn text into `Html`."""

import html


class Html(str):
    """A piece of finished HTML or SVG, which is not escaped again."""

    __slots__ = ()


def escape(*parts: object) -> Html:
    """Join the parts and escape those that are not `Html`.

    >>> escape("a < b", Html("<br>"))
    'a &lt; b<br>'
    """
    return Html(
        "".join(part if isinstance(part, Html) else html.escape(str(part)) for part in parts)
    )


def count_text(value: float) -> str:
    """Return a count as text; a count of shares has one decimal.

    >>> count_text(1200.0), count_text(1 / 3)
    ('1,200', '0.3')
    """
    return f"{value:,.1f}".removesuffix(".0")


def tag(name: str, *parts: object, **attributes: object) -> Html:
    """Make an element with escaped content and attributes.

    Args:
        name: The name of the element.
        parts: The content. An element such as `path` has none.
        attributes: The attributes. An underscore stands for a hyphen, an underscore at the end is
            dropped, and an attribute of None is left out.

    >>> tag("p", "3 > 2", class_="note", data_value=3)
    '<p class="note" data-value="3">3 &gt; 2</p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>{escape(*parts)}</{name}>")
