/**
 * Who owns a folder of the spool, and whether that process still lives.
 *
 * A process id proves nothing by itself: ids are reused, and in another container the same id belongs to another
 * process. So an id is only checked where it means the same (same machine, same boot, same process namespace), and
 * together with the time the process started. For all other owners, only the age of the heartbeat tells.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { readFile, readlink } from "node:fs/promises"
import { hostname } from "node:os"
import { bestEffort } from "./files.ts"

/** `format` is the format of the segments: a process leaves alone formats that it cannot read. */
export const Owner = Schema.Struct({
  format: Schema.Literal(1),
  /** The machine, boot and process namespace in which `pid` is valid. */
  place: Schema.String,
  pid: Schema.Int.pipe(Schema.positive()),
  /** When the process started, in a form that only means something in this place; `undefined` where it is unknown. */
  startTime: Schema.optional(Schema.String)
})
export type Owner = typeof Owner.Type

export const OwnerJson = Schema.parseJson(Owner)

export const heartbeatMillis = 15_000
export const deadAfterMillis = 60_000

export const thisProcess = async (): Promise<Owner> => {
  const bootId = await bestEffort(readFile("/proc/sys/kernel/random/boot_id", "utf8"))
  const namespace = await bestEffort(readlink("/proc/self/ns/pid"))
  return {
    format: 1,
    place: [hostname(), bootId?.trim(), namespace].join(" "),
    pid: process.pid,
    startTime: (await processStat(process.pid))?.startTime
  }
}

/** @param silence milliseconds since the owner's last heartbeat */
export const isDead = async (owner: Owner, silence: number, self: Owner): Promise<boolean> => {
  const isSilent = silence > deadAfterMillis
  if (owner.place !== self.place) return isSilent
  if (!exists(owner.pid)) return true
  const stat = await processStat(owner.pid)
  if (stat === undefined || owner.startTime === undefined) return isSilent
  return stat.isZombie || stat.startTime !== owner.startTime
}

/** Reads an owner's file: `"damaged"` is what a power failure leaves, `"foreign"` what another version wrote. */
export const readOwner = (text: string): Owner | "damaged" | "foreign" =>
  Either.match(decodeOwner(text), {
    onRight: (owner) => owner,
    onLeft: () => Either.isRight(decodeAnyFormat(text)) ? "foreign" : "damaged"
  })

// internal

const decodeOwner = Schema.decodeEither(OwnerJson)
const decodeAnyFormat = Schema.decodeEither(Schema.parseJson(Schema.Struct({ format: Schema.Number })))

const exists = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // the process exists, but belongs to another user
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** State and start time (fields 3 and 22); the name before them is in parentheses and may contain anything. */
const processStat = async (
  pid: number
): Promise<{ readonly isZombie: boolean; readonly startTime: string | undefined } | undefined> => {
  const text = await bestEffort(readFile(`/proc/${pid}/stat`, "utf8"))
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  return { isZombie: fields[0] === "Z" || fields[0] === "X", startTime: fields[19] }
}
