"""Small parts of a run's pages."""

from django import template
from django.utils.html import format_html

from web.templatetags.lineal import COPY_ICON

register = template.Library()


@register.simple_tag
def copy_of(whole: object, words: str) -> str:
    """A copy button for a text too long to be read out: `words` say what it is."""
    return format_html(
        '<button type="button" class="copy" data-copy="{}"><span class="hidden">{}</span>{}</button>',
        whole,
        words,
        COPY_ICON,
    )
