/**
 * Ends a temporary server whose Node process died without closing its scope (`kill -9`, out of memory), since nobody
 * would ever come back for it. A shell of a megabyte waits at a pipe, which the kernel closes when the Node process
 * dies.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { Socket } from "node:net"
import { environment } from "./command.ts"
import type { Home } from "./home.ts"
import { credentials, type ServerUser } from "./serverUser.ts"

/** Watches over the server in this home until the scope closes. Where there is no `sh` there is no watchdog. */
export const watch = (home: Home, user: ServerUser | undefined): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(Effect.sync(() => start(home, user)), dismiss))

// internal

/**
 * A line of input means that the scope was closed in order; the end of the input means that Node died. If the server
 * died before, its process id could belong to another program by now. The script runs as the server's user, so it can
 * signal and delete only what belongs to that user; under root the emptied home itself is left, and a later start
 * deletes it.
 */
const script = `
read -r line && exit 0
pid=$(head -n 1 "$1/data/postmaster.pid") && { [ ! -e /proc/self ] || [ "/proc/$pid/cwd" -ef "$1/data" ]; } && {
  kill -CONT "$pid"; kill -INT "$pid"
  for attempt in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" && sleep 0.5; done
  kill -0 "$pid" && kill -KILL "$pid"
}
rm -rf -- "$1"/data/* "$1"
`

const start = (home: Home, user: ServerUser | undefined): ChildProcess => {
  const child: ChildProcess = spawn("sh", ["-c", script, "sh", home.path], {
    ...credentials(user),
    cwd: "/",
    env: environment(),
    // A session of its own: a Ctrl+C at the terminal is for the application, which then closes the scope in order.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"]
  })
  // There is no `sh`, or it has been killed.
  child.on("error", () => {})
  child.stdin?.on("error", () => {})
  child.unref()
  if (child.stdin instanceof Socket) child.stdin.unref()
  return child
}

const dismiss = (child: ChildProcess): Effect.Effect<void> => Effect.sync(() => void child.stdin?.end("done\n"))
