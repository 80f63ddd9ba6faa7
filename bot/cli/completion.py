"""`ao completion`: what a shell needs to complete commands, options, and the names that the service knows."""

import sys
from typing import Annotated

import typer

from runtime.errors import WrongUse

FILES = ":files"
"""Answered instead of names: the shell completes a path by itself."""
WITHIN = 1.0
"""Seconds that somebody who pressed Tab waits for the service at most."""

BASH = """# ao completion bash: put into ~/.bashrc: source <(ao completion bash)
_ao() {
    local found
    COMPREPLY=()
    while IFS=$'\\t' read -r found _; do
        if [[ $found == :files ]]; then
            compopt -o default 2>/dev/null
            return
        fi
        COMPREPLY+=("$found")
    done < <("${1/#\\~/$HOME}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _ao ao
"""
ZSH = """#compdef ao
# ao completion zsh: put into ~/.zshrc, after compinit: source <(ao completion zsh)
_ao() {
    local line
    local -a found
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            _files
            return
        fi
        found+=("${${line%%$'\\t'*}//:/\\\\:}${${(M)line#*$'\\t'}:+:${line#*$'\\t'}}")
    done < <("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    [[ ${words[CURRENT]} == -*=* ]] && compset -P '*='
    _describe -t names ao found
}
if [[ ${funcstack[1]} == _ao ]]; then _ao "$@"; else compdef _ao ao; fi
"""
FISH = """# ao completion fish: ao completion fish > ~/.config/fish/completions/ao.fish
function __ao_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
    if test "$found[1]" = :files
        __fish_complete_path "$current"
        return
    end
    set -l option (string match -r -- '^-[^=]*=' "$current")
    for line in $found
        echo "$option$line"
    end
end
complete -c ao -f -a '(__ao_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def completion(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="Your shell.")],
) -> None:
    """Prints the script that lets a shell complete ao's commands, options and names.

    bash: add to ~/.bashrc: source <(ao completion bash)

    zsh: add to ~/.zshrc, after compinit: source <(ao completion zsh)

    fish: ao completion fish > ~/.config/fish/completions/ao.fish
    """
    if shell not in SCRIPTS:
        raise WrongUse(f"There is no completion for '{shell}'; there is for: {', '.join(SCRIPTS)}.")
    typer.echo(SCRIPTS[shell], nl=False)


def complete(words: list[str]) -> int:
    """Print what the last of these words can become, one per line with a tab and a remark; never an error."""
    from bot.cli.completing import candidates

    for value, remark in candidates(words):
        sys.stdout.write(f"{value}\t{remark}\n" if remark else f"{value}\n")
    return 0
