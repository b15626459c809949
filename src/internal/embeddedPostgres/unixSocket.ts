/** Unix sockets as signs of life: the kernel closes one with its process, however that ends. */
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { rename, rm } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { dirname, join } from "node:path"

/**
 * Listens at the path, which must be short, and closes every connection at once. The returned effect stops listening
 * and removes the file; it may be run again. A socket exists for a moment before it listens, and looks like that of a
 * dead process then: hence the other name until it listens.
 */
export const listen = (path: string): Effect.Effect<Effect.Effect<void>, Error> =>
  Effect.async((resume) => {
    const server = createServer((socket) => socket.destroy())
    const close = Effect.promise(async () => {
      await rm(path, { force: true }).catch(() => {})
      await new Promise((resolve) => server.close(resolve))
    })
    const unnamed = join(dirname(path), `new-${randomBytes(4).toString("hex")}`)
    // the listener stays for good: an error without one would end the process. Only the first error can still be
    // reported.
    server.on("error", (error) => resume(Effect.fail(error)))
    server.listen(unnamed, () =>
      rename(unnamed, path).then(
        () => resume(Effect.succeed(close)),
        (error: Error) => resume(Effect.zipRight(close, Effect.fail(error)))
      ))
    // an open socket must not keep the process running
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
