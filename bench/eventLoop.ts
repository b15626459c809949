/**
 * How long the event loop of this process is held at a time: the gaps between two turns of a timer of 1 ms, which include
 * that millisecond.
 *
 * Where there is more to do than there are processors, a thread waits for one of them, for 4 ms and more at a time, in a
 * program that does nothing, too. Linux tells how long: what is left of a gap is what the program itself took.
 */
import { openSync, readSync } from "node:fs"
import { PerformanceObserver } from "node:perf_hooks"

/** In milliseconds. */
export interface Gap {
  readonly elapsed: number
  /** Without the time in which the thread waited for a processor; where that is not known, all of it. */
  readonly held: number
  /** What of that was `aside`. */
  readonly aside: number
}

interface Stretch {
  readonly start: number
  readonly end: number
  readonly held: number
}

export class EventLoopWatch {
  private gaps: Array<Stretch> = []
  private asides: Array<Stretch> = []
  private collections: Array<{ readonly startTime: number; readonly duration: number }> = []
  private last = performance.now()
  private lastWaited = waited()
  private timer: NodeJS.Timeout | undefined
  private readonly observer = new PerformanceObserver((list) => {
    for (const collection of list.getEntries()) this.collections.push(collection)
  })

  constructor() {
    this.observer.observe({ entryTypes: ["gc"] })
    this.turn()
  }

  /**
   * Does what is the program's own work, and not what is looked for. Garbage that is collected meanwhile is everybody's, and
   * no part of it.
   */
  aside<A>(work: () => A): A {
    const start = performance.now()
    const waitedBefore = waited()
    const result = work()
    const end = performance.now()
    this.asides.push({ start, end, held: Math.max(0, end - start - (waited() - waitedBefore)) })
    return result
  }

  /**
   * The gaps since the last time. One that is not over yet is among the next ones. Of collections of garbage Node tells some
   * turns later: whoever wants to know what was aside waits for that.
   */
  take(): ReadonlyArray<Gap> {
    const { asides, collections, gaps } = this
    this.gaps = []
    this.asides = []
    this.collections = []
    const within = (of: { readonly start: number; readonly end: number }, time: number) =>
      time >= of.start && time < of.end
    const owned = asides.map(({ end, held, start }) => {
      const collected = collections.filter(({ startTime }) => within({ start, end }, startTime))
      return { start, time: Math.max(0, held - collected.reduce((sum, { duration }) => sum + duration, 0)) }
    })
    let next = 0
    return gaps.map((gap) => {
      let aside = 0
      for (; next < owned.length && owned[next]!.start < gap.end; next++) aside += owned[next]!.time
      return { elapsed: gap.end - gap.start, held: gap.held, aside: Math.min(aside, gap.held) }
    })
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
    this.gaps.push({
      start: this.last,
      end: now,
      held: Math.max(0, now - this.last - (waitedNow - this.lastWaited))
    })
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
