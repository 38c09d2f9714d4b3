"""What the changelogs of some releases say that may break a caller, in our own words."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["RELEASES", "Entry", "Release"]


@dataclass(frozen=True, slots=True)
class Entry:
    """``pattern`` matches the findings that tell it; None where no name or signature shows it.

    ``listed`` is False for what breaks callers and is not in the changelog. ``why``
    says why it is not found.
    """

    words: str
    pattern: str | None
    why: str = ""
    listed: bool = True

    @property
    def shows(self) -> bool:
        """A name or a signature shows it."""
        return self.pattern is not None

    def matches(self, message: str) -> bool:
        return self.pattern is not None and re.search(self.pattern, message) is not None


@dataclass(frozen=True, slots=True)
class Release:
    """Two successive releases of a project whose import name is its own name."""

    name: str
    old: str
    new: str
    entries: tuple[Entry, ...]

    @property
    def title(self) -> str:
        return f"{self.name} {self.old} → {self.new}"


_DOES = "behaviour: for the tests"


def _does(*words: str) -> tuple[Entry, ...]:
    return tuple(Entry(one, None, _DOES) for one in words)


def _more(words: str, pattern: str) -> Entry:
    return Entry(words, pattern, listed=False)


_CLICK = Release("click", "8.1.8", "8.2.0", (
    Entry("version attribute deprecated", r"click\.__version__"),
    Entry("base class of commands deprecated", r"click\.BaseCommand"),
    Entry("base class of groups deprecated", r"click\.MultiCommand"),
    Entry("old parser deprecated", r"click\.(OptionParser|parser\.(?!split_arg))"),
    Entry("protected arguments of a context deprecated", r"Context\.protected_args"),
    Entry("a parameter's hook into the old parser deprecated", r"add_to_parser",
          "deprecated in prose only; the method is there"),
    Entry("argument splitter moved to another module", r"split_arg_string"),
    Entry("test runner always separates the streams, its switch is gone", r"mix_stderr"),
    Entry("test runner has the exception switch; default of invoke changed", r"CliRunner\.invoke"),
    Entry("help option class removed", r"HelpOption"),
    Entry("progress bar can be hidden: a parameter in the middle", r"progressbar"),
    Entry("three old Python versions dropped", None, "metadata: not part of the package"),
    *_does("names of commands lose common endings", "exit code when help is shown unasked",
           "contexts close on exit", "value of a flag with an environment variable",
           "no default for options that are no flags", "where help says deprecated",
           "interrupts in a pager", "warning for two parameters of a name",
           "defaults are not shown in prompts"),
    _more("rendering of metavars and missing values needs a context",
          r"(get_metavar|make_metavar|get_missing_message)\("),
    _more("results of the test runner need the mixed output", r"testing\.Result\("),
    _more("parameter of the collection renamed", r"add_source"),
))  # fmt: skip

_MARSHMALLOW = Release("marshmallow", "3.26.1", "4.0.0", (
    Entry("decorator for several fields: its parameter", r"marshmallow\.validates\("),
    Entry("UUID field is no string field", r"fields\.UUID"),
    Entry("parsers of ISO dates removed", r"utils\.from_iso_"),
    Entry("writers of ISO dates removed", r"utils\.(isoformat|to_iso_)"),
    Entry("RFC dates removed", r"utils\.(from_rfc|rfcformat)"),
    Entry("test for named tuples removed", r"is_keyed_tuple"),
    Entry("fixed time zones removed", r"get_fixed_timezone"),
    Entry("time deltas: serialization type removed", r"TimeDelta.*(serialization_type|gone)"),
    Entry("context of schemas removed", r"Schema\(\).*context|(Schema|fields\.Field)\.context"),
    Entry("decorators take keywords only", r"keyword-only"),
    Entry("parameter of the processing decorators renamed", r"pass_many"),
    Entry("parameter of loading text renamed", r"loads\("),
    Entry("ordered option removed", r"ordered"),
    Entry("base module removed", r"marshmallow\.base\b"),
    Entry("version attributes removed", r"marshmallow\.__\w*version"),
    Entry("old names of defaults, and metadata by keyword",
          r"Field\(\).*missing|Field\.(default|missing)"),
    Entry("printing helper removed", r"pprint"),
    Entry("old way to fail removed", r"Field\.fail"),
    Entry("implicit fields: option removed", r"SchemaOpts\.additional"),
    Entry("a field's hook for schemas: parameter renamed", r"_bind_to_schema",
          "a name that begins with _"),
    Entry("option for the JSON module removed", r"json_module", "read by name at run time"),
    *_does("dates parsed by the standard library", "booleans that are none", "fractions of deltas",
           "numbers and mappings are no fields", "validators must raise", "nesting by a word",
           "processing methods get one more keyword", "a field's class instead of an object",
           "generators are validated"),
    _more("constants live in a module of their own", r"utils\.(EXCLUDE|INCLUDE|RAISE)"),
    _more("helpers removed", r"utils\.(is_instance|get_func_args|resolve_field|validate_unknown)"),
    _more("error and warning classes removed", r"FieldInstanceResolution|marshmallow\.warnings"),
    _more("combined validator loses its message", r"validate\.And"),
    _more("fields no longer take arguments by place", r"parameter args is gone"),
    _more("dates and times are no date-times", r"is no marshmallow\.fields\.DateTime"),
    _more("tables of formats have other functions", r"SERIALIZATION_FUNCS"),
    _more("abstract fields lose their type", r"num_type|mapping_type"),
))  # fmt: skip

RELEASES = (_CLICK, _MARSHMALLOW)
