"""Form fields: a label, a hint, the input, and its error beside it.

Inputs are not bound to the session's state: what is typed stays in the browser, whatever happens
to the connection, and no error can take it away.
"""

from typing import Any

import reflex as rx


def _wired(id: str, error: rx.Var[str], hint: Any) -> dict[str, Any]:
    """Return what ties an input to its hint and error for those who do not see them together."""
    described = [f"{id}-error", *([f"{id}-hint"] if hint is not None else [])]
    return {
        "aria-invalid": rx.cond(error != "", "true", "false"),
        "aria-describedby": " ".join(described),
    }


def field(
    id: str,
    *,
    label: str,
    error: rx.Var[str],
    hint: Any = None,
    name: str | None = None,
    is_long: bool = False,
    class_name: str = "",
    **props: Any,
) -> rx.Component:
    """Return a labelled text field. ``hint`` says what is expected, ``error`` what is wrong."""
    element = rx.el.textarea if is_long else rx.el.input
    kind = "textarea" if is_long else "input"
    return rx.el.div(
        rx.el.label(label, html_for=id),
        element(
            id=id,
            name=name or id,
            class_name=f"{kind} {class_name}".strip(),
            custom_attrs=_wired(id, error, hint),
            **props,
        ),
        *([rx.el.div(hint, id=f"{id}-hint", class_name="hint")] if hint is not None else []),
        field_error(id, error),
        class_name="field",
    )


def field_error(id: str, error: rx.Var[str]) -> rx.Component:
    """Return the place of a field's error, empty while there is none."""
    return rx.el.div(
        rx.cond(error != "", rx.el.p(error, class_name="error")), id=f"{id}-error", role="alert"
    )


def check(
    name: str, *, label: str, hint: str | None = None, default_checked: bool = False, id: str = ""
) -> rx.Component:
    """Return a labelled checkbox."""
    return rx.el.label(
        rx.el.input(type="checkbox", name=name, id=id or name, default_checked=default_checked),
        rx.el.span(
            label, *([rx.el.span(hint, class_name="hint block font-normal")] if hint else [])
        ),
        class_name="check",
    )


def segments(
    name: str,
    *,
    legend: str,
    choices: tuple[tuple[str, str], ...],
    error: rx.Var[str],
    **props: Any,
) -> rx.Component:
    """Return a choice of one among few, all visible. The first is chosen at first."""
    return rx.el.div(
        rx.el.fieldset(
            rx.el.legend(legend, class_name="mb-1.5"),
            *[
                rx.el.label(
                    rx.el.input(
                        type="radio",
                        name=name,
                        value=value,
                        id=f"{name}-{value}",
                        default_checked=index == 0,
                        **props,
                    ),
                    text,
                )
                for index, (value, text) in enumerate(choices)
            ],
            class_name="segments",
        ),
        field_error(name, error),
        class_name="field",
    )
