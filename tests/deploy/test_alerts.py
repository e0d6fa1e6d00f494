"""Each alert rings when it should and only then, by Prometheus' own evaluation, and says so in a sentence."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import yaml

from tests.deploy.files import ROOT

RULES = ROOT / "deploy/prometheus/alerts.yml"
CASES = ROOT / "deploy/prometheus/alerts.test.yml"


def test_every_alert_is_tried_in_a_case_that_rings_and_in_one_that_does_not() -> None:
    alerts = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    tried = [tried for case in yaml.safe_load(CASES.read_text())["tests"] for tried in case["alert_rule_test"]]
    assert {one["alertname"] for one in tried if one["exp_alerts"]} == alerts
    assert {one["alertname"] for one in tried if not one["exp_alerts"]} == alerts


def test_they_ring_as_they_should() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("There is no promtool here (Debian: prometheus): the alerts are not evaluated.")
    done = subprocess.run([promtool, "test", "rules", str(CASES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
