"""The composition root: every wrong inventory is an IntentError with its place and mend, and nothing is contacted."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from runbooks.session import Session, memberships, open_session, read_intent
from tasks.model.answer import NoAnswer
from tasks.model.errors import IntentError, NoAnswerError
from tests.unit.builders import AT, CLUSTERS_YAML, Seen
from tests.unit.runbooks.inventories import HOSTS, write_inventory, write_key

GROUPS = """\
all:
  username: nobody
  connection_options:
    netmiko: {extras: {key_file: keys/id, alt_key_file: keys/known, ssh_config_file: /etc/ssh/x, use_keys: true}}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return write_inventory(tmp_path / "inventory")


def refused(inventory: Path, *names: str) -> str:
    with pytest.raises(IntentError) as caught:
        open_session(inventory, names)
    return str(caught.value)


def test_a_session_holds_what_every_server_should_be(inventory: Path) -> None:
    session = open_session(inventory, [])
    assert [cluster.name for cluster in session.clusters] == ["web"]
    assert set(session.desired) == {"H1", "H2"}
    assert "auth_pass hunter22" in session.desired["H1"].config
    assert [str(each) for each in session.desired["H1"].openings] == ["100.65.0.12"]
    assert session.desired["H1"].vmac_bases == ()
    assert [each.name for each in session.memberships("H2")] == ["web"]
    assert session.memberships("L1") == ()
    assert memberships(session.intent, "H1") == session.clusters
    assert "hunter22" not in repr(session)
    session.close()


def test_a_missing_directory(tmp_path: Path) -> None:
    said = refused(tmp_path / "nowhere")
    assert (
        said
        == f"{tmp_path}/nowhere/clusters.yaml: there is no such file; name the inventory directory with --inventory DIR"
    )


@pytest.mark.parametrize("name", ["hosts.yaml", "clusters.yaml"])
def test_a_missing_file(inventory: Path, name: str) -> None:
    (inventory / name).unlink()
    assert name in refused(inventory)


def test_a_file_that_is_a_directory(inventory: Path) -> None:
    (inventory / "clusters.yaml").unlink()
    (inventory / "clusters.yaml").mkdir()
    assert "clusters.yaml: can't be read: " in refused(inventory)


def test_a_file_that_is_no_text(inventory: Path) -> None:
    (inventory / "clusters.yaml").write_bytes(b"\xff\xfe\x00")
    assert "clusters.yaml: can't be read: " in refused(inventory)


def test_an_unknown_cluster(inventory: Path) -> None:
    assert refused(inventory, "wbe") == "no cluster 'wbe'; accepted: web"


@pytest.mark.parametrize(("old", "new", "host"), [("L1", "L9", "L9"), ("[I1]", "[I9]", "I9"), ("H2:", "H9:", "H9")])
def test_a_host_that_the_inventory_does_not_know(tmp_path: Path, old: str, new: str, host: str) -> None:
    inventory = write_inventory(tmp_path / "i", clusters=CLUSTERS_YAML.replace(old, new))
    said = refused(inventory)
    assert (
        said
        == f"{inventory}/clusters.yaml: clusters.web: no host '{host}' in the inventory; accepted: H1, H2, I1, L1, L2"
    )


def test_a_broken_clusters_file_names_its_line(tmp_path: Path) -> None:
    inventory = write_inventory(tmp_path / "i", clusters=CLUSTERS_YAML.replace("vrid: 11", "vrid: 0"))
    assert refused(inventory).startswith(f"{inventory}/clusters.yaml:3: clusters.web.vrid: ")


@pytest.mark.parametrize(
    "text",
    [
        "inventory: [",
        "[]",
        "",
        "hello",
        "3",
        "inventory:",
        "inventory: []",
        "inventory: hello",
        "inventory: {options: }",
        "inventory: {options: []}",
        "inventory: {options: {host_file: 3}}",
        "inventory: {options: {host_file: null}}",
        "inventory: {plugin: NoSuchPlugin}",
        "inventory: {options: {no_such_option: 1}}",
        "inventory: {options: {host_file: nowhere.yaml}}",
        "runner: {plugin: no-such-runner}",
        "nonsense: 1",
        "logging: 3",
        "a: 2026-13-45",
        "a: !!bool foo",
        "runner: {plugin: threaded, options: 5}",
        "inventory: {options: {1: 2}}",
        "inventory: {options: {host_file: ~nobody-of-this-name/x}}",
    ],
)
def test_a_broken_nornir_configuration(inventory: Path, text: str) -> None:
    (inventory / "config.yaml").write_text(text)
    assert str(inventory) in refused(inventory)


