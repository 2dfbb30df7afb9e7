"""The forms a script may have: brackets around it in which it parses, if it is of that form."""

from typing import Final

AFTER_AN_EXPRESSION: Final = " \t\r\n\f\v;\u00a0\u2028\u2029"
PARSE_ONLY: Final = "throw 0; "  # in front of code of which nothing is to run


class Form:
    """One of the forms a script may have: `pair` stands on the line before it and on the line behind.

    `twin` is another such pair, parsed first. Code that closes the brackets of one early does not
    parse in the other, so code that parses in both is one expression, or one list of statements.
    """

    __slots__ = ("is_expression", "pair", "twin")

    def __init__(self, pair: tuple[str, str], twin: tuple[str, str], *, is_expression: bool) -> None:
        self.pair = pair
        self.twin = twin
        self.is_expression = is_expression


EXPRESSION: Final = Form(("(() => (", "))"), ("(() => [", "])"), is_expression=True)
AWAITING_EXPRESSION: Final = Form(("(async () => (", "))"), ("(async () => [", "])"), is_expression=True)
GLOBAL_STATEMENTS: Final = Form(("if (false) {", "}"), ("(() => {", "})"), is_expression=False)
STATEMENTS: Final = Form(("(async (spec) => {", "})"), ("(async (spec) => {{", "}})"), is_expression=False)
FORMS: Final = (EXPRESSION, AWAITING_EXPRESSION, GLOBAL_STATEMENTS, STATEMENTS)  # in the order of trial
