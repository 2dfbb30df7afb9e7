"""Source that is not what it seems: it closes our wrapper early, hides its end, or is no script at all.

What is no JavaScript by itself must be a syntax error of which nothing has run: no log line, no call.
"""

from typing import Final

from tests.hostile.script_entry import ONCE, OUT_OF_TIME, Fails, Gives, HostileScript, Refused

_RUN: Final = "console.log('FORGED'); ovh.delete('/v1/FORGED');"


def _not_javascript(
    name: str, code: str, source: str = "class: source that closes the wrapper"
) -> HostileScript:
    return HostileScript(name, source, code, Fails("syntax"), logs=(), calls=())


_CLOSING: Final = (
    _not_javascript("an expression that closes the brackets around it", f"1)); {_RUN} ((1"),
    _not_javascript(
        "a function that closes the brackets around it",
        f"() => 1)); {_RUN} (() => (() => 2",
        "class: source that closes the wrapper (CVE-2023-29199, vm2's transformer)",
    ),
    _not_javascript("an await that closes the brackets around it", f"await 1)); {_RUN} (async () => (1"),
    _not_javascript("a comma that closes the brackets around it", f"1), {_RUN[:21]}, (1"),
    _not_javascript("brackets that close and call", "() => 1))(), ((() => 2"),
    _not_javascript("a block that closes the block around it", f"}} {_RUN} {{"),
    _not_javascript("a block that goes on as another if", f"}} if (true) {{ {_RUN}"),
    _not_javascript("an else to the condition around it", f"}} else {{ {_RUN}"),
    _not_javascript("a function that is closed and called", f"}})(); (async () => {{ {_RUN}"),
    _not_javascript(
        "statements that close the function around them", f"return 1 }}); {_RUN} (async () => {{ return 2"
    ),
    _not_javascript("statements that become a default value", f"}}, x = {_RUN[:21]}) => {{ return 1"),
    _not_javascript("a closing bracket alone", ")"),
    _not_javascript("a closing brace alone", "}"),
    _not_javascript("a closing square bracket alone", "]"),
    _not_javascript("a template that is closed by what follows", f"() => 1)); {_RUN} `"),
    _not_javascript("a template with an opened hole", "() => `${"),
    _not_javascript("a comment without end", "() => 1 /* and so on"),
    _not_javascript("a comment without end behind closing brackets", f"() => 1)); {_RUN} /*"),
    _not_javascript("a line comment that a line separator ends", f"() => 1 // \u2028)); {_RUN} ((1"),
    _not_javascript("a regular expression without end", "() => /x"),
    _not_javascript("an exported expression that closes the brackets", f"export default 1)); {_RUN} ((1"),
    _not_javascript("an export of an export", "export default export default () => 1"),
    _not_javascript("a text that ends at a NUL", f"() => 1\0)); {_RUN}", "class: NUL in the source"),
    _not_javascript("a NUL behind a whole script", "() => 1\0", "class: NUL in the source"),
    _not_javascript("import.meta", "() => import.meta.url", "class: import.meta"),
    _not_javascript("an import declaration", "import * as std from 'std'; () => std", "class: modules"),
    _not_javascript("new.target outside any function of its own", "() => new.target", "class: new.target"),
    _not_javascript("super outside any method", "() => super.x", "class: super"),
    _not_javascript("a private name outside any class", "() => #host in {}", "class: private names"),
    _not_javascript("a yield of the wrapper", f"yield 1)); {_RUN} ((1"),
)

