/**
 * A shell that starts the emulator (`"$@"`) and outlives the gateway by a moment: its standard input is a pipe that
 * only the gateway holds, so even a gateway that is killed with SIGKILL closes it, and then the shell kills its whole
 * process group. The emulator keeps nothing on disk, so there is nothing to end gently. The first line of its output
 * is the emulator's process id; it exits with the emulator's own code.
 */
export const watchdogScript = `
exec 3<&0
"$@" </dev/null >&2 3<&- &
emulator=$!
echo "$emulator"
( read -r _ <&3; kill -KILL -$$ ) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$emulator"
code=$?
kill -KILL "$watcher" 2>/dev/null
exit "$code"
`;
