/**
 * Runs several ways of doing the same work side by side, in alternating rounds, so that other load on the machine
 * affects all of them.
 */

/** One way of doing the work. */
export interface Subject {
  readonly name: string
  /** Does the work `count` times. */
  readonly run: (count: number) => Promise<void>
}

/** One subject's figures over all rounds; times are CPU time of the whole process, in microseconds per operation. */
export interface Figure {
  readonly name: string
  readonly median: number
  readonly min: number
  readonly max: number
  /** Bytes allocated per operation, in a run too short for a garbage collection. */
  readonly bytes: number
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const collect = globalThis.gc ?? (() => {})

/** The bytes that an operation allocates; the young generation must hold the garbage of `uncollected` operations. */
export const allocated = async (run: Subject["run"]): Promise<number> => {
  collect()
  const before = process.memoryUsage().heapUsed
  await run(uncollected)
  return (process.memoryUsage().heapUsed - before) / uncollected
}

export const compare = async (
  subjects: ReadonlyArray<Subject>,
  options: { readonly rounds: number; readonly count: number }
): Promise<ReadonlyArray<Figure>> => {
  const times = new Map(subjects.map(({ name }) => [name, new Array<number>()]))
  for (const { run } of subjects) await run(options.count)
  for (let round = 0; round < options.rounds; round++) {
    for (let index = 0; index < subjects.length; index++) {
      // a different order in each round, so that no subject always follows the one that leaves most garbage
      const { name, run } = subjects[(index + round) % subjects.length]!
      collect()
      // warm up: a forced collection throws away optimised code, which must not be charged to any subject
      await run(Math.ceil(options.count / 10))
      const before = process.cpuUsage()
      await run(options.count)
      const { system, user } = process.cpuUsage(before)
      times.get(name)!.push((user + system) / options.count)
    }
  }
  const figures: Array<Figure> = []
  for (const { name, run } of subjects) {
    const own = times.get(name)!
    figures.push({
      name,
      median: median(own),
      min: Math.min(...own),
      max: Math.max(...own),
      bytes: await allocated(run)
    })
  }
  return figures
}

/** At 50 kB per operation this is 50 MB, which fits into the young generation that the benchmark is started with. */
const uncollected = 1_000
