"""How conversations keep to where they are, as it stands in YAML."""

from pydantic import Field

from gateway.configuration.language import Strict
from gateway.configuration.outcomes import Duration
from gateway.configuration.settings import AffinitySettings


class AffinityTerms(Strict):
    """What a conversation keeps, so that prefix caches stay warm and thinking stays valid."""

    replica: bool = Field(
        True,
        description="Its replica, where a backend has several: by `x-weir-conversation`, or else by how it began."
        " A replica with more than 1.25 times the mean of requests under way, and one, is left for the next.",
        examples=[True],
    )
    model: bool = Field(
        True,
        description="Its model (`x-weir-conversation` only): its turns are routed as the hardest so far was, and"
        " within a route its model stays. It moves where a turn is harder, or where its label, its budget or the"
        " policy asks for another route or takes the model away.",
        examples=[True],
    )
    keep: Duration = Field(
        86_400.0, gt=0, description="How long its model is remembered, since its last turn.", examples=["24h"]
    )
    most: int = Field(
        100_000,
        ge=1,
        description="Conversations of each tenant whose models are remembered; of more, the oldest are forgotten.",
        examples=[100_000],
    )

    def settings(self) -> AffinitySettings:
        """As the other rooms read it."""
        return AffinitySettings(self.replica, self.model, self.keep, self.most)
