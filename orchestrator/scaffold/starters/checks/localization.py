"""Is every text there in every language?

Android ``res/values*/strings.xml``, iOS ``*.lproj/*.strings``, Flutter
``*.arb`` and folders of ``locales/*.json``: each translation has the keys of
the first language (``values``, ``Base`` or ``en``, else the first by name),
none too many, and the same placeholders.

Writes JUnit, one case per translation.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

import checklib

PLACEHOLDER = re.compile(r"%(?:\d+\$)?[@sdif]|\{\w+\}")
STRINGS = re.compile(r'"((?:[^"\\]|\\.)*)"\s*=\s*"((?:[^"\\]|\\.)*)"\s*;')
FIRST = ("values", "Base", "en", "default")


def texts(name):
    """{key: text} of one file. ValueError when it cannot be read."""
    content = checklib.read(name)
    if name.endswith(".xml"):
        if "<!DOCTYPE" in content:
            raise ValueError("a DOCTYPE is not allowed here")
        try:
            nodes = ET.fromstring(content).iter("string")
        except ET.ParseError as error:
            raise ValueError(str(error)) from error
        return {n.get("name"): "".join(n.itertext()) for n in nodes
                if n.get("translatable") != "false"}
    if name.endswith(".strings"):
        return dict(STRINGS.findall(content))
    return {k: v for k, v in flat(json.loads(content)) if not k.startswith("@")}


def flat(node, prefix=""):
    """(dotted key, text) pairs of nested JSON."""
    for key, value in node.items():
        if isinstance(value, dict) and not key.startswith("@"):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, str(value)


def group(name):
    """(what is translated, language)."""
    path = Path(name)
    if path.suffix in (".xml", ".strings"):
        return f"{path.parent.parent}/{path.name}", re.sub(r"\.lproj$", "", path.parent.name)
    if path.suffix == ".arb":
        base, _, language = path.stem.partition("_")
        return f"{path.parent}/{base}", language or "default"
    return str(path.parent), path.stem


def examine(original, translation):
    """What a translation lacks, has too much, or says with other placeholders."""
    problems = [f"{key!r} is not translated" for key in original if key not in translation]
    problems += [f"{key!r} is no text of the original" for key in translation
                 if key not in original]
    problems += [f"{key!r} has other placeholders than the original" for key in original
                 if key in translation and sorted(PLACEHOLDER.findall(original[key]))
                 != sorted(PLACEHOLDER.findall(translation[key]))]
    return problems


def main():
    options = checklib.arguments(__doc__)
    report, groups = checklib.Report("localization"), defaultdict(dict)
    for name in checklib.files("*res/values*/strings.xml", "*.lproj/*.strings", "*.arb",
                               "*locales/*.json"):
        what, language = group(name)
        try:
            groups[what][language] = (name, texts(name))
        except (ValueError, AttributeError) as error:
            report.case(name, [f"cannot be read: {error}"], file=name)
    for languages in groups.values():
        first = next((one for one in FIRST if one in languages), sorted(languages)[0])
        original = languages[first][1]
        for language, (name, found) in sorted(languages.items()):
            report.case(name, examine(original, found) if language != first else [], file=name)
    report.finish(options.report)


if __name__ == "__main__":
    main()
