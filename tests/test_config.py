"""What the settings accept, refuse and say."""

import os
from pathlib import Path

import pytest

from financial_live.config import Rate, Settings, is_loopback_host, is_origin, visitor_address
from financial_live.errors import ConfigError

PASSWORD = "hunter2-and-more"
PRODUCTION = {
    "FINANCIAL_LIVE_ENV": "production",
    "DATABASE_URL": f"postgres://owner:{PASSWORD}@db.example.org:5432/gifts",
    "REDIS_URL": f"rediss://:{PASSWORD}@bus.example.org:6380/0",
    "ALLOWED_ORIGINS": "https://give.example.org",
    "PUBLIC_URL": "https://give.example.org",
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name in Settings.names() or name.startswith("FINANCIAL_LIVE_"):
            monkeypatch.delenv(name)


def load_with(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings.load()


def refusal(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> list[str]:
    """Return the problems that a load lists."""
    with pytest.raises(ConfigError) as caught:
        load_with(monkeypatch, environment)
    return caught.value.message.splitlines()[1:]


class TestLoadInDevelopment:
    def test_needs_nothing(self) -> None:
        settings = Settings.load()
        assert settings.env == "development"
        assert (settings.host, settings.port, settings.pool_size) == ("127.0.0.1", 8000, 10)
        assert settings.database_url is None
        assert settings.redis_url is None

    def test_an_empty_variable_counts_as_unset(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert load_with(monkeypatch, {"DATABASE_URL": "", "POOL_SIZE": ""}).pool_size == 10

    def test_an_option_of_the_command_line_wins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FINANCIAL_LIVE_PORT", "9000")
        assert Settings.load(port=9001).port == 9001

    def test_an_option_not_given_leaves_the_environment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FINANCIAL_LIVE_PORT", "9000")
        assert Settings.load(port=None).port == 9000

    def test_the_data_folder_follows_xdg(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        assert Settings.load().data_dir == tmp_path / "financial_live"

    def test_a_relative_data_folder_becomes_absolute(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert Settings.load(data_dir=Path("here")).data_dir == tmp_path / "here"

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("FINANCIAL_LIVE_ENV", "staging"),
            ("DATABASE_URL", "mysql://u:p@h/d"),
            ("DATABASE_URL", "nonsense"),
            ("REDIS_URL", "http://bus"),
            ("REDIS_URL", "redis://"),
            ("POOL_SIZE", "1"),
            ("POOL_SIZE", "many"),
            ("DATABASE_TLS", "perhaps"),
            ("DATABASE_CA_FILE", "/no/such/file.pem"),
            ("ALLOWED_ORIGINS", "*"),
            ("ALLOWED_ORIGINS", "https://*.example.org"),
            ("ALLOWED_ORIGINS", "give.example.org"),
            ("ALLOWED_ORIGINS", "https://give.example.org/path"),
            ("PUBLIC_URL", "give.example.org"),
            ("PUBLIC_URL", "https://give.example.org/path"),
            ("SMTP_URL", "http://mail.example.org"),
            ("SMTP_URL", "smtp://"),
            ("SMTP_URL", "smtp://mail.example.org:port"),
            ("SMTP_URL", "smtp://mail.example.org/path"),
            ("MAIL_FROM", "nobody"),
            ("MAIL_FROM", "a@example.org, b@example.org"),
            ("MAIL_FROM", "Name <a@example.org>"),
            ("FINANCIAL_LIVE_HOST", "http://here"),
            ("FINANCIAL_LIVE_PORT", "-1"),
            ("FINANCIAL_LIVE_PORT", "65536"),
            ("FINANCIAL_LIVE_PORT", "8000.5"),
            ("LOG_LEVEL", "loud"),
            ("RATE_LIMIT_GIVING", "100"),
            ("RATE_LIMIT_GIVING", "100/s"),
            ("RATE_LIMIT_GIVING", "0/s burst 10"),
            ("RATE_LIMIT_GIVING", "10/day burst 10"),
            ("RATE_LIMIT_GIVING", "-1/s burst 10"),
        ],
    )
    def test_refuses_a_wrong_value_by_the_name_of_its_variable(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        problems = refusal(monkeypatch, {name: value})
        assert len(problems) == 1
        assert problems[0].startswith(f"  - {name} ")

    def test_lists_every_wrong_value_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = {"POOL_SIZE": "0", "FINANCIAL_LIVE_PORT": "x", "LOG_LEVEL": "loud"}
        assert len(refusal(monkeypatch, wrong)) == 3


class TestRates:
    def test_are_read_as_they_are_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = load_with(monkeypatch, {"RATE_LIMIT_MAILING": " 5/min  burst 20 "})
        rate = settings.rate_limit_mailing
        assert rate == Rate(5, "min", 20)
        assert (rate.interval_us, rate.window_s) == (12_000_000, 240)

    def test_reach_a_worker_as_they_are(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = load_with(monkeypatch, {"RATE_LIMIT_TOKEN": "7/h burst 9"}).environment()
        assert load_with(monkeypatch, told).rate_limit_token == Rate(7, "h", 9)


class TestLoadInProduction:
    def test_accepts_what_it_needs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert load_with(monkeypatch, PRODUCTION).is_production

    def test_lists_all_that_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        problems = refusal(monkeypatch, {"FINANCIAL_LIVE_ENV": "production"})
        names = [problem.split()[1] for problem in problems]
        assert names == ["DATABASE_URL", "REDIS_URL", "ALLOWED_ORIGINS", "PUBLIC_URL"]

    def test_lists_the_missing_beside_the_wrong(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = {"FINANCIAL_LIVE_ENV": "production", "POOL_SIZE": "1", "ALLOWED_ORIGINS": "*"}
        names = {problem.split()[1] for problem in refusal(monkeypatch, wrong)}
        required = {"DATABASE_URL", "REDIS_URL", "ALLOWED_ORIGINS", "PUBLIC_URL"}
        assert names == required | {"POOL_SIZE"}

    def test_each_problem_says_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for problem in refusal(monkeypatch, {"FINANCIAL_LIVE_ENV": "production"}):
            assert "Set it to" in problem or "List your site" in problem

    def test_refuses_a_misspelt_name_and_suggests_the_right_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        problems = refusal(monkeypatch, PRODUCTION | {"FINANCIAL_LIVE_PROT": "80"})
        assert problems == [
            "  - FINANCIAL_LIVE_PROT is not a setting. Did you mean FINANCIAL_LIVE_PORT?"
        ]


class TestMail:
    SMTP = f"smtps://mailer:{PASSWORD}@mail.example.org"

    def test_takes_a_server_and_an_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given = {"SMTP_URL": self.SMTP, "MAIL_FROM": " give@example.org "}
        settings = load_with(monkeypatch, given)
        assert settings.secret("smtp_url") == self.SMTP
        assert settings.mail_from == "give@example.org"
        assert PASSWORD not in repr(settings)

    def test_a_server_needs_an_address_to_send_from(self, monkeypatch: pytest.MonkeyPatch) -> None:
        problems = refusal(monkeypatch, {"SMTP_URL": self.SMTP})
        assert [problem.split()[1] for problem in problems] == ["MAIL_FROM"]

    def test_a_wrong_address_is_refused_without_its_password(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        problems = refusal(monkeypatch, {"SMTP_URL": f"imap://mailer:{PASSWORD}@mail"})
        assert PASSWORD not in "".join(problems)

    def test_links_begin_with_the_sites_origin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = load_with(monkeypatch, {"PUBLIC_URL": "https://Give.example.org/"})
        assert settings.public_url == "https://give.example.org"


class TestSecrets:
    def test_stay_out_of_the_representation(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = load_with(monkeypatch, PRODUCTION)
        assert PASSWORD not in repr(settings)
        assert PASSWORD not in str(settings)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("DATABASE_URL", f"mysql://u:{PASSWORD}@h/d"),
            ("DATABASE_URL", f"postgres://u:{PASSWORD}@h:port/d"),
            ("REDIS_URL", f"http://:{PASSWORD}@h"),
            ("REDIS_URL", f"redis://:{PASSWORD}@h:port"),
        ],
    )
    def test_stay_out_of_a_refusal(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        assert PASSWORD not in "\n".join(refusal(monkeypatch, {name: value}))

    def test_reach_a_worker_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = load_with(monkeypatch, PRODUCTION)
        for name in list(os.environ):
            if name in Settings.names():
                monkeypatch.delenv(name)
        assert load_with(monkeypatch, settings.environment()) == settings


class TestSqlalchemyUrl:
    @pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
    def test_names_the_driver_whatever_the_scheme(self, scheme: str) -> None:
        settings = Settings.load(database_url=f"{scheme}://u:p@h:5432/d")
        assert settings.sqlalchemy_url == "postgresql+psycopg://u:p@h:5432/d"

    def test_verifies_the_server_in_production(self, monkeypatch: pytest.MonkeyPatch) -> None:
        url = load_with(monkeypatch, PRODUCTION).sqlalchemy_url
        assert "sslmode=verify-full" in url
        assert "sslrootcert=" in url

    def test_uses_the_given_certificates(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        certificates = tmp_path / "ca.pem"
        certificates.write_text("certificates")
        given = PRODUCTION | {"DATABASE_CA_FILE": str(certificates)}
        url = load_with(monkeypatch, given).sqlalchemy_url
        assert url.endswith("ca.pem")

    def test_does_as_it_is_told_about_tls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        url = load_with(monkeypatch, PRODUCTION | {"DATABASE_TLS": "require"}).sqlalchemy_url
        assert url.endswith("?sslmode=require")

    def test_leaves_the_mode_that_the_address_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        address = PRODUCTION["DATABASE_URL"] + "?sslmode=require"
        url = load_with(monkeypatch, PRODUCTION | {"DATABASE_URL": address}).sqlalchemy_url
        assert url.endswith("?sslmode=require")

    def test_asks_no_tls_of_a_socket(self, monkeypatch: pytest.MonkeyPatch) -> None:
        address = "postgresql://postgres@/gifts?host=/run/postgresql"
        url = load_with(monkeypatch, PRODUCTION | {"DATABASE_URL": address}).sqlalchemy_url
        assert "sslmode" not in url

    def test_asks_no_tls_in_development(self) -> None:
        assert "sslmode" not in Settings.load(database_url="postgres://u:p@h/d").sqlalchemy_url

    def test_says_what_to_do_when_there_is_no_database(self) -> None:
        with pytest.raises(ConfigError, match="DATABASE_URL"):
            _ = Settings.load().sqlalchemy_url


class TestGrantsOperator:
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
    def test_on_loopback(self, host: str) -> None:
        assert Settings.load(host=host).serves_this_machine

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "give.example.org"])
    def test_not_where_others_can_reach(self, host: str) -> None:
        assert not Settings.load(host=host).serves_this_machine

    def test_never_in_production(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = load_with(monkeypatch, PRODUCTION | {"FINANCIAL_LIVE_HOST": "127.0.0.1"})
        assert settings.is_loopback
        assert not settings.serves_this_machine

    def test_not_behind_a_proxy_that_passes_a_public_site_on(self) -> None:
        assert Settings.load(allowed_origins=("http://localhost:3000",)).serves_this_machine
        assert not Settings.load(allowed_origins=("https://give.example.org",)).serves_this_machine

    def test_a_name_that_only_begins_like_loopback_is_not(self) -> None:
        assert not is_loopback_host("127.0.0.1.example.org")
        assert not is_loopback_host("localhost.example.org")


class TestIsOrigin:
    @pytest.mark.parametrize("text", ["https://a.example", "http://localhost:8000"])
    def test_accepts_scheme_host_and_port(self, text: str) -> None:
        assert is_origin(text)

    @pytest.mark.parametrize(
        "text", ["", "null", "https://", "ftp://a", "https://a/", "https://u@a", "https://a:x"]
    )
    def test_refuses_anything_else(self, text: str) -> None:
        assert not is_origin(text)


class TestNames:
    def test_every_setting_is_described(self) -> None:
        assert all(Settings.names().values())


class TestVisitorAddress:
    @pytest.mark.parametrize(
        ("forwarded", "hops", "address"),
        [
            ("203.0.113.7", 0, "10.0.0.1"),
            ("203.0.113.7", 1, "203.0.113.7"),
            ("6.6.6.6, 203.0.113.7", 1, "203.0.113.7"),
            ("203.0.113.7, 10.0.0.2", 2, "203.0.113.7"),
            ("", 1, "10.0.0.1"),
            ("203.0.113.7", 2, "10.0.0.1"),
        ],
    )
    def test_believes_what_our_own_proxies_wrote(
        self, forwarded: str, hops: int, address: str
    ) -> None:
        assert visitor_address(forwarded, "10.0.0.1", hops=hops) == address
