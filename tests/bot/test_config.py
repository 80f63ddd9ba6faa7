"""Reading the configuration: what wins, what is refused, and how a problem reads."""

import json
import re
import tempfile
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from bot.config import calling_session, load, make_data_dir, read
from bot.config_schema import File, ProjectEntry, schema
from bot.config_show import effective
from bot.settings import Settings
from runtime.errors import ConfigError

SECRET = "a-secret-of-enough-characters"
CONTRACT = """
# yaml-language-server: $schema=schema.json
$schema: schema.json
defaults: {agent: scripted, runtime: tmux, workspace: worktree, permissions: bypass, notify: []}
labels: {spawn: "agent", in_progress: "agent:working", needs_input: "agent:needs-input", done: "agent:done"}
limits: {sessions: 3, spawns_at_once: 2, budget_usd: null, budget_turns: null, budget_minutes: null}
times: {idle_after: 5m, stuck_after: 10m, spawn_grace: 30s, cleanup_grace: 5m, send_wait: 600s, death_confirm: 5s}
projects:
  my-app:
    repo: owner/my-app
    path: code
    default_branch: main
    session_prefix: app
    model: null
    rules: |
      Run `make test` before pushing.
    post_create: ["uv sync"]
    symlinks: [".env"]
    env: {MODE: quiet}
    tracker: github
    comments: mention
  other:
    repo: owner/other
    reactions: {ci-failed: {retries: 5}}
reactions:
  ci-failed: {auto: true, action: send-to-agent, retries: 2, escalate_after: 2, settle: 60s}
notifiers: {}
"""


@pytest.fixture
def home():
    with tempfile.TemporaryDirectory(prefix="ao-", dir="/tmp") as short:  # socket paths are limited to 107 bytes
        yield Path(short)


def environ(home: Path, **given: str) -> dict[str, str]:
    return {"HOME": str(home), "AO_WEBHOOK_SECRET": SECRET, "AO_GITHUB_TOKEN": "token-of-mine"} | given


