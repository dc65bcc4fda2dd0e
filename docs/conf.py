"""The site's settings; ``make docs`` builds it into ``docs/_build/html``."""

from __future__ import annotations

import sys
from pathlib import Path

from pygments.lexers.shell import BashLexer
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

import odyssey

sys.path[:0] = [str(Path(__file__).parent), str(Path(odyssey.__file__).parents[1])]

project = "Odyssey"
author = "The Odyssey authors"
version = release = odyssey.__version__

extensions = ["myst_parser", "sphinx.ext.githubpages", "_generate"]
exclude_patterns = ["_build", "_generate"]

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"Odyssey {version}"
html_logo = html_favicon = "_static/odyssey.svg"
html_static_path = ["_static"]
html_css_files = ["odyssey.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#14507a", "color-brand-content": "#1a6aa3"},
    "dark_css_variables": {"color-brand-primary": "#7cc0ee", "color-brand-content": "#8ccbf5"},
}
html_use_index = False
html_show_sphinx = False
html_show_copyright = False
html_copy_source = html_show_sourcelink = False

# AWS's pages and GitHub's make their anchors with scripts, which the check does not run.
linkcheck_anchors = False
linkcheck_timeout = 20

smartquotes = False  # A quoted word is a word to type.


def setup(app: Sphinx) -> None:
    """Show the fences as the tests of the pages know them.

    Commands stand without a prompt, as they are typed; a word behind a comma, as in
    ``text, seen``, is for the tests.
    """
    for name, lexer in (("console", BashLexer), ("console,", BashLexer), ("text,", TextLexer)):
        app.add_lexer(name, lexer)
