/**
 * Reads a vendor's figures from a value of any kind. Fields that this library does not know are ignored, and `null`
 * counts as missing.
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { Usage } from "./usage.ts"
import { make, UsageError } from "./usage.ts"

/** A figure, which may be missing. */
export const count = Schema.optional(Schema.NullishOr(Schema.NonNegativeInt))

/** An object of figures, which may be missing. */
export const details = <Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.optional(Schema.NullishOr(Schema.Struct(fields)))

type Count = number | null | undefined

/** The figures that were read, or a message about figures that contradict each other. */
export type Figures = Either.Either<Partial<Usage>, string>

/** @param place where the figures are in the vendor's response, for error messages */
export const reader = <A, I>(
  vendor: string,
  place: string,
  schema: Schema.Schema<A, I>,
  figuresOf: (usage: A) => Figures
): (usage: unknown) => Either.Either<Usage, UsageError> => {
  const decode = Schema.decodeUnknownEither(schema)
  const refuse = (problem: string) => Either.left(new UsageError({ message: `${vendor}: ${problem}` }))
  return (usage) => {
    if (usage === undefined || usage === null) return refuse(`there are no figures; pass ${place}`)
    try {
      const decoded = decode(usage)
      if (Either.isLeft(decoded)) return refuse(`${problemOf(decoded.left)}; pass ${place} as the API gave it`)
      const figures = figuresOf(decoded.right)
      if (Either.isLeft(figures)) return refuse(figures.left)
      if (Object.values(figures.right).every((figure) => figure === undefined)) {
        return refuse(`none of the figures is there; pass ${place}`)
      }
      const made = make(figures.right)
      return Either.isLeft(made) ? refuse(made.left.message) : made
    } catch (error) {
      // thrown by a getter or a proxy of the application
      return refuse(`reading the figures failed: ${error instanceof Error ? error.message : typeof error}`)
    }
  }
}

/**
 * The rest of a figure without the others that it includes; fails if those are more than the figure.
 *
 * @param included the included figures, by the vendor's names
 */
export const remainder = (
  name: string,
  whole: Count,
  included: Readonly<Record<string, Count>>
): Either.Either<number | undefined, string> => {
  if (whole === undefined || whole === null) return Either.right(undefined)
  const sum = sumOf(Object.values(included))
  return sum <= whole
    ? Either.right(whole - sum)
    : Either.left(`${namesOf(included)} is ${sum}, more than the ${whole} ${name} that include it`)
}

/** Fails if the vendor states a total that is not the sum of its parts. A missing total is accepted. */
export const requireTotal = (
  name: string,
  total: Count,
  parts: Readonly<Record<string, Count>>
): Either.Either<void, string> =>
  total === undefined || total === null || sumOf(Object.values(parts)) === total
    ? Either.void
    : Either.left(`${name} is ${total}, but ${namesOf(parts)} is ${sumOf(Object.values(parts))}`)

export const known = (figure: Count): number | undefined => figure ?? undefined

export const sumOf = (figures: ReadonlyArray<Count>): number =>
  figures.reduce<number>((sum, figure) => sum + (figure ?? 0), 0)

// internal

const namesOf = (figures: Readonly<Record<string, Count>>): string =>
  Object.entries(figures).flatMap(([name, figure]) => figure === undefined || figure === null ? [] : [name]).join(" + ")

const problemOf = (error: ParseResult.ParseError): string => {
  const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
  const path = issue === undefined ? "" : issue.path.map(String).join(".")
  const message = (issue?.message ?? "unreadable").slice(0, 200)
  return path === "" ? message : `${path}: ${message}`
}