@pytest.mark.parametrize("name", ["hosts.yaml", "groups.yaml", "defaults.yaml"])
@pytest.mark.parametrize("text", ["a: [", "- a\n- b\n", "hello", "H1: {groups: [nowhere]}"])
def test_a_broken_inventory_file(inventory: Path, name: str, text: str) -> None:
    (inventory / name).write_text(text)
    try:
        session = open_session(inventory, [])
    except IntentError as error:
        assert str(inventory) in str(error)  # noqa: PT017 - what Nornir makes of it is Nornir's matter
    else:
        session.close()


def test_nornirs_configuration_is_taken_from_the_inventory(inventory: Path) -> None:
    (inventory / "hosts.yaml").rename(inventory / "machines.yaml")
    (inventory / "config.yaml").write_text(
        "inventory: {plugin: SimpleInventory, options: {host_file: machines.yaml, group_file: groups.yaml, "
        "defaults_file: defaults.yaml}}\nrunner: {plugin: threaded, options: {num_workers: 3}}\n"
    )
    session = open_session(inventory, ["web"])
    assert set(session.nornir.inventory.hosts) == set(HOSTS)
    assert session.nornir.config.runner.options == {"num_workers": 3}


@pytest.mark.parametrize("relative", [False, True])
def test_paths_of_keys_are_relative_to_the_inventory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool  # noqa: FBT001
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    inventory = write_inventory(Path("inventory") if relative else tmp_path / "inventory", groups=GROUPS)
    write_key(inventory / "keys/id")
    extras = open_session(inventory, []).nornir.inventory.hosts["H1"].get_connection_parameters("netmiko").extras
    assert extras is not None
    assert extras["key_file"] == str(inventory / "keys/id")
    assert extras["alt_key_file"] == str(inventory / "keys/known")
    assert extras["ssh_config_file"] == "/etc/ssh/x"
    assert extras["use_keys"] is True


def test_paths_that_two_groups_share_by_a_yaml_anchor_are_resolved_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    groups = "all: &it\n  connection_options: {netmiko: {extras: {key_file: keys/id}}}\nother: *it\n"
    inventory = write_inventory(Path("inventory"), groups=groups)
    write_key(inventory / "keys/id")
    extras = open_session(inventory, []).nornir.inventory.hosts["H1"].get_connection_parameters("netmiko").extras
    assert extras == {"key_file": "inventory/keys/id"}


def with_secret(inventory: Path, entry: str) -> Path:
    text = CLUSTERS_YAML.replace("{clear: hunter22}", entry)
    (inventory / "clusters.yaml").write_text(text)
    return inventory


def test_a_secret_from_the_environment(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VRRP_WEB", "fromenv1")
    session = open_session(with_secret(inventory, "{env: VRRP_WEB}"), [])
    assert "auth_pass fromenv1\n" in session.desired["H1"].config


@pytest.mark.parametrize("text", ["fromfile", "fromfile\n", "  fromfile \n\n"])
def test_a_secret_from_a_file(inventory: Path, text: str) -> None:
    (inventory / "secret").write_text(text)
    session = open_session(with_secret(inventory, "{file: secret}"), [])
    assert "auth_pass fromfile\n" in session.desired["H1"].config


def test_a_secret_from_a_file_elsewhere(inventory: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("fromfile")
    session = open_session(with_secret(inventory, f"{{file: {tmp_path}/secret}}"), [])
    assert "auth_pass fromfile\n" in session.desired["H1"].config


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{env: VRRP_NOT_SET}", "environment variable VRRP_NOT_SET is not set; set it to the auth_pass"),
        ("{file: nowhere}", "No such file or directory; write the password into that file, mode 0600"),
        ("{file: .}", "Is a directory"),
        ("{file: binary}", "binary"),
        ("{file: ~nobody-of-this-name/x}", "nobody-of-this-name"),
        ("{file: empty}", "empty"),
        ("{file: long}", "10 characters"),
        ("{file: two}", "reads as syntax"),
    ],
)
def test_a_secret_that_can_not_be_read_or_used(inventory: Path, entry: str, said: str) -> None:
    (inventory / "binary").write_bytes(b"\xff\xfe\xfd")
    (inventory / "empty").write_text("\n")
    (inventory / "long").write_text("hunter2222")
    (inventory / "two").write_text("hun ter\n")
    shown = refused(with_secret(inventory, entry))
    assert shown.startswith(f"{inventory}/clusters.yaml:7: clusters.web.auth_pass: ")
    assert said in shown
    assert "hun" not in shown


