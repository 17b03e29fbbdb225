"""Just enough C++ lexing for the checks: blanking what is not code, and finding function bodies."""

import re

# Comments, raw strings, strings and characters, in one pass so that none is found inside another.
# The lookbehind keeps digit separators (1'000) from opening a character.
_NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/'
    r'|R"(?P<tag>[^()\\\s]*)\(.*?\)(?P=tag)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)

_TYPE_OR_NAMESPACE = re.compile(
    r'^\s*(?:template\s*<.*>\s*)?(?:inline\s+)?(?:namespace|class|struct|union|enum|concept)\b'
    r'|\bextern\s*$', re.MULTILINE)
_MARK = re.compile(r'[{};]|\b(?:public|protected|private)\s*:(?!:)')
_BODY_FOLLOWS = re.compile(r'\s*[{,]')


def _blank(match):
    return re.sub(r'[^\n]', ' ', match.group())


def code_only(text):
    """The text with comments and literals blanked; lines and columns stay where they are."""
    return _NOT_CODE.sub(_blank, text)


def line_of(text, offset):
    return text.count('\n', 0, offset) + 1


def functions(text):
    """Yields (first line, last line) of every function body, with its signature.

    A pragmatic reading: outside of functions, a brace opens one when a parameter list stands before
    it (since the last `;`, brace or access label) and that is no type, namespace or initializer.
    Lambdas and blocks belong to the function around them.
    """
    code = re.sub(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', _blank, code_only(text), flags=re.MULTILINE)
    start, depth, opened_at = 0, 0, None
    for mark in _MARK.finditer(code):
        if opened_at is None:
            head = code[start:mark.start()]
            start = mark.end()
            if mark.group() != '{' or '(' not in head or head.rstrip().endswith('=') or \
                    _TYPE_OR_NAMESPACE.search(head):
                continue
            opened_at, depth = mark.start() - len(head.lstrip()), 1
            continue
        depth += {'{': 1, '}': -1}.get(mark.group(), 0)
        # `a() : b{1}, c{2} { … }`: those were initializers.
        if depth == 0 and not _BODY_FOLLOWS.match(code, mark.end()):
            yield line_of(code, opened_at), line_of(code, mark.start())
            opened_at, start = None, mark.end()
