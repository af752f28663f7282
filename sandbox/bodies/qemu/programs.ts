/**
 * Starts a program that is killed as soon as nobody holds the other end of its standard input: when that is closed, or
 * when whoever holds it is gone. File descriptors 3 to 5 are the program's alone, so that they end with it.
 */
export function whileHeld(command: string, ...args: string[]): [string, string[]] {
  return ["sh", ["-c", holding, command, ...args]];
}

const holding = `
exec 6<&0
"$0" "$@" </dev/null 6<&- &
program=$!
( exec 3<&- 4<&- 5<&-; read -r _ <&6; kill -KILL "$program" ) >/dev/null 2>&1 &
watcher=$!
exec 3<&- 4<&- 5<&- 6<&-
wait "$program"
code=$?
kill -KILL "$watcher" 2>/dev/null
exit "$code"
`;

/** Starts a program that Linux ends with this one, whatever ends it. */
export function endingWithUs(command: string, ...args: string[]): [string, string[]] {
  return ["setpriv", ["--pdeathsig", "KILL", command, ...args]];
}
