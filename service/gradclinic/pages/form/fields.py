"""The fields of a form, from the JSON schema of a request and the request so far."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...api.http.validation import escape
from ...kernel.json import JsonObject
from ...kernel.json_schema import Schema, phrase, resolved
from .shapes import Kind, Shape, shape_of

MOST_FIELDS = 400
"""Fields of one form; what a longer request has beyond them is changed in its JSON."""
MOST_ALLOWED = 160
"""Letters of what a field allows."""
ABSENT = object()


@dataclass(frozen=True)
class Option:
    """Something that can be chosen."""

    value: str
    words: str
    chosen: bool = False
    help: str = ""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field, or a group of fields."""

    pointer: str
    label: str
    kind: Kind
    help: str = ""
    allowed: str = ""
    problem: str = ""
    control: str = ""
    """The name of its control: how its text is read, and where it belongs."""
    value: str = ""
    default: str = ""
    required: bool = False
    options: Sequence[Option] = ()
    children: Sequence["Field"] = ()
    additions: Sequence[Option] = ()
    """What can be added to a list; empty if its items are of one kind."""
    item: bool = False
    """Whether it is an item of a list, which can be moved and removed."""
    given: bool = False
    """Whether the request has a value here."""

    @property
    def id(self) -> str:
        """The id of its control on the page."""
        return "field" + self.pointer.replace("/", "-").replace("~", "_")

    @property
    def open(self) -> bool:
        """Whether it is shown unfolded: it is required or set, or something in it is wrong."""
        return self.required or self.given or bool(self.problem) or any(child.problem for child in self.children)


def fields_of(schema: Schema, body: JsonObject, problems: Mapping[str, str]) -> tuple[list[Field], list[str]]:
    """The fields of a request, and the pointers of problems that none of them shows."""
    form = _Form(schema, problems)
    fields = form.properties("", schema, body)
    return fields, [pointer for pointer in problems if pointer not in form.shown]


@dataclass
class _Form:
    root: Schema
    problems: Mapping[str, str]
    shown: set[str] = field(default_factory=set)
    fields: int = 0

    def properties(self, at: str, schema: Schema, value: object) -> list[Field]:
        """The fields of an object; its tag is chosen with the union that it is a member of."""
        required = schema.get("required", ())
        given = value if isinstance(value, Mapping) else {}
        return [
            self.place(f"{at}/{escape(name)}", name, inner, given.get(name, ABSENT), required=name in required)
            for name, inner in schema.get("properties", {}).items()
            if "const" not in inner
            if self.fields < MOST_FIELDS
        ]

    def place(self, at: str, name: str, schema: Schema, value: object, *, required: bool, item: bool = False) -> Field:
        """One field with all that is in it."""
        self.fields += 1
        shape = shape_of(self.root, schema)
        mode: str = shape.kind
        tag = _tag_of(shape, value)
        options: list[Option] = []
        children: list[Field] = []
        additions: list[Option] = []
        default = schema.get("default", ABSENT)
        match shape.kind:
            case "union":
                mode = f"tag:{shape.tag}"
                options = _choices(list(shape.members or {}), tag, shape, default, required=required)
                if tag in (shape.members or {}):
                    children = self.properties(at, (shape.members or {})[tag], value)
            case "choice":
                options = _choices(shape.names, _text(value), shape, default, required=required)
            case "flag":
                options = _choices(("true", "false"), _text(value), shape, default, required=required)
            case "group":
                mode = "group"
                if shape.nullable:
                    options = [Option("", "none", value in (ABSENT, None)), Option("set", "set", _is_object(value))]
                if not shape.nullable or _is_object(value):
                    children = self.properties(at, shape.schema or {}, value)
            case "list":
                items = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
                children = [
                    self.place(f"{at}/{index}", f"{index + 1}", shape.schema or {}, each, required=True, item=True)
                    for index, each in enumerate(items)
                    if self.fields < MOST_FIELDS
                ]
                additions = _choices(list(shape_of(self.root, shape.schema or {}).members or {}), "", shape, ABSENT)[1:]
        return Field(
            pointer=at,
            label=name.replace("_", " "),
            kind=shape.kind,
            help=schema.get("description", ""),
            allowed="" if options or children else self.allowed(schema),
            problem=self.problem(at, *([f"{at}/{shape.tag}"] if shape.tag else [])),
            control=f"{mode} {at}",
            value=_text(value),
            default="" if required else _text(default),
            required=required,
            options=options,
            children=children,
            additions=additions,
            item=item,
            given=value is not ABSENT,
        )

    def problem(self, *pointers: str) -> str:
        """What is wrong at these places."""
        self.shown.update(pointers)
        return "; ".join(self.problems[each] for each in pointers if each in self.problems)

    def allowed(self, schema: Schema) -> str:
        """What a field allows, in short."""
        text = phrase(self.root, resolved(self.root, schema) or {}).split(" that matches ")[0]
        return text if len(text) <= MOST_ALLOWED else ""


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


def _tag_of(shape: Shape, value: object) -> str:
    tag = value.get(shape.tag, "") if isinstance(value, Mapping) and shape.tag else value
    return tag if isinstance(tag, str) else ""


def _text(value: object) -> str:
    """A value as its control shows it."""
    if value is ABSENT:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence) and value and all(isinstance(each, int | float | str) for each in value):
        return ", ".join(each if isinstance(each, str) else json.dumps(each) for each in value)
    return json.dumps(value, ensure_ascii=False)


def _choices(
    names: Sequence[str], chosen: str, shape: Shape, default: object, *, required: bool = False
) -> list[Option]:
    """The options of a field; the first one leaves it to its default."""
    tagged = default.get(shape.tag) if isinstance(default, Mapping) and shape.tag else default
    usual = "" if tagged is ABSENT else "none" if tagged is None else _text(tagged)
    first = "choose one" if required else f"{usual.replace('_', ' ')} (default)" if usual else "none"
    options = [Option("", first, not chosen)]
    if chosen and chosen not in names:
        options.append(Option(chosen, chosen, chosen=True))
    helps = {name: str(member.get("description", "")) for name, member in (shape.members or {}).items()}
    options += [Option(name, name.replace("_", " "), name == chosen, helps.get(name, "")) for name in names]
    return options
