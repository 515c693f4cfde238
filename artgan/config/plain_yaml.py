"""YAML of strangers: plain values only, of a bounded size, without aliases.

`yaml.safe_load` makes no objects, but an alias costs a few bytes and stands for all that it names:
nine levels of them, parsed in a moment, are more than memory holds as soon as anything walks them.
"""

from typing import Any

import yaml

MOST_BYTES = 1 << 20


class _PlainLoader(yaml.SafeLoader):
    """Refuses aliases."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401
        """Compose a node that is no alias."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.YAMLError(f"aliases are not read, line {event.start_mark.line + 1} has one")
        return super().compose_node(parent, index)


def load_plain_yaml(text: str) -> Any:  # noqa: ANN401 - YAML may be anything
    """Read a document.

    Raises:
        yaml.YAMLError: If it is no plain YAML, too long or nested too deeply.
    """
    if len(text) > MOST_BYTES:
        raise yaml.YAMLError(f"at most {MOST_BYTES:,} characters are read, got {len(text):,}")
    try:
        return yaml.load(text, _PlainLoader)  # noqa: S506 - a safe loader, narrowed
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    except ValueError as error:  # a date that is none, a number of many digits
        raise yaml.YAMLError(str(error)) from error
