import { Argument, type Command } from 'commander';
import type { CommandContext } from './context.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** Asks this program itself, so that completion knows what the program knows. */
const askingCommand = '__complete';

/** `trunkline completion <shell>`, and the hidden command its scripts call. */
export function addCompletion(program: Command, context: CommandContext): void {
  program
    .command('completion')
    .description('a script that lets your shell complete commands and options')
    .addArgument(new Argument('<shell>').choices(shells))
    .addHelpText(
      'after',
      [
        '',
        'To use it at once, and in every new shell from then on:',
        '  bash   source <(trunkline completion bash)      in ~/.bashrc',
        '  zsh    source <(trunkline completion zsh)       in ~/.zshrc, after compinit',
        '  fish   trunkline completion fish | source       in ~/.config/fish/config.fish',
      ].join('\n'),
    )
    .action((shell: Shell) => {
      context.print(scripts[shell]);
    });
  program
    .command(askingCommand, { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action((words: string[]) => {
      for (const candidate of complete(program, words)) context.print(candidate);
    });
}

/**
 * What may stand in the place of the last of `words` (which may be empty): commands, options not given yet, or the
 * choices of an option or argument. Nothing where a file or a name is expected: the shell then completes files.
 *
 * @param words what was typed after `trunkline`
 */
export function complete(program: Command, words: readonly string[]): string[] {
  const typed = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  let command = program;
  const given = new Set<string>();
  let positional = 0;
  let waiting: { readonly argChoices?: readonly string[] | undefined } | undefined;
  for (const word of typed) {
    if (waiting) {
      waiting = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      given.add(word.split('=')[0] ?? word);
      const option = command.options.find(({ short, long }) => short === word || long === word);
      if (option && (option.required || option.optional)) waiting = option;
      continue;
    }
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next && positional === 0) command = next;
    else positional += 1;
  }
  const matching = (all: readonly string[]): string[] => all.filter((one) => one.startsWith(current)).sort();
  if (waiting) return matching(waiting.argChoices ?? []);
  if (current.startsWith('-')) {
    const options = command.options.filter(
      (option) => !option.hidden && (option.variadic || !given.has(option.long ?? '')),
    );
    return matching([...options.flatMap(({ long }) => long ?? []), '--help']);
  }
  const subcommands = command.commands.map((one) => one.name()).filter((name) => !name.startsWith('__'));
  if (subcommands.length > 0 && positional === 0) return matching(subcommands);
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[positional] ?? (last?.variadic ? last : undefined);
  return matching(argument?.argChoices ?? []);
}

// Each asks for candidates of the word at the cursor and falls back to files when there are none.
const scripts: Readonly<Record<Shell, string>> = {
  bash: `_trunkline() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  local IFS=$'\\n'
  COMPREPLY=($(trunkline ${askingCommand} -- "\${words[@]}" 2>/dev/null))
}
complete -o bashdefault -o default -F _trunkline trunkline`,
  zsh: `_trunkline() {
  local -a candidates
  candidates=("\${(@f)$(trunkline ${askingCommand} -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  candidates=(\${candidates:#})
  if (( \${#candidates} )); then
    compadd -a candidates
  else
    _files
  fi
}
compdef _trunkline trunkline`,
  fish: `function __trunkline_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l candidates (trunkline ${askingCommand} -- $words[2..-1] 2>/dev/null)
  if test (count $candidates) -gt 0
    printf '%s\\n' $candidates
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c trunkline -f -a '(__trunkline_complete)'`,
};
