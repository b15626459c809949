/** Rules for options, wherever they come from: no server or provider could work with a value that breaks them. */
import * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

export interface Rule {
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
}

/** Decodes a duration. None if the input is negative or no number, which `Duration` turns into zero, or is infinite. */
export const durationOf = (input: unknown): Option.Option<Duration.Duration> =>
  isNegative(input) ? Option.none() : Option.filter(Duration.decodeUnknown(input), Duration.isFinite)

export const oneOrMore: Rule = {
  expected: "expected a number of 1 or more",
  accepts: (value) => typeof value === "number" && value >= 1
}

/** For a number of parts among which something is shared out: with infinitely many, nothing would be left for each. */
export const finiteOneOrMore: Rule = {
  expected: "expected a finite number of 1 or more",
  accepts: (value) => oneOrMore.accepts(value) && Number.isFinite(value)
}

export const duration: Rule = {
  expected: "expected a duration of zero or more, such as 5 seconds",
  accepts: (value) => Option.isSome(durationOf(value))
}

/** At zero, nothing would ever be in time, and failures would be retried without a pause. */
export const positiveDuration: Rule = {
  expected: "expected a duration above zero, such as 5 seconds",
  accepts: (value) => Option.exists(durationOf(value), Duration.greaterThan(Duration.zero))
}

export const text: Rule = {
  expected: "expected a text that is not empty",
  accepts: (value) => typeof value === "string" && value.trim() !== ""
}

/** Rules for the fields of an object, which may be objects themselves. */
export interface Rules {
  readonly [field: string]: Rule | Rules
}

/** The first field that is present and breaks its rule. */
export const problemIn = (
  options: Readonly<Record<string, unknown>>,
  rules: Rules,
  path: ReadonlyArray<string> = []
): { readonly path: ReadonlyArray<string>; readonly message: string } | undefined => {
  for (const [field, rule] of Object.entries(rules)) {
    const value = options[field]
    if (value === undefined) continue
    const here = [...path, field]
    if (isRule(rule)) {
      if (!rule.accepts(value)) return { path: here, message: `${rule.expected}, got ${String(value)}` }
    } else if (typeof value === "object" && value !== null) {
      const problem = problemIn(value as Readonly<Record<string, unknown>>, rule, here)
      if (problem !== undefined) return problem
    }
  }
  return undefined
}

export const check = (
  options: Readonly<Record<string, unknown>>,
  rules: Rules
): Effect.Effect<void, ConfigError.ConfigError> => {
  const problem = problemIn(options, rules)
  return problem === undefined
    ? Effect.void
    : Effect.fail(ConfigError.InvalidData([...problem.path], problem.message))
}

// internal

const isRule = (rule: Rule | Rules): rule is Rule => typeof rule["accepts"] === "function"

const isNegative = (value: unknown): boolean => {
  if (typeof value === "string") return value.trim().startsWith("-")
  if (typeof value === "number" || typeof value === "bigint") return !(value >= 0)
  return Array.isArray(value) && !(value[0] >= 0 && value[1] >= 0)
}