_ODD: Final = (
    HostileScript(
        "a hidden script behind a markdown fence",
        "class: fences",
        "```js\n() => 1\n```\nconsole.log('FORGED')",
        Gives(1),
        logs=(),
    ),
    HostileScript("a byte order mark in front and inside", "class: BOM", "\ufeff() => \ufeff1", Gives(1)),
    HostileScript(
        "an HTML-like comment in front",
        "class: HTML-like comments",
        "<!-- console.log('FORGED')\n() => 1",
        Gives(1),
        logs=(),
    ),
    HostileScript(
        "an HTML-like comment at the end",
        "class: HTML-like comments",
        "() => 1\n--> )); console.log('FORGED'); ((",
        Gives(1),
        logs=(),
    ),
    HostileScript(
        "a source map that points somewhere",
        "class: sourceMappingURL",
        "() => 1 //# sourceMappingURL=file:///etc/passwd",
        Gives(1),
    ),
    HostileScript(
        "a source URL that names another file",
        "class: sourceURL",
        "() => { throw new Error('mine') }\n//# sourceURL=prelude.js",
        Fails("threw", says="mine"),
    ),
    HostileScript("line separators in a text", "class: U+2028", "() => '\u2028\u2029'.length", Gives(2)),
    _not_javascript(
        "a NUL in a text, which the engine could only cut short",
        "() => 'a\0b'.length",
        "class: NUL in the source",
    ),
    HostileScript(
        "a text that looks like the wrapper",
        "class: source that closes the wrapper",
        "() => '1)); evil(); ((1'",
        Gives("1)); evil(); ((1"),
    ),
    HostileScript(
        "strictness that spreads",
        "class: strict mode",
        "'use strict';\n() => { undeclared = 1 }",
        Fails("threw", says="undeclared"),
    ),
    HostileScript("a label in front", "class: labels", "spec: () => 1", Gives(1)),
    HostileScript(
        "two functions and a comma", "class: comma expressions", "() => 'FORGED', () => 'true'", Gives("true")
    ),
    HostileScript(
        "a function that is followed by a loop",
        "class: statements",
        "() => 1; while (true);",
        OUT_OF_TIME,
        ONCE,
    ),
    HostileScript(
        "a loop that runs while the code is evaluated",
        "class: statements",
        "(() => { for (;;); })()",
        OUT_OF_TIME,
        ONCE,
    ),
    HostileScript(
        "a global that takes the place of undefined",
        "class: statements",
        "var undefined = 'FORGED', NaN = 1;\n() => undefined === void 0",
        Gives(True),
    ),
    HostileScript(
        "a function named like what the guest uses",
        "class: statements",
        "function host() { return 'FORGED' }\nfunction token() {}\nfunction spec() { return 'mine' }\nspec",
        Gives("mine"),
    ),
    HostileScript(
        "arguments of a wrapper that has none",
        "class: arguments",
        "() => typeof arguments === 'undefined' ? 0 : arguments.length",
        Gives(0),
    ),
    HostileScript(
        "a declaration that shadows ovh",
        "class: shadowing",
        "const ovh = { get: async () => 'mine' };\nreturn await ovh.get()",
        Gives("mine"),
        calls=(),
    ),
    HostileScript(
        "a symbol as the value of the code",
        "class: values that the binding cannot carry",
        "Symbol('x')",
        Fails("not-a-function"),
    ),
    HostileScript(
        "a BigInt beyond every number as the value of the code",
        "class: values that the binding cannot carry",
        "2n ** 70n",
        Fails("not-a-function"),
    ),
    HostileScript(
        "a rope as the value of the code",
        "class: values that the binding cannot carry",
        "'x'.repeat(1e5) + 'y'.repeat(1e5)",
        Fails("not-a-function"),
    ),
    HostileScript(
        "a proxy of a function as the script",
        "class: Proxy",
        "new Proxy(() => 1, { apply: () => 'trapped' })",
        Gives("trapped"),
    ),
    HostileScript(
        "a class as the script",
        "class: classes",
        "class A { static x = 1 }",
        Fails("not-a-function", says="a class"),
    ),
    HostileScript(
        "a generator as the script",
        "class: generators",
        "function* () { yield 1 }",
        Fails("not-a-function", says="a generator"),
    ),
    HostileScript(
        "half a surrogate pair in the source", "class: lone surrogates", "() => '\ud800'", Refused("syntax")
    ),
    HostileScript(
        "a mebibyte of blanks", "class: size of the source", " " * (1 << 20) + "() => 1", Refused("too-long")
    ),
    HostileScript("nothing but separators", "class: empty source", "\ufeff\u2028;;\n", Refused("empty")),
    HostileScript(
        "a mebibyte of brackets",
        "class: size of the source",
        "() => [" + "[]," * 300_000 + "].length",
        Gives(300_000),
    ),
    HostileScript(
        "a variable for every letter of a mebibyte",
        "class: size of the source",
        "() => { let " + ",".join(f"v{i}" for i in range(70_000)) + "; return 1 }",
        Fails("syntax", "timeout"),
        ONCE,
    ),
    HostileScript(
        "twenty thousand constants in one function",
        "class: size of the source",
        "() => [" + ",".join(f"'s{i}'" for i in range(60_000)) + "].length",
        Gives(60_000),
    ),
)

SCRIPTS: Final = _CLOSING + _ODD