def test_lint_reads_without_nornir_and_warns_of_a_missing_secret(inventory: Path) -> None:
    (inventory / "hosts.yaml").unlink()
    intent = read_intent(with_secret(inventory, "{env: VRRP_NOT_SET}"), need_secrets=False)
    assert len(intent.warnings) == 1


def test_a_host_that_refuses_is_one_without_an_answer_every_time(inventory: Path) -> None:
    from tasks.model.answer import Command  # noqa: PLC0415 - as the runbooks do, after the session
    from tasks.transport import Script  # noqa: PLC0415

    session = open_session(inventory, [])
    script = Script(commands=(Command(key="x", argv=("true",)),), timeout_s=5)
    for _ in range(2):  # a host that failed once must not be left out of the second round
        replies = session.run_scripts({"H1": script, "L1": script})
        assert set(replies) == {"H1", "L1"}
        for reply in replies.values():
            assert isinstance(reply, NoAnswer)
            assert "127.0.0.1" in reply.reason
    stream = session.open_stream("I1", Command(key="x", argv=("true",)))
    assert isinstance(stream, NoAnswer)
    session.close()


def test_a_host_that_is_not_in_the_inventory_is_one_without_an_answer(inventory: Path) -> None:
    from tasks.transport import Script  # noqa: PLC0415 - as above

    session = open_session(inventory, [])
    replies = session.run_scripts({"X9": Script(commands=())})
    assert isinstance(replies["X9"], NoAnswer)
    assert "did not run" in replies["X9"].reason


def test_a_task_that_breaks_is_one_without_an_answer(inventory: Path) -> None:
    session = open_session(inventory, [])
    broken: Session = replace(session)
    replies = broken.run_scripts({"H1": None})  # type: ignore[dict-item]  # whatever goes wrong inside
    assert isinstance(replies["H1"], NoAnswer)


def test_a_silent_host_is_failed_to_every_processor_and_to_no_later_run(inventory: Path) -> None:
    from tasks.model.answer import Command  # noqa: PLC0415 - as above
    from tasks.transport import Script  # noqa: PLC0415

    seen = Seen()
    nornir = open_session(inventory, []).nornir.with_processors([seen])
    nornir.config.core.raise_on_error = True  # a setting of the user's that must not hide the other hosts
    nornir.data.failed_hosts.add("L1")
    session = open_session(inventory, [], nornir)
    assert session.nornir is nornir
    command = Command(key="x", argv=("true",))
    session.run_scripts(dict.fromkeys(("H1", "L1"), Script(commands=(command,), timeout_s=5)))
    session.open_stream("H1", command)
    *both, last = [str(each.host) for each in seen.results]
    assert (sorted(both), last) == (["H1", "L1"], "H1")
    for each in seen.results:
        assert each.failed
        assert each.severity_level == logging.ERROR
        assert isinstance(each.exception, NoAnswerError)
        assert isinstance(each.result, NoAnswer)
        assert not each.changed
    assert nornir.data.failed_hosts == {"L1"}


def test_a_host_that_is_not_asked_again_at_once_is_failed_too(inventory: Path) -> None:
    from tasks.transport import Script  # noqa: PLC0415 - as above

    seen, sent = Seen(), []
    session = open_session(inventory, [])
    session.nornir.processors.append(seen)
    refusal = NoAnswer(host="H1", reason="it refused the login", at=AT, refused=True)
    session.logins.learned("H1", refusal)
    replies = session.run_scripts({"H1": Script(commands=())}, lambda: sent.append(1))
    assert replies == {"H1": refusal}
    assert [str(each.exception) for each in seen.results] == ["H1: it refused the login"]
    assert len(sent) == 1


def test_secrets_are_for_debugging_alone(inventory: Path) -> None:
    seen = Seen()
    session = open_session(inventory, [])
    session.nornir.processors.append(seen)
    assert "hunter22" in session.desired["H1"].config
    assert [each.severity_level for each in seen.results] == [logging.DEBUG] * 2