def problems(home: Path, **given: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(environ(home, **given), home)
    return str(raised.value).splitlines()


def write(home: Path, text: str) -> Path:
    path = home / "agent-orchestrator.yaml"
    path.write_text(text)
    return path


def a_clone(home: Path, name: str = "code", config: str = "") -> Path:
    git = home / name / ".git"
    (git / "objects").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text(config)
    return home / name


def test_environment_alone_is_enough(home):
    config = load(environ(home, AO_PORT="3131", AO_LOG_LEVEL="DEBUG", AO_PUBLIC_URL="https://x.test/"), home)
    assert (config.settings.port, config.settings.log_level) == (3131, "debug")
    assert config.settings.public_url == "https://x.test"
    assert config.data_dir == home / ".agent-orchestrator"
    assert config.socket == home / ".agent-orchestrator" / "ao.sock"
    assert config.file is None


def test_the_contracts_file_is_understood_completely(home):
    a_clone(home)
    write(home, CONTRACT)
    config = load(environ(home), home)
    app, other = config.projects["my-app"], config.projects["other"]
    assert (app.session_prefix, app.agent, app.comments, app.env) == ("app", "scripted", "mention", {"MODE": "quiet"})
    assert (app.limits.sessions, app.times.idle_after, app.post_create) == (3, 300.0, ("uv sync",))
    assert other.session_prefix == "oth"
    assert (other.reactions.ci_failed.retries, other.reactions.ci_failed.escalate_after) == (5, 2)
    assert app.reactions.ci_failed.retries == 2


def test_the_schema_accepts_the_contracts_file_and_refuses_a_typo():
    validator = jsonschema_rs.validator_for(schema())
    assert validator.is_valid(yaml.safe_load(CONTRACT))
    assert not validator.is_valid({"lables": {}})


def test_environment_wins_over_secret_files_over_the_file_over_defaults(home):
    secrets = home / "secrets"
    secrets.mkdir()
    (secrets / "AO_WEBHOOK_SECRET").write_text("from-a-secret-file\n")
    (secrets / "ao_log_level").write_text("error")
    write(home, "port: 3001\nhost: 0.0.0.0\nlog_level: warning\n")
    given = environ(home, AO_SECRETS_DIR=str(secrets), AO_PORT="3002", AO_WEBHOOK_SECRET="")
    settings = load(given, home).settings
    assert [secret.get_secret_value() for secret in settings.webhook_secret] == ["from-a-secret-file"]
    assert (settings.port, settings.host, settings.log_level, settings.log_format) == (3002, "0.0.0.0", "error", "text")


def test_the_file_is_searched_upward_then_in_the_data_directory(home):
    below = home / "a" / "b"
    below.mkdir(parents=True)
    data = home / "data"
    data.mkdir()
    (data / "config.yaml").write_text("port: 1111\n")
    given = environ(home, AO_DATA_DIR=str(data))
    assert load(given, below).settings.port == 1111
    path = write(home, "port: 2222\n")
    assert load(given, below).file == path
    named = home / "named.yaml"
    named.write_text("port: 3333\n")
    assert load(given | {"AO_CONFIG_PATH": "~/named.yaml"}, below).settings.port == 3333


def test_several_secrets_are_taken_in_order(home):
    config = load(environ(home, AO_WEBHOOK_SECRET=f"{SECRET}, another-long-secret"), home)
    assert [s.get_secret_value() for s in config.settings.webhook_secret] == [SECRET, "another-long-secret"]
    assert SECRET not in repr(config)


def test_nothing_secret_is_shown(home):
    a_clone(home)
    write(home, CONTRACT)
    shown = json.dumps(effective(load(environ(home), home)))
    for secret in (SECRET, "token-of-mine", "quiet"):
        assert secret not in shown
    assert "owner/my-app" in shown


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"AO_WEBHOOK_SECRET": ""}, "AO_WEBHOOK_SECRET: missing; set one of at least 16 characters"),
        ({"AO_WEBHOOK_SECRET": "too-short"}, "it has 9 characters and needs at least 16"),
        ({"AO_WEBHOOK_SECRET": f"{SECRET},"}, "number 2 of the comma separated secrets has 0 characters"),
        ({"AO_GITHUB_TOKEN": ""}, "AO_GITHUB_APP_ID or AO_GITHUB_TOKEN: missing; run `ao setup`"),
        ({"AO_GITHUB_APP_ID": "1"}, "AO_GITHUB_TOKEN: AO_GITHUB_APP_ID is set too; unset one of them"),
        ({"AO_GITHUB_APP_ID": "1", "AO_GITHUB_TOKEN": ""}, "AO_GITHUB_PRIVATE_KEY_FILE: missing"),
        ({"AO_GITHUB_PRIVATE_KEY_FILE": "none.pem", "AO_GITHUB_TOKEN": ""}, "AO_GITHUB_APP_ID: missing"),
        ({"AO_GITHUB_PRIVATE_KEY_FILE": "none.pem"}, "none.pem cannot be read (No such file or directory)"),
        ({"AO_GITHUB_APP_ID": "mine"}, "AO_GITHUB_APP_ID: 'mine' is not possible"),
        ({"AO_PORT": "99999"}, "AO_PORT: '99999' is not possible: input should be less than or equal to 65535"),
        ({"AO_GITHUB_API_URL": "example.org"}, "AO_GITHUB_API_URL: 'example.org' is not possible: write a URL"),
        ({"AO_PUBLIC_URL": "https://me@x"}, "AO_PUBLIC_URL: 'https://me@x' is not possible"),
        ({"AO_LOG_FORMAT": "xml"}, "AO_LOG_FORMAT: 'xml' is not possible: write text or json"),
        ({"AO_RECORDS_DAYS": "0"}, "AO_RECORDS_DAYS: '0' is not possible: input should be greater than or equal to 1"),
        ({"AO_PROT": "1"}, "AO_PROT: unknown setting; did you mean AO_PORT?"),
        ({"AO_DASHBOARD_PORT": "3001"}, "AO_DASHBOARD_PORT: the dashboard is not available yet; unset it"),
        ({"AO_SECRETS_DIR": "nowhere"}, "nowhere is not a directory; create it or unset it"),
        ({"AO_CONFIG_PATH": "nowhere.yaml"}, "nowhere.yaml: file: cannot be read (No such file or directory)"),
        ({"AO_DATA_DIR": "/dev/null/x"}, "AO_DATA_DIR: /dev/null is not a directory that you can write to"),
        ({"AO_DATA_DIR": "/tmp/" + "x" * 97}, "AO_DATA_DIR: /tmp/" + "x" * 97 + " is 3 bytes too long"),
    ],
)
def test_wrong_settings_are_named_with_their_fix(home, given, told):
    assert any(told in line for line in problems(home, **given))


