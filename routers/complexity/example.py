"""A labelled request: what training, calibration and evaluation read."""

from dataclasses import dataclass

from routers.complexity.conversation import Conversation, Turn


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled request: quality 0..1 of the strong and the weak model's answers."""

    conversation: Conversation
    strong: float
    weak: float
    source: str = ""
    subject: str = ""

    @classmethod
    def of_prompt(
        cls, prompt: str, strong: float, weak: float, source: str = "", subject: str = ""
    ) -> "Example":
        """An example that is one user turn."""
        return cls(Conversation((Turn("user", prompt),)), strong, weak, source, subject)
