"""What the providers' own signups leave behind: codes of Meta's that are good once, channels at 360dialog's Hub."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Code(BaseModel):
    """The end of an Embedded Signup: whoever is the app gets the number's access token for the code, once."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    code: str
    app_id: str
    app_secret: str
    expires_in: float = 600
    expires_at: float = 0
    used: bool = False


class HubChannel(BaseModel):
    """A number as a client has it at 360dialog, through a partner. `shared`: the partner may make keys for it."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    partner_id: str
    partner_key: str
    client_id: str
    channel_id: str
    shared: bool = True


class Signups:
    """Codes and channels by their names."""

    def __init__(self) -> None:
        self.codes: dict[str, Code] = {}
        self.channels: dict[str, HubChannel] = {}

    def forget(self, phone_number_id: str | None) -> None:
        """All, or one number's."""
        self.codes = {c.code: c for c in self.codes.values() if phone_number_id not in (None, c.phone_number_id)}
        self.channels = {
            c.channel_id: c for c in self.channels.values() if phone_number_id not in (None, c.phone_number_id)
        }
