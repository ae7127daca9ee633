"""Made-up donors and gifts for ``simulate``: names as they are really written, plausible sums."""

import random
from dataclasses import dataclass
from decimal import Decimal

_GIVEN = (
    "Siti", "Budi", "Dewi", "Agus", "Putri", "Rizky", "Ayu", "Joko", "Nur Aisyah", "I Made",
    "Aïcha", "Zoë", "Jürgen", "Käthe", "Anneliese", "Søren", "Łukasz", "José", "Nguyễn Thị",
    "أحمد", "فاطمة", "محمد", "خديجة", "يوسف", "Олена", "Δήμητρα", "美咲", "Mary", "Oluwaseun",
)  # fmt: skip
_FAMILY = (
    "Rahayu", "Santoso", "Wibowo", "Lestari", "Nasution", "Simanjuntak", "Hadiningrat", "Kusuma",
    "Müller", "Großmann", "Weiß", "von der Heide", "O'Brien", "García Márquez", "Kowalski",
    "Öztürk", "D'Angelo", "Sjöberg", "Al-Farsi", "Nakamura", "Adeyemi",
)  # fmt: skip
_ARABIC_FAMILY = ("الهاشمي", "المصري", "بن سعيد", "الأنصاري", "الزهراء")
_TITLES = ("KRT", "Raden Ajeng", "R. M.", "Hj.", "H.", "Drs.", "Dr.", "Prof. Dr.", "Ibu", "Bapak")
_MONONYMS = ("Suharto", "Sukarno", "Mawar", "Wahyuningsih", "Slamet", "Fatimah")
_MESSAGES = (
    "Semoga bermanfaat.", "Für die gute Sache!", "بارك الله فيكم", "Keep going!",
    "Matur nuwun sanget.", "In memory of my grandmother.", "Von uns allen aus Köln.",
    "Untuk anak-anak di desa.", "¡Ánimo!", "من أجل أطفالنا",
)  # fmt: skip
# The common sums first: most gifts are small.
_SUMS: dict[str, tuple[str, ...]] = {
    "IDR": ("25000", "50000", "100000", "150000", "250000", "500000", "1000000", "2500000"),
    "USD": ("5.00", "10.00", "20.00", "25.00", "50.00", "75.50", "100.00", "250.00"),
    "EUR": ("5.00", "10.00", "15.00", "25.00", "50.00", "72.50", "100.00", "250.00"),
}


@dataclass(frozen=True, slots=True)
class Gift:
    """One gift as it is sent; the amount has the currency's usual decimals."""

    donor_name: str
    donor_email: str
    amount: Decimal
    currency: str
    message: str | None

    def body(self) -> dict[str, dict[str, str]]:
        """Return what a program posts."""
        donation = {
            "donor_name": self.donor_name,
            "donor_email": self.donor_email,
            "amount": str(self.amount),
            "currency": self.currency,
        }
        return {"donation": donation | ({"message": self.message} if self.message else {})}


def gift(chance: random.Random, currency: str) -> Gift:
    """Make up one gift. No two have the same e-mail address."""
    sums = _SUMS.get(currency, _SUMS["USD"])
    weights = range(len(sums), 0, -1)
    return Gift(
        donor_name=_name(chance),
        donor_email=f"donor-{chance.getrandbits(64):016x}@example.org",
        amount=Decimal(chance.choices(sums, weights)[0]),
        currency=currency,
        message=chance.choice(_MESSAGES) if chance.random() < 0.3 else None,
    )


def _name(chance: random.Random) -> str:
    if chance.random() < 0.1:
        return chance.choice(_MONONYMS)
    given = chance.choice(_GIVEN)
    is_arabic = "\u0600" <= given[0] <= "\u06ff"
    family = chance.choice(_ARABIC_FAMILY if is_arabic else _FAMILY)
    title = f"{chance.choice(_TITLES)} " if not is_arabic and chance.random() < 0.15 else ""
    return f"{title}{given} {family}"
