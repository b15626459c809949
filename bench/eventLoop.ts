/**
 * Measures how long the event loop of this process is blocked at a time: the gaps between two turns of a 1 ms timer,
 * which include that millisecond.
 *
 * On a busy machine a thread waits for a processor, for 4 ms and more at a time, even in a program that does nothing.
 * Linux reports this waiting time; the rest of a gap is time that the program itself took.
 *
 * Linux also reports how much of that rest the thread ran, to within some milliseconds, and Node reports how long
 * garbage was collected, mostly by other threads. The remaining time is waiting for a disk, for memory or for another
 * thread.
 */
import { openSync, readSync } from "node:fs"
import { PerformanceObserver } from "node:perf_hooks"

/** The durations within one gap, in milliseconds. */
export interface Gap {
  readonly elapsed: number
  /** `elapsed` without the time in which the thread waited for a processor; all of it if that time is unknown. */
  readonly held: number
  /** The part of `held` that was spent in `aside`. */
  readonly aside: number
  /** How long the thread ran during the gap; all of it if that is unknown. */
  readonly ran: number
  /** How long garbage was collected during the gap. */
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

/** The scheduler's totals for this thread since it began, in milliseconds. */
interface Schedule {
  readonly ran: number
  /** The time spent waiting for a processor. */
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
   * Runs work of the program that is not to be measured. Garbage collection during this work does not count as part of
   * it, because the garbage comes from all code.
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
   * The gaps since the last call. A gap that is not over yet is returned by the next call. Node reports garbage
   * collections some turns later, so wait for that before calling if `aside` matters.
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

  /** Stops the timer and ends the last gap, because the timer may not have had its turn. */
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
