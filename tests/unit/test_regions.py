"""The country that somebody says to be in."""

import pytest

from sijbot.regions import CountryFinder


@pytest.fixture(scope="module")
def country(content):
    return CountryFinder(content.regions)


@pytest.mark.parametrize(
    "text, code",
    [
        pytest.param("I'm in Spain on holiday and I can't pee", "eu", id="holiday"),
        pytest.param("we're staying in New Zealand", "nz", id="two words"),
        pytest.param("I live in Lagos", "ng", id="a city"),
        pytest.param("currently in the UK", "uk", id="with the"),
        pytest.param("i am in usa now", "us", id="short"),
        pytest.param("I was in France, now I'm in Canada", "ca", id="the last one counts"),
        pytest.param("I'm from India", None, id="where one comes from"),
        pytest.param("my sister in Canada had this", None, id="somebody else"),
        pytest.param("I was in Spain last year", None, id="past"),
        pytest.param("pain in my hip", None, id="no country"),
        pytest.param("I'm in agony", None, id="not a place"),
    ],
)
def test_where_somebody_says_to_be(country, text, code):
    assert country(text) == code


def test_no_name_stands_for_two_regions(content):
    names = [name for region in content.regions.values() for name in region.names]

    assert len(names) == len(set(names))
