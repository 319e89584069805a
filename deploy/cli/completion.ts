import type { Command } from 'commander';

/** Returns every command as its words, with its options. */
function commandWords(command: Command, path: readonly string[] = []): { path: string; words: string[] }[] {
  const children = command.commands.filter((one) => one.name() !== 'help');
  const options = command.options.flatMap(({ long, short }) => [long, short]).filter((one) => one != null);
  const words = [...children.map((one) => one.name()), ...options];
  return [
    { path: path.join(' '), words },
    ...children.flatMap((one) => commandWords(one, [...path, one.name()])),
  ];
}

/** Returns a script that makes a shell complete commands and options. */
export function completionScript(program: Command, shell: 'bash' | 'zsh'): string {
  const cases = commandWords(program)
    .map(({ path, words }) => `    "${path}") words="${words.join(' ')}" ;;`)
    .join('\n');
  const bash = `_headrace() {
  local path="" word words
  local i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in -*) continue ;; esac
    case "$path" in "") path="$word" ;; *) path="$path $word" ;; esac
  done
  words=""
  while :; do
    case "$path" in
${cases}
    *) case "$path" in *" "*) path="\${path% *}"; continue ;; esac ;;
    esac
    break
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _headrace headrace
`;
  return shell === 'bash' ? bash : `autoload -U +X bashcompinit && bashcompinit\n${bash}`;
}