def test_a_key_that_is_no_key_is_refused(home):
    key = home / "key.pem"
    key.write_text("hello")
    told = problems(home, AO_GITHUB_TOKEN="", AO_GITHUB_APP_ID="1", AO_GITHUB_PRIVATE_KEY_FILE=str(key))
    assert told == [f"environment: AO_GITHUB_PRIVATE_KEY_FILE: {key} holds no PEM private key; download it again"]


def test_what_we_set_for_agents_is_no_unknown_setting(home):
    given = environ(home, AO_SESSION="app-1", AO_SESSION_ID="app-1", AO_LAUNCH="/x", AO_PROJECT_ID="a", AO_SPEED="2")
    load(given, home)
    assert calling_session(given) == "app-1"


def test_every_problem_is_told_at_once_and_no_secret_value(home):
    write(home, "projects: {a: {repo: o/a, env: {KEY: [top-secret]}}, b: {repo: o/b}}\n")
    told = problems(home, AO_WEBHOOK_SECRET="hunter2", AO_PORT="x")
    assert len(told) == 3
    assert "hunter2" not in "".join(told) and "top-secret" not in "".join(told)
    reading = read(environ(home), home)
    assert "top-secret" not in "".join(reading.config.broken["a"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "line 1: not valid YAML"),
        ("labels: {}\nlabels: {}", "line 1: not valid YAML: 'labels' is there twice"),
        ("- a", "file: must be a mapping; start with `projects:`"),
        ("projects: []\nlables: {}", "lables: unknown key; did you mean labels?"),
        ("projects: [a]", "projects: must be a mapping from project ids to projects"),
        ("webhook_secret: my-secret-in-the-file", "webhook_secret: unknown key"),
        ("limits: {sesions: 1}", "limits.sesions: unknown key; did you mean sessions?"),
        ("limits: {sessions: 0}", "limits.sessions: 0 is not possible: input should be greater than or equal to 1"),
        (
            "limits: {budget_usd: 5}",
            "limits.budget_usd: 5 is not possible: budgets are not available yet",
        ),
        ("times: {idle_after: 5 min}", "times.idle_after: '5 min' is not possible: write a duration as a number"),
        ("times: {idle_after: -1}", "times.idle_after: -1 is not possible"),
        (
            "times: {idle_after: yes}",
            "times.idle_after: true is not possible: write a duration as a number with a unit",
        ),
        ("projects: ''", "projects: must be a mapping from project ids to projects"),
        ("projects: 0", "projects: must be a mapping from project ids to projects"),
        ("projects: false", "projects: must be a mapping from project ids to projects"),
        ("projects: []\nlables: {}", "projects: must be a mapping from project ids to projects"),
        ("labels: {spawn: ''}", "labels.spawn: '' is not possible: string should have at least 1 character"),
        (f"labels: {{done: {'x' * 51}}}", "is not possible: string should have at most 50 characters"),
        ("limits: {sessions: true}", "limits.sessions: true is not possible: write a whole number"),
        ("port: true", "port: true is not possible: write a whole number"),
        ("reactions: {ci-failed: {retries: true}}", "retries: true is not possible: write a whole number"),
        ("limits: []", "limits: a list is not possible: write a mapping"),
        ("labels: agent", "labels: 'agent' is not possible: write a mapping"),
        ("notifiers: {team: 'slack://abc'}", "notifiers: the value (not shown) is not possible: notifications are not"),
        ("defaults: {notify: [team]}", "defaults.notify: a list is not possible: notifications are not available yet"),
        ("defaults: {permissions: sandboxed}", "not available yet; write bypass, which runs agents without a sandbox"),
        ("defaults: {permissions: ask}", "not available yet; write bypass"),
        ("defaults: {runtime: process}", "defaults.runtime: 'process' is not possible: not available yet; write tmux"),
        ("defaults: {workspace: clone}", "not available yet; write worktree"),
        ("defaults: {agent: nobody}", "defaults.agent: 'nobody' is not possible: not an agent of this version; write"),
        ("reactions: {ci-faild: {}}", "reactions.ci-faild: unknown key; did you mean ci-failed?"),
        ("reactions: {ci-failed: {action: shout}}", "'shout' is not possible: write send-to-agent"),
        ("port: 99999", "port: 99999 is not possible: input should be less than or equal to 65535"),
    ],
)
def test_a_wrong_file_stops_the_start_with_the_key_and_the_fix(home, text, told):
    path = write(home, text)
    lines = problems(home)
    assert all(line.startswith(str(path)) for line in lines)
    assert any(told in line for line in lines), lines
    assert "my-secret" not in "".join(lines)


