/**
 * How long the event loop of this process is held at a time: the gaps between two turns of a timer of 1 ms, which include
 * that millisecond.
 *
 * Where there is more to do than there are processors, a thread waits for one of them, for 4 ms and more at a time, in a
 * program that does nothing, too. Linux tells how long: what is left of a gap is what the program itself took.
 *
 * Of what is left it tells, too, how much the thread ran, to some milliseconds; Node, how long it collected garbage, most of
 * which other threads do. What is neither is waiting, for a disk, for memory or for another thread.
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
  /** How long of it the thread ran; where that is not known, all of it. */
  readonly ran: number
  /** How long of it garbage was collected. */
  readonly collected: number
}

interface Stretch {
  readonly start: number
  readonly end: number
  readonly held: number
}

interface Turn extends Stretch {
  readonly ran: number
}

/** What the scheduler says of this thread since it began, in milliseconds. */
interface Schedule {
  readonly ran: number
  /** For a processor. */
  readonly waited: number
}

export class EventLoopWatch {
  private gaps: Array<Turn> = []
  private asides: Array<Stretch> = []
  private collections: Array<{ readonly startTime: number; readonly duration: number }> = []
  private last = performance.now()
  private lastSchedule = schedule()
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
    const { waited } = schedule()
    const result = work()
    const end = performance.now()
    this.asides.push({ start, end, held: Math.max(0, end - start - (schedule().waited - waited)) })
    return result
  }

  /**
   * The gaps since the last time. One that is not over yet is among the next ones. Of collections of garbage Node tells some
   * turns later: whoever wants to know what was aside waits for that.
   */
  take(): ReadonlyArray<Gap> {
    const { asides, collections, gaps, last } = this
    this.gaps = []
    this.asides = asides.filter(({ start }) => start >= last)
    this.collections = collections.filter(({ startTime }) => startTime >= last)
    const collectedIn = ({ end, start }: { readonly start: number; readonly end: number }): number => {
      const within = collections.filter(({ startTime }) => startTime >= start && startTime < end)
      return within.reduce((sum, { duration }) => sum + duration, 0)
    }
    const owned = asides.map((aside) => ({
      start: aside.start,
      time: Math.max(0, aside.held - collectedIn(aside))
    }))
    let next = 0
    return gaps.map((gap) => {
      let aside = 0
      for (; next < owned.length && owned[next]!.start < gap.end; next++) aside += owned[next]!.time
      const { held, ran } = gap
      return { elapsed: gap.end - gap.start, held, aside: Math.min(aside, held), ran, collected: collectedIn(gap) }
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
    const before = this.lastSchedule
    const { ran, waited } = schedule()
    this.gaps.push({
      start: this.last,
      end: now,
      held: Math.max(0, now - this.last - (waited - before.waited)),
      ran: ran - before.ran
    })
    this.last = now
    this.lastSchedule = { ran, waited }
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

const schedule = (): Schedule => {
  if (file === undefined) return { ran: performance.now(), waited: 0 }
  const length = readSync(file, text, 0, text.length, 0)
  const [ran, waited] = text.toString("latin1", 0, length).split(" ").map((nanos) => Number(nanos) / 1e6)
  return { ran: ran!, waited: waited! }
}
