/**
 * How long the event loop of this process is held at a time: the gaps between two turns of a timer of 1 ms, which include
 * that millisecond.
 *
 * Where there is more to do than there are processors, a thread waits for one of them, for 4 ms and more at a time, in a
 * program that does nothing, too. Linux tells how long: what is left of a gap is what the program itself took.
 */
import { openSync, readSync } from "node:fs"

/** In milliseconds. */
export interface Gap {
  readonly elapsed: number
  /** Without the time in which the thread waited for a processor; where that is not known, all of it. */
  readonly held: number
}

export class EventLoopWatch {
  private gaps: Array<Gap> = []
  private last = performance.now()
  private lastWaited = waited()
  private timer: NodeJS.Timeout | undefined

  constructor() {
    this.turn()
  }

  /** The gaps since the last time. One that is not over yet is among the next ones. */
  take(): ReadonlyArray<Gap> {
    const { gaps } = this
    this.gaps = []
    return gaps
  }

  /** The last gap ends here: the timer may not have had its turn. */
  stop(): void {
    clearTimeout(this.timer)
    this.note()
  }

  private readonly turn = (): void => {
    this.note()
    this.timer = setTimeout(this.turn, 1)
    this.timer.unref()
  }

  private note(): void {
    const now = performance.now()
    const waitedNow = waited()
    const elapsed = now - this.last
    this.gaps.push({ elapsed, held: Math.max(0, elapsed - (waitedNow - this.lastWaited)) })
    this.last = now
    this.lastWaited = waitedNow
  }
}

const open = (): number | undefined => {
  try {
    return openSync(`/proc/self/task/${process.pid}/schedstat`, "r")
  } catch {
    return undefined
  }
}

const file = open()
const text = Buffer.alloc(64)

/** How long this thread has waited for a processor since it began, in milliseconds. */
const waited = (): number => {
  if (file === undefined) return 0
  const length = readSync(file, text, 0, text.length, 0)
  return Number(text.toString("latin1", 0, length).split(" ")[1]) / 1e6
}
