"""The pages of accounts: getting one, proving it, getting in, and looking after it."""

from financial_live.ui.pages.accounts import (
    account,
    login,
    password,
    receipt,
    register,
    verify,
    welcome,
)

__all__ = ["PAGES", "account", "login", "password", "receipt", "register", "verify", "welcome"]

PAGES = (login, register, verify, password, welcome, account, receipt)
