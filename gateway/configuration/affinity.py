"""How conversations keep to where they are, as it stands in YAML."""

from pydantic import Field

from gateway.configuration.language import Strict
from gateway.configuration.settings import AffinitySettings


class AffinityTerms(Strict):
    """What a conversation keeps, so that prefix caches stay warm."""

    replica: bool = Field(
        True,
        description="Its replica, where a backend has several: by `x-weir-conversation`, or else by how it began."
        " A replica with more than 1.25 times the mean of requests under way, and one, is left for the next.",
        examples=[True],
    )

    def settings(self) -> AffinitySettings:
        """As the other rooms read it."""
        return AffinitySettings(self.replica)
