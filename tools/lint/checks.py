"""The checks: each takes a file's path from the root and its text, and yields (line, problem)."""

import re

from tools.lint import cpp_text

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70

_CORE_FORBIDDEN = [
    (r'\bnow\s*\(\s*\)', 'a clock: `now` is handed in'),
    (r'\brandom_device\b', 'randomness: seeds are handed in'),
    (r'\bstd::j?thread\b|\bstd::this_thread\b', 'threads'),
    (r'\b(?:\w+_)?mutex\b|\babsl::Mutex\b', 'locks'),
    (r'\b\w*sleep\w*\s*\(|\bSleepFor\b', 'sleeping'),
    (r'#\s*include\s*["<]caf/', 'CAF'),
    (r'#\s*include\s*<(?:fstream|filesystem|cstdio|(?:stdio|fcntl|unistd)\.h|sys/[^>]*)>',
     'file I/O'),
]

_SLEEP = re.compile(r'\b(?:sleep_for|sleep_until|usleep|nanosleep|SleepFor|sleep)\s*\(')
# Split, so that this file does not find itself.
_LEFTOVER = re.compile(r'\b(?:TO' r'DO|FIX' r'ME|XX' r'X)\b')
_HOST_PATH = re.compile(r'(?<![\w.~/:-])/(?:work|home|root|tmp)(?=/|\b(?![/\w-]))')


def is_cpp(path):
    return path.endswith(('.h', '.cc'))


def is_code(path):
    name = path.rsplit('/', 1)[-1]
    return path.endswith(('.h', '.cc', '.py', '.sh', '.bzl', '.bazel', '.proto')) or '.' not in name


def is_setup_or_docs(path):
    return path.endswith(('.md', '.bazel', '.bzl', '.bazelrc', '.sh')) or path == 'WORKSPACE'


def _matches(pattern, text, message):
    for match in re.finditer(pattern, text):
        yield cpp_text.line_of(text, match.start()), message


def file_length(path, text):
    lines = len(text.splitlines())
    if (is_cpp(path) or path.endswith('.py')) and lines > MAX_FILE_LINES:
        yield lines, f'{lines} lines; a file has at most {MAX_FILE_LINES}'


def function_length(path, text):
    if not is_cpp(path):
        return
    for first, last in cpp_text.functions(text):
        if last - first + 1 > MAX_FUNCTION_LINES:
            yield first, f'a function of {last - first + 1} lines; at most {MAX_FUNCTION_LINES}'


def core_is_pure(path, text):
    if not (is_cpp(path) and path.startswith('actors/core/')):
        return
    # An include's "path" is a literal to code_only, so those lines are looked at as they are.
    includes = re.sub(r'(?m)^(?!\s*#).*$', '', text)
    code = cpp_text.code_only(text)
    for pattern, what in _CORE_FORBIDDEN:
        yield from _matches(pattern, includes if 'include' in pattern else code,
                            f'the core is pure: {what} has no place in actors/core')


def then_has_error_handler(path, text):
    if not is_cpp(path):
        return
    code = cpp_text.code_only(text)
    for match in re.finditer(r'(?:\.|->)\s*then\s*\(', code):
        if _arguments(code, match.end()) == 1:
            yield (cpp_text.line_of(code, match.start()),
                   '`.then` without an error handler: an unhandled error ends the actor')


def _arguments(code, start):
    """How many arguments the call has whose opening parenthesis ends at `start`."""
    depth, commas, seen = 1, 0, False
    for char in code[start:]:
        depth += (char in '([{') - (char in ')]}')
        if depth == 0:
            break
        seen = seen or not char.isspace()
        commas += char == ',' and depth == 1
    return commas + seen


def tests_never_sleep(path, text):
    if path.endswith('_test.cc') or (path.startswith('testing/') and is_cpp(path)):
        yield from _matches(_SLEEP, cpp_text.code_only(text),
                            'tests never sleep: use virtual time, or wait for the event itself')


def nothing_left_over(path, text):
    if is_code(path):
        yield from _matches(_LEFTOVER, text, 'finish it, or write it down as a decision')


def no_host_paths(path, text):
    if is_setup_or_docs(path):
        yield from _matches(_HOST_PATH, text, 'a path of one machine: others do not have it')


FILE_CHECKS = [
    file_length, function_length, core_is_pure, then_has_error_handler, tests_never_sleep,
    nothing_left_over, no_host_paths
]

# Internals of their parent package, whose README.md covers them.
_COVERED_BY_PARENT = {'third_party/bazel'}


def folders_without_readme(paths):
    """Every Bazel package has a README.md, its chapter. Yields the folders that lack one."""
    present = set(paths)
    for path in sorted(present):
        folder, _, name = path.rpartition('/')
        if name == 'BUILD.bazel' and folder not in _COVERED_BY_PARENT:
            if f'{folder}/README.md'.lstrip('/') not in present:
                yield folder or '.'


SCENARIOS = 'testing/scenarios.md'
_SCENARIO = re.compile(r'\b[Ss]cenarios? (\d+(?:(?:-|, and | and |,(?:\s+(?://|#))? )\d+)*)')
_SCENARIO_ROW = re.compile(r'^\| (\d+) \|.*\|(.*)\|$', re.MULTILINE)


def scenarios(texts):
    """Comments and testing/scenarios.md agree. Takes {path: text}, yields (path, line, problem)."""
    code = {path: text for path, text in texts.items() if is_code(path)}
    rows = {int(row[1]): row for row in _SCENARIO_ROW.finditer(texts[SCENARIOS])}
    for path, text in code.items():
        for comment in _SCENARIO.finditer(text):
            for first, last in re.findall(r'(\d+)(?:-(\d+))?', comment[1]):
                for number in range(int(first), int(last or first) + 1):
                    if number not in rows:
                        line = cpp_text.line_of(text, comment.start())
                        yield path, line, f'scenario {number} is not in {SCENARIOS}'
    known = set(re.findall(r'\w+', '\n'.join(code.values())))
    for row in rows.values():
        for test in re.findall(r'`([^`]+)`', row[2]):
            if not known.issuperset(test.split('.')):
                line = cpp_text.line_of(texts[SCENARIOS], row.start())
                yield SCENARIOS, line, f'there is no test {test}'
