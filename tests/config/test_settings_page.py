from pathlib import Path

from config import environment

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_of_settings_is_the_table_that_the_server_reads():
    """To mend: python -c 'from config import environment; print(environment.as_markdown())'"""
    assert environment.as_markdown() in PAGE.read_text()
