"""Writes ``docs/rights.md`` from the table of rights: ``uv run python -m tests.rights_page``."""

from pathlib import Path

from financial_live.rights import INTERNAL, Act, Kind

PAGE = Path(__file__).parent.parent / "docs" / "rights.md"

_INTRODUCTION = """# Who may do what

Written from `financial_live/rights.py` by `uv run python -m tests.rights_page`. Every use case asks
this table by itself, whichever door it is called through.

A **nobody** is not logged in. A **donor** has an account; a **manager** may start campaigns, and
owns those they start. A **viewer**, **reviewer** or **owner** has that place in the team of the
campaign that an act is about, whatever the account's role; in other campaigns only the account's
role counts. An **admin** may do everything everywhere, but not make the links that let others in.
The **operator** is who runs commands on the machine, and the program itself.

`own` means: only about what is theirs, such as an account, a session or an invitation to their
address. `-` means that the act is about no campaign: a member's account decides, donor or manager.

A nobody is answered 401 where logging in may help. Others are answered 403, and 404 about what is
not theirs to know of. A place in a team is read at each act: rights end when they are taken away.

The last column is the scope that an API token needs, if somebody comes by one: it may what its user
may, and of that only what it has a scope for. `manage` covers `read` and `give`. `-`: no token will
do. What is lacking is answered 403.

A viewer sees gifts of every status, with what their donors hide from the public, but no addresses.
`give_test`, `give_offline` and those that begin with `see_` are parts of other acts.
"""


def page() -> str:
    """Return the page, as it must be."""
    head = [f"| act | {' | '.join(Kind)} | token |", f"|---|{'---|' * (len(Kind) + 1)}"]
    rows = [
        f"| `{act.function}` | {' | '.join(act.value.answers[kind] for kind in Kind)} "
        f"| {act.value.needs or '-'} |"
        for act in Act
    ]
    inner = [f"| `{name}` | {who} |" for name, who in INTERNAL.items()]
    heading = ["## Functions that ask nobody's rights", "", "| function | called by |", "|---|---|"]
    return "\n".join([_INTRODUCTION, *head, *rows, "", *heading, *inner, ""])


if __name__ == "__main__":
    PAGE.write_text(page())
