r"""Changes by hand as words of the command line: [NAME.]STEP:POSITION=TOKEN.

TOKEN is the text of one token as it is, with its space: "7:12= she". "#1234" is a token by its id, "[MASK]" takes back
what stands there; a backslash in front makes either plain text: "7:12=\#".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from credit_viz.errors import SettingsError
from credit_viz.trace.intervention import Intervention

if TYPE_CHECKING:
    from credit_viz.models.base import DiffusionLM

__all__ = ["Change", "parse_change"]

_TAKEN_BACK, _ID, _PLAIN = "[MASK]", "#", "\\"
_VALID = "[NAME.]STEP:POSITION=TOKEN, for example '7:12= she', '7:12=#1234' or '7:12=[MASK]'"


class Change(NamedTuple):
    """A change whose token is not looked up yet."""

    step: int
    position: int
    token: str

    def intervention(self, model: DiffusionLM) -> Intervention:
        """The change on a model.

        Raises:
            SettingsError: no id, or a text of another number of tokens than one.
        """
        return Intervention(self.step, self.position, self._id(model))

    def _id(self, model: DiffusionLM) -> int | None:
        if self.token == _TAKEN_BACK:
            return None
        if self.token.startswith(_ID):
            digits = self.token.removeprefix(_ID)
            if not _is_number(digits):
                raise SettingsError(f"{self.token!r} is no token id; valid: #0 to #{model.token_limit - 1}")
            return int(digits)
        text = self.token.removeprefix(_PLAIN) if self.token[1:].startswith((_TAKEN_BACK, _ID)) else self.token
        ids = model.encode_text(text)
        if len(ids) != 1:
            pieces = ", ".join(repr(model.token_text(i)) for i in ids[:8]) + (", ..." if len(ids) > 8 else "")
            raise SettingsError(f"{text[:40]!r} is {len(ids)} tokens ({pieces}); valid: a text of one token")
        return ids[0]


def parse_change(word: str) -> tuple[str, Change]:
    """The name of the lane, "" where none is said, and what is changed there.

    Raises:
        SettingsError: another notation.
    """
    target, equals, token = word.partition("=")
    name, _, place = target.rpartition(".")
    step, colon, position = place.partition(":")
    if not (equals and colon and token and _is_number(step) and _is_number(position)):
        raise SettingsError(f"--intervene {word!r} is no change by hand; valid: {_VALID}")
    return name, Change(int(step), int(position), token)


def _is_number(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and len(digits) < 10
