"""Invented people: Swedish names of many kinds, and the addresses made from them."""

import re
from random import Random
from typing import NamedTuple
from unicodedata import combining, normalize

_GIVEN = """
Maja Alva Elsa Astrid Wilma Freja Alice Olivia Selma Ebba Saga Agnes Tyra Stella Signe Juni
Iris Lova Ellen Sigrid Märta Åsa Ängla Örjan Björn Håkan Göran Åke Östen Sören Pär Jörgen
William Liam Noah Hugo Lucas Adam Oliver Elias Oscar Walter Arvid Nils Viggo Melvin Sixten
Olle Vidar Malte Otto Ture Loke Frans Gösta Märit Ann-Sofie Karl-Johan Inga-Lill Eva-Lena
Per-Olof Jan-Erik Anna-Karin Maj-Britt Fatima Mohammed Zeynep Ahmed Amina Yusuf Layla Omar
Noor Ibrahim Hanna Leila Samir Aicha Dilan Rojda Azad Berîvan Jelena Dragan Goran Mirjana
Agnieszka Łukasz Zofia Paweł Nguyễn Linh Minh Thuy Priya Arjun Mei Wei Siobhán Zoë Renée André
Inês José Chloé Jürgen Käthe Ümit Şirin Çağla Đorđe Ewa Aino Väinö Päivi Kaisa Ánte Biret
Máret Nikolaj Oksana Dmytro Tetiana Abdirahman Hodan Ayaan Tesfaye Selam Yonas Rahel Isak
""".split()
_FAMILY = """
Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson
Pettersson Jonsson Jansson Hansson Bengtsson Jönsson Lindberg Jakobsson Magnusson Lindström
Lindqvist Lindgren Berg Axelsson Bergström Lundberg Lind Lundgren Lundqvist Mattsson Berglund
Fredriksson Sandberg Henriksson Forsberg Sjöberg Ali Wallin Engström Mohamed Eklund Danielsson
Lundin Håkansson Björk Bergman Gunnarsson Wikström Holm Samuelsson Isaksson Fransson Bergqvist
Nyström Holmberg Arvidsson Löfgren Söderberg Nyberg Ahmed Blomqvist Claesson Nordström Hassan
Mårtensson Lundström Viklund Björklund Eliasson Berggren Sandström Nordin Ström Åberg Hermansson
Ekström Åström Falk Hellström Öberg Öhman Ängqvist Dahl Ek Ask Rönn Hallgren Strandh O'Connor
O'Brien D'Angelo N'Diaye Demir Yılmaz Öztürk Kaya Şahin Çelik Nguyễn Trần Kowalski Wiśniewski
Petrović Đorđević Marković Novák García Núñez Müller Groß Virtanen Mäkelä Korhonen Tesfaye
Warsame Abdi Haile Shevchenko Kovalenko Singh Kumar Wang Chen Sara Länsman Utsi
""".split()
_DOUBLE = ("af Stork", "von Ängö", "de la Torre", "Al Haddad", "Berg Åkerlund", "van der Meer")
_PLAIN = str.maketrans({"ł": "l", "Ł": "l", "đ": "d", "Đ": "d", "ı": "i", "ß": "ss", "ø": "o"})


class PersonName(NamedTuple):
    """A person's name and address."""

    given: str
    family: str
    address: str


def plain(text: str) -> str:
    """Return the text as written in an address: a-z, 0-9 and single hyphens."""
    letters = normalize("NFKD", text.translate(_PLAIN).lower())
    bare = "".join(each for each in letters if not combining(each))
    return re.sub(r"[^a-z0-9]+", "-", bare.replace("'", "")).strip("-")


class NamePicker:
    """An unlimited source of people with unique addresses."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._used: dict[str, int] = {}

    def another(self, domain: str) -> PersonName:
        """Return a new person, with an address in the domain."""
        given, family = self._random.choice(_GIVEN), self._family()
        local = f"{plain(given)}.{plain(family)}"
        number = self._used.get(local, 0) + 1
        self._used[local] = number
        return PersonName(given, family, f"{local}{number if number > 1 else ''}@{domain}")

    def _family(self) -> str:
        dice = self._random.random()
        if dice < 0.02:
            return self._random.choice(_DOUBLE)
        if dice < 0.08:
            return f"{self._random.choice(_FAMILY)}-{self._random.choice(_FAMILY)}"
        return self._random.choice(_FAMILY)
