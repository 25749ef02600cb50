"""Charts: what is drawn, what is written beside it, and the table that says the same."""

import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from addon.web.charts import MOST_ROWS, Scale, Series, line_chart, scale_to
from tests.support.page_content import text_of

AT = datetime(2026, 8, 17, 5, 0, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86400.0


@pytest.fixture(autouse=True)
def swedish():
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context(), force_locale("sv"):
        yield


def texts(chart: str) -> list[str]:
    """What is written in the drawing itself, in its order."""
    drawing = chart[chart.index('role="img"') : chart.rindex("</svg>")]
    return [text.replace("\u00a0", " ") for text in re.findall(r"<text[^>]*>([^<]*)<", drawing)]


def legend(chart: str) -> str:
    return chart[chart.index("<ul") : chart.index("</ul>")]


@pytest.mark.parametrize(
    ("value", "scale"),
    [
        (0, Scale(1, 1)),
        (1, Scale(1, 1)),
        (3, Scale(1, 3)),
        (4, Scale(1, 4)),
        (5, Scale(2, 3)),
        (37, Scale(10, 4)),
        (256, Scale(100, 3)),
        (11204, Scale(5000, 3)),
        (90000, Scale(50000, 2)),
    ],
)
def test_the_scale_is_in_whole_round_numbers_and_reaches_above_the_highest_value(value, scale):
    assert scale_to(value) == scale
    assert scale.top >= value


def test_people_are_counted_in_whole_numbers_on_the_axis():
    chart = line_chart([Series("Binogi", ((AT, 130), (AT + HOUR, 150)))])
    assert texts(chart)[:4] == ["0", "50", "100", "150"]
    chart = line_chart([Series("Binogi", ((AT, 9000), (AT + HOUR, 11204)))])
    assert texts(chart)[:4] == ["0", "5 000", "10 000", "15 000"]


def test_each_name_in_the_legend_stands_beside_a_sample_of_its_line():
    chart = line_chart(
        [Series("Binogi", ((AT, 1), (AT + 1, 2))), Series("Gleerups", ((AT, 2), (AT + 1, 3)))]
    )
    samples = re.findall(r'class="(line-\d)"[^>]*></svg>([^<]+)</li>', legend(chart))
    assert samples == [("line-1", "Binogi"), ("line-2", "Gleerups")]


def test_a_day_is_said_once_and_then_times_alone():
    chart = line_chart([Series("Binogi", ((AT, 1), (AT + HOUR, 2)))])
    assert texts(chart)[-2:] == ["2026-08-17 07:00", "08:00"]


def test_a_time_axis_over_midnight_says_both_days():
    chart = line_chart([Series("Binogi", ((AT, 1), (AT + DAY, 2)))])
    assert texts(chart)[-2:] == ["2026-08-17 07:00", "2026-08-18 07:00"]


def test_a_long_time_axis_says_days_alone():
    chart = line_chart([Series("Binogi", ((AT, 1), (AT + 30 * DAY, 2)))])
    assert texts(chart)[-2:] == ["2026-08-17", "2026-09-16"]


def test_one_moment_is_said_once():
    chart = line_chart([Series("Binogi", ((AT, 1), (AT + 9, 2)))])
    assert texts(chart)[-1] == "2026-08-17 07:00"
    assert texts(chart).count("2026-08-17 07:00") == 1


def test_the_table_says_the_same_with_the_newest_first():
    chart = line_chart(
        [
            Series("Binogi", ((AT, 1200), (AT + HOUR, 1300))),
            Series("Gleerups", ((AT + HOUR, 7),)),
        ]
    )
    said = text_of(chart[chart.index("<details") :])
    assert said == (
        "Visa som tabell När Binogi Gleerups 2026-08-17 08:00 1 300 7 2026-08-17 07:00 1 200 –"
    )


def test_the_table_has_the_newest_only_where_there_are_many():
    points = tuple((AT + n * HOUR, float(n)) for n in range(MOST_ROWS + 5))
    assert line_chart([Series("Binogi", points)]).count('scope="row"') == MOST_ROWS


def test_the_drawing_has_a_name_for_those_who_cannot_see_it():
    chart = line_chart([Series("Binogi", ((AT, 1), (AT + 9, 2)))])
    assert 'role="img" aria-label="Diagram: Binogi. Siffrorna finns i tabellen."' in chart
    named = line_chart([Series("Binogi", ((AT, 1), (AT + 9, 2)))], "Personer hos Binogi")
    assert 'aria-label="Personer hos Binogi"' in named


def test_names_are_never_markup():
    chart = line_chart([Series("<b>A & B</b>", ((AT, 1), (AT + 9, 2)))])
    assert "<b>" not in chart
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in chart


def test_the_drawing_begins_beside_the_widest_number_of_its_scale():
    few = line_chart([Series("Binogi", ((AT, 9), (AT + HOUR, 9)))])
    many = line_chart([Series("Binogi", ((AT, 90000), (AT + HOUR, 90000)))])
    begins = [int(re.search(r'class="base" x1="(\d+)"', chart)[1]) for chart in (few, many)]
    assert begins == [14 * 3, 14 * 8]