@pytest.mark.parametrize(
    ("project", "told"),
    [
        ("{}", "repo: missing; write owner/name as on GitHub"),
        ("", "repo: missing; write owner/name as on GitHub"),
        ("{repo: my-app}", "repo: 'my-app' is not possible: write owner/name as on GitHub"),
        ("{repo: o/a.git}", "repo: 'o/a.git' is not possible: leave out the .git: o/a"),
        ("{repo: o/a, defaultBranch: main}", "defaultBranch: unknown key; did you mean default_branch?"),
        ("{repo: o/a, tracker: linear}", "tracker: 'linear' is not possible: not available yet; write github"),
        ("{repo: o/a, agent: scripted, model: best}", "model: scripted cannot be told a model; leave it out"),
        ("{repo: o/a, model: ''}", "model: '' is not possible"),
        ("{repo: o/a, comments: loud}", "comments: 'loud' is not possible: write all or mention"),
        ("{repo: o/a, permissions: sandboxed}", "not available yet; write bypass"),
        ("{repo: o/a, path: ~/none}", "none is not a git repository; clone o/a there or leave path out"),
        ("{repo: o/a, symlinks: [.env]}", "bad.symlinks: needs path, the clone that the files are in; set it or leave"),
        ("{repo: o/a, script: none.toml}", "none.toml does not exist; correct the path"),
        ("{repo: o/a, post_create: make}", "post_create: 'make' is not possible: write a list"),
        ("{repo: o/a, post_create: ['']}", "post_create.0: '' is not possible: write a command"),
        ("{repo: o/a, limits: {sessions: true}}", "limits.sessions: true is not possible: write a whole number"),
        ("{repo: o/a, limits: {warm: yes}}", "limits.warm: true is not possible: write a whole number"),
        ("{repo: o/a, reactions: {ci-failed: {settle: 5 min}}}", "settle: '5 min' is not possible: write a duration"),
        ("{repo: o/a, env: {A=B: x}}", "a name is made of letters, digits and _; rename 'A=B'"),
        ("{repo: o/a, env: {1A: x, '': y}}", "a name is made of letters, digits and _; rename '1A', ''"),
        ("{repo: o/a, env: []}", "env: the value (not shown) is not possible: write a mapping"),
        ("{repo: o/a, default_branch: a..b}", "default_branch: 'a..b' is not possible: write a branch's name"),
        ("{repo: o/a, default_branch: ''}", "default_branch: '' is not possible: write a branch's name"),
        ("[]", "bad: a list is not possible: write a mapping"),
        ("{repo: o/a, env: {AO_PORT: '1'}}", "names that start with AO_ belong to the service; rename AO_PORT"),
        ("{repo: o/a, symlinks: [../x]}", "symlinks.0: '../x' is not possible: write a path inside the repository"),
        ("{repo: o/a, session_prefix: good}", "good has the prefix good too; write another, for example bad"),
        (
            "{repo: o/a, session_prefix: App}",
            "session_prefix: 'App' is not possible: write up to 16",
        ),
        ("{repo: O/Good}", "O/Good belongs to the project good already; keep one of them"),
    ],
)
def test_a_broken_project_leaves_the_others_working(home, project, told):
    write(home, f"projects:\n  good: {{repo: o/good}}\n  bad: {project}\n")
    config = load(environ(home), home)
    assert list(config.projects) == ["good"]
    assert any(told in line for line in config.broken["bad"]), config.broken


def test_a_file_with_nothing_but_broken_projects_stops_the_start(home):
    write(home, "projects: {bad: {}}\n")
    assert "projects.bad.repo: missing" in problems(home)[0]


def test_empty_sections_mean_defaults(home):
    write(home, "labels:\nlimits:\nprojects:\n")
    assert load(environ(home), home).projects == {}


