"""Opens a page in the user's browser, where there is one that does not take the terminal."""

from __future__ import annotations

import webbrowser


def open_page(url: str) -> bool:
    """Tell whether a browser was started for `url`; returns at once."""
    try:
        browser = webbrowser.get()
        # This very class is for browsers in the terminal, which would hold us up.
        if type(browser) is webbrowser.GenericBrowser:
            return False
        browser.open(url)
    except (webbrowser.Error, OSError):
        return False
    return True
