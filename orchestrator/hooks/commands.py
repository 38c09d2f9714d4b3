"""Which files a shell command plainly writes. Never more than its words say.

Reads redirections and the arguments of the usual tools; what is computed (variables,
substitutions, wildcards, other programs) is not known, and not guessed.
"""

from __future__ import annotations

import shlex

from orchestrator.hooks.calm import MAY_WRITE

__all__ = ["written"]

_UNKNOWN = frozenset("$`*?[{~")
_ENDS = frozenset((";", "&", "&&", "|", "||", "|&", "(", ")", "{", "}", "\n", "do", "then", "else"))
_REDIRECTIONS = (">", ">>", ">|", "&>", "&>>", "<>")
#: Tools whose every operand is written.
_ALL = frozenset(("tee", "rm", "truncate", "touch", "unlink", "shred"))
#: Options of these tools that take a value.
_VALUED = {"truncate": ("-s", "-r"), "touch": ("-d", "-t", "-r"), "sed": ("-e", "-f", "-l"),
           "cp": ("-t", "-S"), "mv": ("-t", "-S"), "ln": ("-t", "-S"),
           "install": ("-m", "-o", "-g", "-t"), "perl": ("-e", "-M", "-I")}  # fmt: skip


def written(command: str) -> list[str]:
    """The paths ``command`` plainly writes, as they are written in it."""
    if not any(word in command for word in MAY_WRITE):
        return []
    reader = shlex.shlex(command, posix=True, punctuation_chars=";&|<>()\n")
    reader.whitespace = " \t\r"
    reader.whitespace_split = True
    reader.commenters = ""
    try:
        words = list(reader)
    except ValueError:
        return []
    found: list[str] = []
    simple: list[str] = []
    for word in [*words, ";"]:
        if word in _ENDS or (word and set(word) <= set(";&|()\n")):
            found += _one(simple)
            simple = []
        else:
            simple.append(word)
    return [path for path in dict.fromkeys(found) if _plain(path)]


def _plain(path: str) -> bool:
    return bool(path) and _UNKNOWN.isdisjoint(path) and not path.startswith(("/dev/", "-"))


def _one(words: list[str]) -> list[str]:
    """A simple command: its redirections, and what its tool writes."""
    found: list[str] = []
    rest: list[str] = []
    place = 0
    while place < len(words):
        if words[place] in _REDIRECTIONS and place + 1 < len(words):
            found.append(words[place + 1])
            place += 2
        else:
            if not (words[place].isdigit() and words[place + 1 : place + 2] in (["<"], [">"])):
                rest.append(words[place])
            place += 1
    while rest and ("=" in rest[0] or rest[0] in ("sudo", "env", "command", "time", "nohup")):
        rest = rest[1:]
    return [*found, *_tool(rest)] if rest else found


def _tool(words: list[str]) -> list[str]:
    name, arguments = words[0].rpartition("/")[2], words[1:]
    options, operands = _split(name, arguments)
    if name in _ALL:
        return operands
    if name in ("cp", "ln", "install"):
        return _copied(arguments, operands)
    if name == "mv":
        return [*operands[:-1], *_copied(arguments, operands)]
    if name == "sed" and any(o.startswith(("-i", "--in-place")) for o in options):
        scripted = any(o in ("-e", "-f") for o in options)
        return operands if scripted else operands[1:]
    if name == "perl" and any(o.startswith("-") and "i" in o for o in options if "=" not in o):
        return operands
    if name == "dd":
        return [word[3:] for word in arguments if word.startswith("of=")]
    if name == "git":
        return _git(arguments)
    return []


def _split(name: str, arguments: list[str]) -> tuple[list[str], list[str]]:
    """Options (with the values they take left out) and operands."""
    options: list[str] = []
    operands: list[str] = []
    valued, skip, over = _VALUED.get(name, ()), False, False
    for word in arguments:
        if skip:
            skip = False
        elif over or not word.startswith("-") or word == "-":
            operands.append(word)
        elif word == "--":
            over = True
        else:
            options.append(word)
            skip = word in valued
    return options, operands


def _copied(arguments: list[str], operands: list[str]) -> list[str]:
    """The target; in a folder (a trailing slash, ``-t``) the files of the same names."""
    if "-t" in arguments[:-1]:
        folder = arguments[arguments.index("-t") + 1]
        return [f"{folder}/{path.rpartition('/')[2]}" for path in operands]
    if len(operands) < 2:
        return []
    *sources, target = operands
    if target.endswith("/") or len(sources) > 1 or target in (".", ".."):
        return [f"{target.rstrip('/')}/{path.rpartition('/')[2]}" for path in sources]
    return [target]


def _git(arguments: list[str]) -> list[str]:
    """The commands that write named files of the checkout."""
    while arguments[:1] and arguments[0] in ("-C", "-c"):
        if arguments[0] == "-C":
            return []  # somewhere else, said in a way not worth following
        arguments = arguments[2:]
    if not arguments:
        return []
    verb, rest = arguments[0], arguments[1:]
    operands = [word for word in rest if not word.startswith("-")]
    if verb == "checkout":
        return rest[rest.index("--") + 1 :] if "--" in rest else []
    if verb == "restore":
        return operands if "--staged" not in rest and "-S" not in rest else []
    if verb == "rm":
        return operands if "--cached" not in rest else []
    if verb == "mv":
        return operands
    return []
