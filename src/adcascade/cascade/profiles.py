"""Profiles: what each user clicked last, in memory, for the sequence features.

Only users who consented have a key, so only they have a profile. The memory holds the users seen most
recently; it is rebuilt from the event log when the server starts.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Profile:
    """The last clicked ads of one user, oldest first, and their categories beside them."""

    ads: deque[str] = field(default_factory=deque)
    categories: deque[str] = field(default_factory=deque)


class Profiles:
    """A bounded map from user key to profile; the least recently used leave first."""

    def __init__(self, *, users: int, length: int) -> None:
        self.users, self.length = users, length
        self._profiles: OrderedDict[str, Profile] = OrderedDict()

    def __len__(self) -> int:
        """The number of users remembered."""
        return len(self._profiles)

    def clicked(self, user: str, ad: str, category: str) -> None:
        """Remember a click."""
        profile = self._profiles.get(user)
        if profile is None:
            profile = self._profiles[user] = Profile(deque(maxlen=self.length), deque(maxlen=self.length))
            if len(self._profiles) > self.users:
                self._profiles.popitem(last=False)
        profile.ads.append(ad)
        profile.categories.append(category)
        self._profiles.move_to_end(user)

    def history(self, user: str | None) -> tuple[list[str], list[str]]:
        """Clicked ads and their categories, oldest first; empty without consent or memory."""
        profile = self._profiles.get(user) if user is not None else None
        if profile is None or user is None:
            return [], []
        self._profiles.move_to_end(user)
        return list(profile.ads), list(profile.categories)
