"""What is said to follow from a condition does follow, for every request that hypothesis can think of."""

from hypothesis import given, settings
from hypothesis import strategies as st

from routers.policy.conditions import ALWAYS, All, AnyOf, HasAny, Is, Not, OneOf, Within, compiled
from routers.policy.facts import Model, Zone
from routers.policy.permits import Boundary, Data, Only
from routers.policy.policy import Route
from routers.policy.reachability import reached_only_past, unreachable
from routers.policy.reasoning import fewest_tokens, implies, impossible
from routers.sensitivity.label import Label, Level
from routers.signals import Signals

BOUND = st.none() | st.sampled_from([0.2, 0.5, 0.8])
WORDS = st.frozensets(st.sampled_from(["code", "maths", "chat"]), min_size=1)
CATEGORIES = st.frozensets(st.sampled_from(["HEALTH", "SECRET", "CUSTOM"]), min_size=1)
ATOMS = (
    st.builds(Within, st.just("complexity"), BOUND, BOUND)
    | st.builds(
        Within, st.just("level"), st.none() | st.sampled_from(Level), st.none() | st.sampled_from(Level)
    )
    | st.builds(OneOf, st.just("level"), st.frozensets(st.sampled_from(Level), min_size=1))
    | st.builds(OneOf, st.just("kind"), WORDS)
    | st.builds(HasAny, st.just("category"), CATEGORIES)
    | st.builds(Is, st.sampled_from(["tools", "stream"]), st.booleans())
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(All, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
    ),
    max_leaves=6,
)
REQUESTS = st.builds(
    lambda level, categories, complexity, kind, tools, stream: Signals(
        Label(level, categories=categories),
        complexity,
        kind,
        "en",
        1,
        None,
        frozenset({"text"}),
        frozenset(),
        tools,
        stream,
        "t",
        "",
        "auto",
    ),
    st.sampled_from(Level),
    st.frozensets(st.sampled_from(["HEALTH", "SECRET", "CUSTOM"])),
    st.sampled_from([0.0, 0.2, 0.3, 0.5, 0.6, 0.8, 1.0]),
    st.sampled_from(["code", "maths", "chat", "creative"]),
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(CONDITIONS, CONDITIONS, st.lists(REQUESTS, min_size=20, max_size=20))
def test_what_is_implied_always_holds(narrow, wide, requests):
    if implies(narrow, wide):
        met, needed = compiled(narrow), compiled(wide)
        assert all(needed(each) for each in requests if met(each))


@settings(max_examples=150, deadline=None)
@given(CONDITIONS, st.lists(REQUESTS, min_size=20, max_size=20))
def test_what_is_impossible_never_holds(condition, requests):
    if impossible(condition):
        assert not any(map(compiled(condition), requests))


def test_it_does_see_what_it_should():
    hard, harder = Within("complexity", 0.7), Within("complexity", 0.9)
    code = OneOf("kind", frozenset({"code"}))
    assert implies(harder, hard)
    assert not implies(hard, harder)
    assert implies(All((harder, code)), AnyOf((hard, code)))
    assert implies(Not(Within("complexity", None, 0.9)), hard)
    assert implies(Within("level", Level.RESTRICTED), OneOf("level", frozenset(Level) - {Level.PUBLIC}))
    assert implies(
        HasAny("category", frozenset({"HEALTH"})), HasAny("category", frozenset({"HEALTH", "SECRET"}))
    )
    assert not implies(
        HasAny("category", frozenset({"HEALTH", "SECRET"})), HasAny("category", frozenset({"HEALTH"}))
    )
    assert implies(hard, ALWAYS)
    assert not implies(ALWAYS, hard)
    assert impossible(All((hard, Not(hard))))
    assert impossible(Not(ALWAYS))
    assert impossible(All((Is("tools", True), Is("tools", False))))
    assert not impossible(hard)


def test_it_gives_up_on_what_is_too_long():
    either = AnyOf((Is("tools", True), Within("complexity", 0.5)))
    long = All(tuple(AnyOf((either, OneOf("kind", frozenset({str(i)})))) for i in range(9)))
    assert not implies(long, either)
    assert not impossible(long)
    assert fewest_tokens(long) == 0


def test_the_shortest_prompt_is_known():
    assert fewest_tokens(AnyOf((Within("prompt_tokens", 500), Within("prompt_tokens", 900, 1000)))) == 500
    assert fewest_tokens(AnyOf((Within("prompt_tokens", 500), Is("tools", True)))) == 0


HOME, CLOUD = Zone("home", inside=True), Zone("cloud", inside=False)
MODELS = {
    "small": Model("small", "b", "small", HOME, ("http://h",), 1000),
    "seeing": Model("seeing", "b", "seeing", HOME, ("http://h",), 1000, frozenset({"vision"})),
    "large": Model("large", "c", "large", CLOUD, ("http://c",), 9000, frozenset({"vision"})),
}
STAYS = [Boundary("stays", Only(inside=True), Data(at_least=Level.CONFIDENTIAL))]
LAST = Route("last", ("small",))
HARD, HARDER = Within("complexity", 0.5), Within("complexity", 0.7)


def found(*routes):
    return [(routes[i].name, why.split(" (")[0]) for i, why in unreachable([*routes, LAST], MODELS, STAYS)]


def test_routes_that_decide_nothing_are_found():
    never = "no target of it can ever be permitted"
    assert found(Route("a", ("small",), when=All((HARDER, Not(HARD))))) == [
        ("a", "its condition can never hold")
    ]
    secret = OneOf("level", frozenset({Level.RESTRICTED}))
    assert found(Route("a", ("large",), when=secret)) == [("a", never)]
    assert found(Route("a", ("large",), None, ("small",), secret)) == []
    assert found(Route("a", ("small",), when=Within("prompt_tokens", 2000))) == [("a", never)]
    shadowed = [Route("a", ("seeing",), when=HARD), Route("b", ("large",), when=HARDER)]
    assert found(*shadowed) == []  # `large` has room for prompts that `seeing` has not
    shadowed = [Route("a", ("seeing",), when=HARD), Route("b", ("small",), when=HARDER)]
    assert found(*shadowed) == [("b", "whatever meets its condition goes to `a` before it")]


def test_a_route_that_catches_what_an_earlier_one_may_not_take_is_reachable_and_mentioned():
    routes = [Route("a", ("large",), when=HARD), Route("b", ("small",), when=HARDER), LAST]
    assert list(unreachable(routes, MODELS, STAYS)) == []
    assert list(reached_only_past(routes, MODELS, STAYS)) == [(1, "a")]
