"""The site's settings; ``make docs`` builds it into ``docs/_build/html``."""

from __future__ import annotations

import sys
from pathlib import Path

import odyssey

sys.path.insert(0, str(Path(__file__).parent))

project = "Odyssey"
author = "The Odyssey authors"
version = release = odyssey.__version__

extensions = ["myst_parser"]
exclude_patterns = ["_build", "_generate"]

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"Odyssey {version}"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False

suppress_warnings = ["toc.empty_glob"]
