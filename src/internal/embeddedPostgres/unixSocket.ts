/** Unix sockets as signs of life: the kernel closes one with its process, however that ends. */
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { rename, rm } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { dirname, join } from "node:path"

/**
 * Listens at the path, which must be short, and has nothing to say to whoever connects. The value ends that and removes
 * the file; it may be run again. A socket exists a moment before it listens, in which it looks like that of a dead
 * process: hence the other name until then.
 */
export const listen = (path: string): Effect.Effect<Effect.Effect<void>, Error> =>
  Effect.async((resume) => {
    const server = createServer((socket) => socket.destroy())
    const close = Effect.promise(async () => {
      await rm(path, { force: true }).catch(() => {})
      await new Promise((resolve) => server.close(resolve))
    })
    const unnamed = join(dirname(path), `new-${randomBytes(4).toString("hex")}`)
    // For good: an error without a listener would end the process. Only the first can still be reported.
    server.on("error", (error) => resume(Effect.fail(error)))
    server.listen(unnamed, () =>
      rename(unnamed, path).then(
        () => resume(Effect.succeed(close)),
        (error: Error) => resume(Effect.zipRight(close, Effect.fail(error)))
      ))
    // Being there is no reason for a process to stay.
    server.unref()
  })

/** Whether a process listens at the path, be it paused, busy, or in another container. */
export const isHeld = (path: string): Effect.Effect<boolean> =>
  Effect.async((resume) => {
    const socket = connect(path)
    socket.on("connect", () => {
      socket.destroy()
      resume(Effect.succeed(true))
    })
    // Any other failure, such as a queue that is full, does not prove that nobody is there.
    socket.on("error", ({ code }: NodeJS.ErrnoException) =>
      resume(Effect.succeed(code !== "ECONNREFUSED" && code !== "ENOENT")))
  })