@pytest.mark.parametrize("document", ["README.md", "docs/configuration.md"])
def test_the_documents_examples_are_accepted(home, document):
    text = (Path(__file__).parents[2] / document).read_text()
    a_clone(home, "code/names")
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert examples
    for example in examples:
        write(home, example)
        assert load(environ(home), home).broken == {}


def test_a_clone_beside_the_file_is_found(home):
    a_clone(home)
    write(home, "projects: {a: {repo: o/a, path: code}}\n")
    assert load(environ(home), home).projects["a"].path == home / "code"


@pytest.mark.parametrize(
    "config",
    [
        "",
        '[remote "origin"]\n\turl = https://github.com/O/A.git\n',
        '[remote "origin"]\n\turl = git@github.com:o/a\n',
        '[remote "origin"]\n\turl = ssh://git@ghe.example:22/o/a.git/\n',
        '[remote "mine"]\n\turl = "https://github.com/me/a" # a fork\n[remote "upstream"]\n\turl = gh:o/a\n',
        '[remote "origin"]\n\turl = /srv/mirrors/other.git\n[remote "other"]\n\turl = file:///srv/other.git\n',
        "[core\nnot git's configuration",
    ],
)
def test_a_clone_of_the_projects_repository_is_taken(home, config):
    a_clone(home, config=config)
    write(home, "projects: {a: {repo: o/a, path: code}}\n")
    assert load(environ(home), home).broken == {}


@pytest.mark.parametrize("url", ["https://github.com/some/other.git", "git@github.com:o/ab.git"])
def test_a_clone_of_another_repository_is_refused(home, url):
    clone = a_clone(home, config=f'[remote "origin"]\n\turl = {url}\n')
    write(home, "projects: {a: {repo: o/a, path: code}, b: {repo: o/b}}\n")
    told = f"projects.a.path: {clone} is a clone of '{url}'; write the path of a clone of o/a, or leave path out"
    assert load(environ(home), home).broken["a"] == (f"{home}/agent-orchestrator.yaml: {told}",)


def test_nothing_of_a_clones_address_is_shown_that_opens_it(home):
    a_clone(home, config='[remote "origin"]\n\turl = https://me:hunter2@github.com/some/other\n')
    write(home, "projects: {a: {repo: o/a, path: code}}\n")
    assert "clone of 'https://github.com/some/other';" in problems(home)[0]


def test_a_clones_configuration_starts_nothing(home):
    started = home / "started"
    config = f"[include]\n\tpath = more\n[core]\n\tfsmonitor = touch {started}\n\tpager = touch {started}\n"
    clone = a_clone(home, config=config)
    (clone / ".git" / "more").write_text('[remote "origin"]\n\turl = https://github.com/some/other\n')
    write(home, "projects: {a: {repo: o/a, path: code}}\n")
    assert load(environ(home), home).broken == {}
    assert not started.exists()


def test_a_prefix_that_makes_socket_paths_too_long_is_noticed(home):
    data = "/tmp/" + "x" * 80
    write(home, "projects: {a: {repo: o/a}}\n")
    assert "bytes too long for the sockets in it" in problems(home, AO_DATA_DIR=data)[0]


def test_the_data_directory_is_closed_to_others(home):
    place = home / "data"
    place.mkdir(mode=0o755)
    make_data_dir(place)
    assert place.stat().st_mode & 0o777 == 0o700
    with pytest.raises(ConfigError, match="choose another"):
        make_data_dir(Path("/dev/null/x"))


def test_every_setting_and_key_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    names = {f"AO_{name.upper()}" for name in Settings.model_fields} | {"AO_CONFIG_PATH", "AO_SECRETS_DIR"}
    keys = {field.alias or name for model in (File, ProjectEntry) for name, field in model.model_fields.items()}
    assert [name for name in sorted(names | keys) if f"`{name}`" not in text] == []


def test_problems_of_sections_and_of_projects_are_told_together(home):
    text = "lables: {}\nlimits: {sesions: 1}\nprojects: {a: {repo: o/a, agnt: codex}, b: {repo: o/b}}"
    (home / "agent-orchestrator.yaml").write_text(text)
    told = sorted(problem.split(": ", 1)[1] for problem in problems(home))
    assert told == [
        "lables: unknown key; did you mean labels?",
        "limits.sesions: unknown key; did you mean sessions?",
        "projects.a.agnt: unknown key; did you mean agent?",
    ]
