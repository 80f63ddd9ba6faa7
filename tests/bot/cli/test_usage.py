"""What is wrong with what was typed: a sentence, and the next command to type."""

import pytest

from bot.api.schemas import PRINTED

NO_PURGE = "No agent here keeps sessions that ao could delete. Leave --purge-session out"
A_PULL = "a pull request. Write its number, for example"
WHICH = "Say which project with -p; there are: my-app, other"
NO_SCHEMA = f"There is no schema 'x'; there are: {', '.join(PRINTED)}"
NO_SHELL = "There is no completion for 'tcsh'; there is for: bash, zsh, fish"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("send app-2", "Give either TEXT or --file, for example: ao send app-2 please add a test"),
        ("send app-1 x --file y", "Give either TEXT or --file, for example: ao send app-1 please add a test"),
        ("send app-1 _", "The message is empty. Write some text, for example: ao send app-1 please add a test"),
        ("send app-1 -f none.md", "none.md cannot be read (No such file or directory). See: ao send --help"),
        ("send app-1 x --timeout soon", "--timeout takes a number from 0 to 86400, not 'soon'. See: ao send --help"),
        ("send app-1 x --expires nan", "--expires takes a number from 0 to 86400, not 'nan'. See: ao send --help"),
        ("batch-spawn", "Missing argument 'ISSUE'. See: ao batch-spawn --help"),
        ("send", "Missing argument 'SESSION'. See: ao send --help"),
        ("approve app-1 0", "N takes a number of at least 1, not '0'. See: ao approve --help"),
        ("session kill app-1 --purge-session", f"{NO_PURGE}: ao session kill app-1"),
        ("session claim-pr 12", "Say which session gets it, for example: ao session claim-pr 12 app-1"),
        ("session rename app-1", "Give either NAME or --clear, for example: ao session rename app-1 Fix the login"),
        ("session lst", "There is no command 'lst'. Did you mean 'ls'? See: ao session --help"),
        ("statsu", "There is no command 'statsu'. Did you mean 'status'? See: ao --help"),
        ("status --frob", "No such option: --frob. See: ao status --help"),
        ("status --jsn", "No such option: --jsn. Did you mean --json? See: ao status --help"),
        ("events ls --level error", "No such option: --level. Did you mean --log-level? See: ao events ls --help"),
        ("spawn 1 2 3", "Leave out what is too much: 2 3. See: ao spawn --help"),
        ("status -w --json", "--watch and --json exclude each other. Leave one out: ao status --watch"),
        ("status --reports 0", "--reports takes full or a number from 1 to 200, not '0'. See: ao status --help"),
        ("status -p nope", "There is no project 'nope'; there are: my-app, other. See: ao status --help"),
        ("spawn --claim-pr seven", f"'seven' is not {A_PULL}: ao spawn --claim-pr 7"),
        ("spawn 1 -p x", "There is no project 'x'; there are: my-app. See: ao spawn --help"),
        ("report working", "Say which session, for example: ao report working -s app-1"),
        ("acknowledge", "Say which session, for example: ao acknowledge app-1"),
        ("report asleep -s app-1", "Unknown state: asleep. Report one of: working. See: ao report --help"),
        (f"report working -s app-1 -n {'x' * 4001}", "The note has 4001 characters, and at most 4000 are taken."
         " See: ao report --help"),
        ("open --browser", "There is no dashboard yet. Open terminals with: ao open"),
        ("orchestrator start", f"{WHICH}. See: ao orchestrator start --help"),
        ("config schema --of x", f"{NO_SCHEMA}. See: ao config schema --help"),
        ("completion tcsh", f"{NO_SHELL}. See: ao completion --help"),
        ("events search _", "Say what to search for, for example: ao events search merge conflict"),
        ("events ls -t nonsense", "There is no kind 'nonsense'; there are: fact. See: ao events ls --help"),
        ("deliveries ls -n 0", "--limit takes a number from 1 to 1000, not '0'. See: ao deliveries ls --help"),
    ],
)  # fmt: skip
def test_wrong_use_is_a_sentence_and_the_command_to_type(ao, service, typed, told):
    shown = ao(*(word.replace("_", " ") for word in typed.split()))
    assert (shown.returncode, shown.stdout, shown.stderr) == (2, "", f"{told}\n")
