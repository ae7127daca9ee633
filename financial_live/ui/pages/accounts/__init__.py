"""The pages of accounts: getting one, proving it, getting in, and looking after it."""

from financial_live.ui.pages.accounts import (
    account,
    api_tokens,
    login,
    password,
    receipt,
    register,
    verify,
    welcome,
)

__all__ = [
    "PAGES",
    "account",
    "api_tokens",
    "login",
    "password",
    "receipt",
    "register",
    "verify",
    "welcome",
]

PAGES = (login, register, verify, password, welcome, account, api_tokens, receipt)
