"""Counts test cases in Bazel's own record of a run.

count.py BAZEL_EXIT_CODE BUILD_EVENT_JSON_FILE
"""

import json
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree


def cases(xml_path):
    """(passed, failed) in one test.xml. For a test that writes none, Bazel does, with one case."""
    passed = failed = 0
    for case in ElementTree.parse(xml_path).iter('testcase'):
        if case.find('failure') is not None or case.find('error') is not None:
            failed += 1
        elif case.get('status') != 'notrun' and case.find('skipped') is None:
            passed += 1
    return passed, failed


def xml_files(result):
    for output in result.get('testActionOutput', []):
        if output.get('name') == 'test.xml' and output.get('uri', '').startswith('file://'):
            yield urllib.parse.unquote(output['uri'][len('file://'):])


def count(events):
    """(passed, failed) over all test targets.

    A target that did not pass counts as one failure at least, whatever its cases say.
    """
    tests, good = {}, set()  # label -> {(run, shard): cases of its last attempt}
    for event in events:
        kind, ident = next(iter(event.get('id', {}).items()), ('', {}))
        label = ident.get('label') if isinstance(ident, dict) else None
        if kind == 'targetConfigured' and 'testSize' in event.get('configured', {}):
            tests.setdefault(label, {})
        elif kind == 'testResult' and 'testResult' in event:
            shard = (ident.get('run'), ident.get('shard'))
            files = xml_files(event['testResult'])
            tests.setdefault(label, {})[shard] = [cases(path) for path in files]
        elif kind == 'testSummary':
            tests.setdefault(label, {})
            if event.get('testSummary', {}).get('overallStatus') in ('PASSED', 'FLAKY'):
                good.add(label)

    passed = failed = 0
    for label, shards in tests.items():
        counted = [pair for files in shards.values() for pair in files]
        passed += sum(p for p, _ in counted)
        own_failures = sum(f for _, f in counted)
        failed += own_failures if label in good else max(1, own_failures)
    return passed, failed


def main():
    bazel_code = int(sys.argv[1])
    try:
        with open(sys.argv[2], encoding='utf-8') as file:
            passed, failed = count(json.loads(line) for line in file if line.strip())
    except (OSError, ValueError, ElementTree.ParseError) as error:
        print(f'count.py: {error}')
        passed, failed = 0, 1
    if bazel_code != 0 or passed == 0:
        failed = max(1, failed)  # a build that failed, or nothing tested at all
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
