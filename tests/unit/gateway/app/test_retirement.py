"""Models that retire: shown, and warned of once a day through their last thirty."""

import logging
from datetime import date

from gateway.app.retirement import Retirements
from gateway.metering.prometheus import Metrics
from routers.policy.facts import Model, Zone

HOME = Zone("home", inside=True)
DAY = (date(2027, 6, 30) - date(1970, 1, 1)).days


def model(name, retires):
    return Model(name, "gpu", name, HOME, ("http://127.0.0.1:1",), retires=retires)


def shown(metrics):
    lines = metrics.render().decode().splitlines()
    return [line for line in lines if line.startswith("weir_model_retires")]


def test_a_model_is_warned_of_once_a_day_in_its_last_thirty(caplog):
    retirements = Retirements(Metrics(version="1").retires)
    retirements.follow({"old": model("old", DAY), "new": model("new", None)})
    with caplog.at_level(logging.WARNING):
        retirements.look(date(2027, 5, 30))  # 31 days before
        assert caplog.messages == []
        for _ in range(3):
            retirements.look(date(2027, 5, 31))
        assert caplog.messages == ["the model old retires on 2027-06-30: requests will no longer go there"]
        retirements.look(date(2027, 6, 1))
        assert len(caplog.messages) == 2
    assert retirements.soon(date(2027, 6, 1)) == {"old": "2027-06-30"}
    assert retirements.soon(date(2027, 1, 1)) == {}


def test_the_metric_follows_the_configuration():
    metrics = Metrics(version="1")
    retirements = Retirements(metrics.retires)
    retirements.follow({"old": model("old", DAY), "new": model("new", None)})
    assert shown(metrics) == ['weir_model_retires_timestamp_seconds{model="old"} 1814313600']
    retirements.follow({"new": model("new", DAY + 1)})
    assert shown(metrics) == ['weir_model_retires_timestamp_seconds{model="new"} 1814400000']
    retirements.follow({})
    assert shown(metrics) == []
