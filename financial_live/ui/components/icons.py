"""The few icons, drawn for this site on a grid of 24."""

import reflex as rx


def _icon(*paths: str, class_name: str = "", fill: str = "none") -> rx.Component:
    return rx.el.svg(
        *[rx.el.svg.path(d=path) for path in paths],
        view_box="0 0 24 24",
        fill=fill,
        stroke="currentColor",
        stroke_width="1.75",
        stroke_linecap="round",
        stroke_linejoin="round",
        class_name=class_name,
        custom_attrs={"aria-hidden": "true"},
    )


def mark() -> rx.Component:
    """Return the site's mark: a bar on its way to the tick of its goal."""
    return _icon("M3 8.5h11v7H3z", "M19.5 4.5v15", fill="currentColor")


def sun(class_name: str = "") -> rx.Component:
    """Return a sun, to switch to light."""
    return _icon(
        "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
        "M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4"
        "M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
        class_name=class_name,
    )


def moon(class_name: str = "") -> rx.Component:
    """Return a moon, to switch to dark."""
    return _icon("M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z", class_name=class_name)


def cross() -> rx.Component:
    """Return a cross, to close something."""
    return _icon("M6 6l12 12M18 6L6 18")


def refresh() -> rx.Component:
    """Return an arrow that runs in a circle."""
    return _icon("M20 12a8 8 0 1 1-2.4-5.7", "M20 3.5v4.5h-4.5")
